// Fake quantisation: points of the grid, and the gradient that TensorFlow registers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const std::map<std::string, AttributeValue> kTwoBits{{"num_bits", std::int64_t{2}}, {"narrow_range", false}};

TEST(Quantize, TwoBitsAreFourPoints) {
  // Of [0, 3] the points are 0, 1, 2, 3; halves go up.
  const Array x = array<float>({-5, 0.4f, 0.5f, 1.2f, 2.9f, 9});
  EXPECT_EQ(
      floats_of(call_node("FakeQuantWithMinMaxVars", {argument(x), fixed(Array(0.f)), fixed(Array(3.f))}, kTwoBits)),
      (Floats{0, 0, 1, 1, 3, 3}));
}

TEST(Quantize, TheRangeMovesSoThatZeroIsAPoint) {
  // [-1, 2] has points a distance of 1 apart; of [-1.2, 1.8] they are the same.
  const Array x = array<float>({-3, -0.6f, 0, 0.4f, 3});
  EXPECT_EQ(
      floats_of(call_node("FakeQuantWithMinMaxVars", {argument(x), fixed(Array(-1.2f)), fixed(Array(1.8f))}, kTwoBits)),
      (Floats{-1, -1, 0, 0, 2}));
}

TEST(Quantize, TheGradientGoesToWhatDecides) {
  GraphBuilder g;
  g.placeholder("x", f32, {3});
  g.placeholder("low", f32, {});
  g.placeholder("high", f32, {});
  g.node("FakeQuantWithMinMaxVars", "y", {"x", "low", "high"}, kTwoBits);
  const auto f = convert(g.graph(), {.inputs = {"x", "low", "high"}, .outputs = {"y"}});
  const auto total = [&](const Array& x, const Array& low, const Array& high) {
    return sum(Array(f(x, low, high)) * array<float>({1, 10, 100}));
  };
  const auto [dx, dlow, dhigh] = grad<0, 1, 2>(total)(array<float>({-5, 1, 9}), Array(0.f), Array(3.f));
  EXPECT_EQ(dx.to_vector<float>(), (Floats{0, 10, 0}));
  EXPECT_EQ(dlow.item<float>(), 1);
  EXPECT_EQ(dhigh.item<float>(), 100);
}

TEST(Quantize, ChannelsHaveRangesOfTheirOwn) {
  const Array x = array<float>({{0.6f, 0.6f}});
  const Operand low = fixed(array<float>({0, 0})), high = fixed(array<float>({3, 6}));
  EXPECT_EQ(floats_of(call_node("FakeQuantWithMinMaxVarsPerChannel", {argument(x), low, high}, kTwoBits)),
            (Floats{1, 0}));
}

TEST(Quantize, AnEmptyRangeIsRefused) {
  auto attributes = kTwoBits;
  attributes["min"] = 1.f;
  attributes["max"] = 1.f;
  EXPECT_THAT(message_of<ImportError>([&] { call_node("FakeQuantWithMinMaxArgs", {argument(ones({2}))}, attributes); }),
              ::testing::HasSubstr("min must be less than max"));
}

}  // namespace
}  // namespace tf2jax
