// Strings moved like numbers.
#include <gtest/gtest.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

const std::string kTexts = placeholder("x", "dim { size: 3 }", "DT_STRING"),
                  kIndex = placeholder("i", "dim { size: -1 }", "DT_INT32"),
                  kAxis = constant("axis", "dtype: DT_INT32 tensor_shape { } int_val: 0");
using Texts = std::vector<std::string>;

TEST(StringMovement, TakesByNumbersThatAreArguments) {
  const auto f = import(kTexts + kIndex + kAxis + node("y", "GatherV2", {"x", "i", "axis"}), {"y"}, {"x", "i"});
  EXPECT_EQ(f(strings({"a", "b", "c"}), array<std::int32_t>({2, 0})).strings().values, (Texts{"c", "a"}));
}

TEST(StringMovement, NeedsKnownNumbers) {
  const auto f = import(kTexts + kIndex + kAxis + node("y", "GatherV2", {"x", "i", "axis"}), {"y"}, {"x", "i"});
  expect_error<ConcretizationError>(
      [&] {
        jit([&](const Array& i) {
          f(strings({"a", "b", "c"}), i);
          return i;
        })(array<std::int32_t>({2, 0}));
      },
      "which strings are taken depends on traced values");
}

// Without jit in between, a program that cannot be staged runs op by op.
TEST(StringMovement, LabelsOfTheModelAreChosenByNumbers) {
  const std::string labels = constant(
      "x", "dtype: DT_STRING tensor_shape { dim { size: 3 } } string_val: \"a\" string_val: \"b\" string_val: \"c\"");
  const auto f = import(labels + kIndex + kAxis + node("y", "GatherV2", {"x", "i", "axis"}), {"y"}, {"i"});
  EXPECT_EQ(f(array<std::int32_t>({1, 1})).strings().values, (Texts{"b", "b"}));
}

TEST(StringMovement, TextThatGrowsWithoutMeasureIsRefused) {
  const auto f = import(placeholder("x", "", "DT_STRING") + kIndex + node("y", "Fill", {"i", "x"}), {"y"}, {"x", "i"});
  EXPECT_EQ(f("ab", array<std::int32_t>({2})).strings().values, (Texts{"ab", "ab"}));
  expect_error<ResourceExhaustedError>([&] { f(std::string(100000, 'a'), array<std::int32_t>({100000})); },
                                       "bytes of text");
}

}  // namespace
}  // namespace tf2jax
