// Regular expressions: what is refused. Values are compared with TensorFlow's in text_test.cpp.
#include <gtest/gtest.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

StringTensor replaced(const std::string& pattern, const std::string& rewrite, const std::string& text) {
  const auto f = import(placeholder("x", "", "DT_STRING") + placeholder("p", "", "DT_STRING") +
                            placeholder("r", "", "DT_STRING") + node("y", "RegexReplace", {"x", "p", "r"}),
                        {"y"}, {"x", "p", "r"});
  return f(text, pattern, rewrite).strings();
}

TEST(Regex, PatternsAndRewritesMustBeWellFormed) {
  expect_error<ImportError>([] { replaced("(a", "b", "a"); }, "Invalid pattern: (a");
  expect_error<ImportError>([] { replaced("a", "\\1", "a"); }, "Invalid rewrite");
}

TEST(Regex, LargePatternsAreRefused) {
  expect_error<ImportError>([] { replaced("((a{100}){100}){100}", "b", "a"); }, "Invalid pattern");
}

TEST(Regex, TextThatGrowsWithoutMeasureIsRefused) {
  std::string rewrite;
  for (int i = 0; i < 20000; ++i) rewrite += "\\0";
  expect_error<ResourceExhaustedError>([&] { replaced(".*", rewrite, std::string(100000, 'a')); }, "bytes of text");
}

TEST(Regex, MatchesCountAsStepsOfALoop) {
  const auto limit = override_config(&Config::max_loop_steps, std::int64_t{100});
  expect_error<ResourceExhaustedError>([] { replaced("a", "b", std::string(1000, 'a')); }, "more than 100 steps");
  EXPECT_EQ(replaced("a", "b", "aba").values, (std::vector<std::string>{"bbb"}));
}

TEST(Regex, PatternsThatBacktrackingCannotMatchTakeLinearTime) {
  EXPECT_EQ(replaced("(a*)*c", "b", std::string(3000, 'a')).values[0].size(), 3000u);
}

}  // namespace
}  // namespace tf2jax
