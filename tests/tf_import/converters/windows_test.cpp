// Windows that reach far out of their operand cost no more than what lies inside it.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

using Ints = std::vector<std::int64_t>;

TEST(Windows, LargerThanTheImageCountItsPixelsOnly) {
  const Array x = reshape(array<float>({1, 2, 3}), {1, 1, 3, 1});
  const auto pooled = [&](const std::string& op, std::int64_t size) {
    return floats_of(
        call_node(op, {argument(x)},
                  {{"ksize", Ints{1, 1, size, 1}}, {"strides", Ints{1, 1, 1, 1}}, {"padding", std::string("SAME")}}));
  };
  for (const std::int64_t size : {std::int64_t{5}, std::int64_t{7}, std::int64_t{1} << 20}) {
    EXPECT_EQ(pooled("MaxPool", size), (Floats{3, 3, 3})) << size;
    EXPECT_EQ(pooled("AvgPool", size), (Floats{2, 2, 2})) << size;
  }
  EXPECT_EQ(pooled("MaxPool", 3), (Floats{2, 3, 3}));
  EXPECT_EQ(pooled("AvgPool", 3), (Floats{1.5, 2, 2.5}));
}

TEST(Windows, TooMuchWorkIsRefused) {
  const auto few = override_config(&Config::max_array_elements, std::int64_t{1000});
  const Array x = ones({1, 1, 100, 1});
  expect_error<ResourceExhaustedError>(
      [&] {
        call_node("MaxPool", {argument(x)},
                  {{"ksize", Ints{1, 1, 50, 1}}, {"strides", Ints{1, 1, 1, 1}}, {"padding", std::string("VALID")}});
      },
      "max_array_elements");
}

}  // namespace
}  // namespace tf2jax
