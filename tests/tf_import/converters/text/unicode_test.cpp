// Code points: every one, and what is refused. Malformed texts are compared with TensorFlow in text_test.cpp.
#include <gtest/gtest.h>
#include <tf2jax/base/internal/utf8.h>
#include <tf2jax/tf_import/converters/text/internal/text_ops.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

TEST(Utf8, EveryCodePointComesBack) {
  for (std::int32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    detail::append_utf8(text, c);
    std::vector<std::int32_t> points;
    tf_import::for_each_code_point(text, [&](std::int32_t p, std::int64_t) { points.push_back(p); });
    ASSERT_EQ(points, std::vector<std::int32_t>{c});
  }
}

std::string attr(const std::string& name, const std::string& value) {
  return "attr { key: \"" + name + "\" value { s: \"" + value + "\" } } ";
}

TEST(Unicode, StrictTextsMustBeWellFormed) {
  const auto f =
      import(placeholder("x", "", "DT_STRING") +
                 node("y", "UnicodeDecode", {"x"}, attr("input_encoding", "UTF-8") + attr("errors", "strict")),
             {"y:1"}, {"x"});
  EXPECT_EQ(f("ß").array().to_vector<int>(), std::vector<int>{223});
  expect_error<ImportError>([&] { f("\xff"); }, "not well formed");
}

TEST(Unicode, OtherEncodingsAreNotImplemented) {
  const auto f =
      import(placeholder("x", "", "DT_STRING") + node("y", "UnicodeDecode", {"x"}, attr("input_encoding", "UTF-16-BE")),
             {"y:1"}, {"x"});
  expect_error<NotImplementedError>([&] { f("a"); }, "only UTF-8 is implemented. Got input_encoding 'UTF-16-BE'");
}

}  // namespace
}  // namespace tf2jax
