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

std::map<std::string, AttributeValue> integers(DType type, const std::string& mode, const std::string& rounding) {
  return {{"T", type},
          {"mode", mode},
          {"round_mode", rounding},
          {"narrow_range", false},
          {"axis", std::int64_t{-1}},
          {"ensure_minimum_range", 0.01f}};
}
std::vector<int> quantised(const Array& x, float low, float high, const std::map<std::string, AttributeValue>& how) {
  return Array(call_node("QuantizeV2", {argument(x), fixed(Array(low)), fixed(Array(high))}, how)).to_vector<int>();
}

// The values are TensorFlow's.
TEST(Quantize, ToTheEvenIntegerInARangeAroundZero) {
  const Array x = array<float>({1.71087432f, 2.53776097f, -0.447871178f, -0.415826499f, -2.29573274f, 1.04970074f,
                                -2.43579626f, 2.05731487f, -1.95812356f, -1.92420578f, -1.99440551f, 1.03438461f});
  EXPECT_EQ(quantised(x, -0.354883254f, 1.15328705f, integers(DType::i8, "SCALED", "HALF_TO_EVEN")),
            (std::vector<int>{127, 127, -50, -46, -128, 116, -128, 127, -128, -128, -128, 114}));
}

TEST(Quantize, PlacesAndTheFirstAreRoundedEach) {
  const Array x = array<float>({0.5f, 2, -2, -1, 2.5f, 3, -0.5f, -1, 2, -1, 2.5f, -1.5f});
  EXPECT_EQ(quantised(x, -2, 1, integers(DType::u8, "MIN_FIRST", "HALF_AWAY_FROM_ZERO")),
            (std::vector<int>{212, 255, 0, 85, 255, 255, 128, 85, 255, 85, 255, 42}));
}

TEST(Quantize, UnsignedNumbersBeginAtZeroAlsoInANarrowRange) {
  const Array x = array<float>({0.9445003f, 0.0225275f, 1.987549f});
  const std::map<std::string, AttributeValue> attributes{
      {"range_given", false},        {"round_mode", std::string("HALF_TO_EVEN")},
      {"num_bits", std::int64_t{9}}, {"signed_input", false},
      {"narrow_range", true},        {"axis", std::int64_t{-1}}};
  const Floats got =
      floats_of(call_node("QuantizeAndDequantizeV2", {argument(x), fixed(Array(0.f)), fixed(Array(1.5f))}, attributes));
  const Floats expected{0.9451554f, 0.02333717f, 1.987549f};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6);
}

}  // namespace
}  // namespace tf2jax
