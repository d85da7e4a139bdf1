// Splitting and joining: what is refused. Values are compared with TensorFlow's in text_test.cpp.
#include <gtest/gtest.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

const std::string kTexts = placeholder("x", "dim { size: -1 }", "DT_STRING"),
                  kSplits = placeholder("s", "dim { size: -1 }", "DT_INT64");

ConvertedFunction ngrams(std::int64_t width) {
  const std::string attrs = fmt::format(
      "attr {{ key: \"ngram_widths\" value {{ list {{ i: {} }} }} }} attr {{ key: \"separator\" value {{ s: \" \" }} "
      "}} "
      "attr {{ key: \"left_pad\" value {{ s: \"<\" }} }} attr {{ key: \"right_pad\" value {{ s: \">\" }} }} "
      "attr {{ key: \"pad_width\" value {{ i: -1 }} }} "
      "attr {{ key: \"preserve_short_sequences\" value {{ b: false }} }}",
      width);
  return import(kTexts + kSplits + node("y", "StringNGrams", {"x", "s"}, attrs), {"y:0", "y:1"}, {"x", "s"});
}

TEST(NGrams, SplitsMustLeadFromZeroToTheEnd) {
  const auto f = ngrams(2);
  EXPECT_EQ(f(strings({"a"}), array<std::int32_t>({0, 1}))["y:0"].strings().values,
            (std::vector<std::string>{"< a", "a >"}));
  expect_error<ImportError>([&] { f(strings({"a"}), array<std::int32_t>({0, 2})); }, "the splits must lead from 0");
  expect_error<ImportError>([&] { f(strings({"a"}), array<std::int32_t>({0, -1, 1})); }, "not fall");
}

TEST(NGrams, WidthsWithoutMeasureAreRefused) {
  expect_error<ResourceExhaustedError>([] { ngrams(1 << 30)(strings({"a"}), array<std::int32_t>({0, 1})); },
                                       "bytes of text");
  expect_error<ImportError>([] { ngrams(0)(strings({"a"}), array<std::int32_t>({0, 1})); }, "widths must be positive");
}

TEST(SegmentJoin, SegmentsLieWithinTheirNumber) {
  const auto f = import(kTexts + placeholder("s", "dim { size: -1 }", "DT_INT32") +
                            constant("n", "dtype: DT_INT32 tensor_shape { } int_val: 2") +
                            node("y", "UnsortedSegmentJoin", {"x", "s", "n"}),
                        {"y"}, {"x", "s"});
  EXPECT_EQ(f(strings({"a", "b", "c"}), array<std::int32_t>({1, -1, 1})).strings().values,
            (std::vector<std::string>{"", "ac"}));
  expect_error<ImportError>([&] { f(strings({"a"}), array<std::int32_t>({2})); }, "a segment is out of range");
  expect_error<ImportError>([&] { f(strings({"a"}), array<std::int32_t>({0, 1})); }, "leading axes");
}

}  // namespace
}  // namespace tf2jax
