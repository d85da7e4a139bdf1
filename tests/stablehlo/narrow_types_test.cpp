// Types that arrays do not have: nearest numbers by search through all of them.
#include "tf2jax/stablehlo/internal/narrow_types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../support.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;
using stablehlo::NarrowType;

namespace {

const NarrowType& type_of(const std::string& element) {
  return *stablehlo::narrow_type(*stablehlo::tensor_type(element, {}));
}
std::vector<float> all_of(const NarrowType& t) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  return stablehlo::decoded(bytes, t, {256}).to_vector<float>();
}

// The nearest finite number, of two the one with the even last bit; nullopt where the next step would be nearer.
std::optional<float> nearest(float x, const std::vector<float>& numbers) {
  std::optional<float> best;
  int best_byte = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const float v = numbers[byte];
    if (!std::isfinite(v)) continue;
    const double d = std::abs(double{x} - v), so_far = best ? std::abs(double{x} - *best) : INFINITY;
    if (d < so_far || (d == so_far && byte % 2 == 0 && best_byte % 2 != 0)) best = v, best_byte = byte;
  }
  return best;
}

class NarrowFloat : public ::testing::TestWithParam<const char*> {};

TEST_P(NarrowFloat, RoundsToTheNearestNumber) {
  const NarrowType& t = type_of(GetParam());
  const std::vector<float> numbers = all_of(t);
  std::mt19937 draw(7);
  std::vector<float> xs;
  for (int i = 0; i < 3000; ++i) {
    const double scale = std::exp2(std::uniform_real_distribution(-20.0, std::log2(t.largest))(draw));
    xs.push_back(static_cast<float>(std::uniform_real_distribution(-1.0, 1.0)(draw) * scale));
  }
  for (int byte = 0; byte + 1 < 128; ++byte)  // and all ties
    if (std::isfinite(numbers[byte]) && std::isfinite(numbers[byte + 1]))
      xs.push_back((numbers[byte] + numbers[byte + 1]) / 2);
  const auto got =
      stablehlo::narrowed(from_span<float>(xs, {static_cast<std::int64_t>(xs.size())}), t).to_vector<float>();
  for (std::size_t i = 0; i < xs.size(); ++i) EXPECT_EQ(got[i], nearest(xs[i], numbers)) << GetParam() << " " << xs[i];
}

TEST_P(NarrowFloat, ItsOwnNumbersStay) {
  const NarrowType& t = type_of(GetParam());
  const std::vector<float> numbers = all_of(t);
  const auto again = stablehlo::narrowed(from_span<float>(numbers, {256}), t).to_vector<float>();
  float largest = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_TRUE(again[i] == numbers[i] || (std::isnan(again[i]) && std::isnan(numbers[i]))) << GetParam() << " " << i;
    if (std::isfinite(numbers[i])) largest = std::max(largest, numbers[i]);
  }
  EXPECT_EQ(largest, static_cast<float>(t.largest));
  const float beyond = stablehlo::narrowed(Array(static_cast<float>(4 * t.largest)), t).item<float>();
  EXPECT_TRUE(t.has_infinity ? std::isinf(beyond) : std::isnan(beyond));
}

INSTANTIATE_TEST_SUITE_P(Types, NarrowFloat,
                         ::testing::Values("f8E5M2", "f8E4M3FN", "f8E4M3", "f8E3M4", "f8E5M2FNUZ", "f8E4M3FNUZ",
                                           "f8E4M3B11FNUZ"));

Jaxpr program(const std::string& text, const Avals& inputs) {
  return stablehlo::to_jaxpr(stablehlo::parse_module(text), inputs);
}

}  // namespace

TEST(NarrowTypes, KnownNumbers) {  // of the OFP8 specification
  const auto e4m3 = all_of(type_of("f8E4M3FN")), e5m2 = all_of(type_of("f8E5M2"));
  EXPECT_EQ(e4m3[0x7E], 448);
  EXPECT_EQ(e4m3[0x01], 0x1p-9f);
  EXPECT_TRUE(std::isnan(e4m3[0x7F]) && std::isnan(e4m3[0xFF]));
  EXPECT_EQ(e5m2[0x7B], 57344);
  EXPECT_EQ(e5m2[0x01], 0x1p-16f);
  EXPECT_EQ(e5m2[0xFC], -INFINITY);
}

TEST(NarrowTypes, IntegersWrapInsideAndStayWithinTheirRangeFromFloats) {
  const Jaxpr f = program(
      R"(module @m { func.func public @main(%arg0: tensor<4xf32>, %arg1: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>) {
    %0 = stablehlo.convert %arg0 : (tensor<4xf32>) -> tensor<4xi4>
    %1 = stablehlo.convert %arg1 : (tensor<4xi32>) -> tensor<4xi4>
    %2 = stablehlo.add %1, %1 : tensor<4xi4>
    %3 = stablehlo.convert %0 : (tensor<4xi4>) -> tensor<4xi32>
    %4 = stablehlo.convert %2 : (tensor<4xi4>) -> tensor<4xi32>
    return %3, %4 : tensor<4xi32>, tensor<4xi32> } })",
      {spec(f32, {4}), spec(i32, {4})});
  const Arrays out = eval_jaxpr(f, Arrays{array<float>({1.5f, -100, 100, -8}), array<std::int32_t>({3, 4, 7, 20})});
  EXPECT_EQ(out[0].to_vector<int>(), (std::vector<int>{1, -8, 7, -8}));
  EXPECT_EQ(out[1].to_vector<int>(), (std::vector<int>{6, -8, -2, -8}));
}

TEST(NarrowTypes, DerivativesPass) {
  const Jaxpr f = program(R"(module @m { func.func public @main(%arg0: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.convert %arg0 : (tensor<2xf32>) -> tensor<2xf8E4M3FN>
    %1 = stablehlo.convert %0 : (tensor<2xf8E4M3FN>) -> tensor<2xf32>
    return %1 : tensor<2xf32> } })",
                          {spec(f32, {2})});
  const auto g = grad([&](const Array& x) { return sum(eval_jaxpr(f, Arrays{x})[0] * 3.f); });
  EXPECT_EQ(g(array<float>({1.03f, 2})).to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_EQ(eval_jaxpr(f, Arrays{array<float>({1.03f, 2})})[0].to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(NarrowTypes, WhatArraysCannotHoldIsRefused) {
  const auto module = [](const std::string& body) { return "module @m { func.func public @main" + body + " }"; };
  expect_error<NotImplementedError>(
      [&] {
        program(module("(%arg0: tensor<2xf32>) -> tensor<2xf8E5M2> { %0 = stablehlo.convert %arg0 : (tensor<2xf32>) -> "
                       "tensor<2xf8E5M2> return %0 : tensor<2xf8E5M2> }"),
                {spec(f32, {2})});
      },
      "results of this type are not supported. Got tensor<2xf8E5M2>");
  EXPECT_THROW(
      program(module("(%arg0: tensor<2xi4>) -> tensor<2xi4> { return %arg0 : tensor<2xi4> }"), {spec(i8, {2})}), Error);
}
