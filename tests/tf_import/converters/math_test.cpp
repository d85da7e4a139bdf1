// Elementwise operations: values by their definitions.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Floats unary(const std::string& op, const Array& x) { return floats_of(call_node(op, {argument(x)}, {})); }
Floats binary(const std::string& op, const Array& x, const Array& y) {
  return floats_of(call_node(op, {argument(x), argument(y)}, {}));
}

TEST(MathOps, UnaryOnes) {
  const Array x = array<float>({-1.5f, 0, 2.5f});
  EXPECT_EQ(unary("Neg", x), (Floats{1.5, 0, -2.5}));
  EXPECT_EQ(unary("Square", x), (Floats{2.25, 0, 6.25}));
  EXPECT_EQ(unary("Sign", x), (Floats{-1, 0, 1}));
  EXPECT_EQ(unary("Round", x), (Floats{-2, 0, 2}));  // halves to even
  EXPECT_EQ(unary("Relu6", x), (Floats{0, 0, 2.5}));
  EXPECT_EQ(unary("Softsign", x), (Floats{-0.6f, 0, 2.5f / 3.5f}));
  EXPECT_EQ(unary("Inv", array<float>({4})), Floats{0.25});
  EXPECT_EQ(unary("OnesLike", x), (Floats{1, 1, 1}));
  EXPECT_EQ(unary("IsNan", array<float>({NAN, 1})), (Floats{1, 0}));
}

TEST(MathOps, SoftmaxesRunAlongTheLastAxis) {
  const Floats p = unary("Softmax", array<float>({{0, std::log(3.f)}, {5, 5}}));
  for (const auto& [i, want] : {std::pair(0, 0.25f), std::pair(1, 0.75f), std::pair(2, 0.5f)})
    EXPECT_NEAR(p[static_cast<std::size_t>(i)], want, 1e-6);
  EXPECT_NEAR(unary("LogSoftmax", array<float>({1, 1}))[0], -std::log(2.f), 1e-6);
}

TEST(Convert, SpecialFunctions) {  // values from tables (Abramowitz and Stegun, 9.8, 26.1)
  const auto value = [](const std::string& op, float x) {
    return Array(import(kScalarX + node("y", op, {"x"}))(x)).item<float>();
  };
  EXPECT_NEAR(value("BesselI0", 2.0f), 2.2795853, 1e-6);
  EXPECT_NEAR(value("BesselI1", -2.0f), -1.5906369, 1e-6);
  EXPECT_NEAR(value("Ndtri", 0.975f), 1.9599640, 2e-6);
}

TEST(MathOps, DivisionsOfIntegers) {
  const Array x = array<int>({7, -7}), y = array<int>({2, 2});
  EXPECT_EQ(binary("FloorDiv", x, y), (Floats{3, -4}));
  EXPECT_EQ(binary("FloorMod", x, y), (Floats{1, 1}));
  EXPECT_EQ(binary("TruncateDiv", x, y), (Floats{3, -3}));
  EXPECT_EQ(binary("TruncateMod", x, y), (Floats{1, -1}));
  EXPECT_EQ(binary("RealDiv", array<float>({1}), array<float>({4})), Floats{0.25});
}

TEST(MathOps, ZerosHideWhatIsNotANumber) {
  const Array zero = array<float>({0, 0, 2}), y = array<float>({0, NAN, 4});
  EXPECT_EQ(binary("DivNoNan", array<float>({1, 8}), array<float>({0, 2})), (Floats{0, 4}));
  EXPECT_EQ(binary("MulNoNan", array<float>({INFINITY, 3}), array<float>({0, 2})), (Floats{0, 6}));
  EXPECT_EQ(binary("Xdivy", zero, y), (Floats{0, 0, 0.5}));
  EXPECT_EQ(binary("Xlogy", array<float>({0, 2}), array<float>({0, 1})), (Floats{0, 0}));
  EXPECT_EQ(binary("Xlog1py", array<float>({0, 2}), array<float>({-1, 0})), (Floats{0, 0}));
}

TEST(MathOps, PowersOfIntegersAreExact) {
  EXPECT_EQ(call_node("Pow", {argument(array<int>({3, -2, 7})), argument(array<int>({4, 5, 0}))}, {})
                .array()
                .to_vector<int>(),
            (std::vector<int>{81, -32, 1}));
}

TEST(MathOps, ShiftsOfUnsignedNumbersBringZeros) {
  EXPECT_EQ(binary("RightShift", array<std::uint8_t>({200}), array<std::uint8_t>({1})), Floats{100});
  EXPECT_EQ(binary("RightShift", array<std::int8_t>({-56}), array<std::int8_t>({1})), Floats{-28});
}

TEST(MathOps, GradientsOfActivations) {
  const Array g = array<float>({10, 10}), x = array<float>({-1, 2});
  EXPECT_EQ(binary("ReluGrad", g, x), (Floats{0, 10}));
  EXPECT_EQ(binary("Relu6Grad", g, array<float>({7, 2})), (Floats{0, 10}));
  EXPECT_EQ(binary("SigmoidGrad", array<float>({0.25, 0.5}), g), (Floats{1.875, 2.5}));
  EXPECT_EQ(binary("TanhGrad", array<float>({0.5, 0}), g), (Floats{7.5, 10}));
  EXPECT_EQ(binary("ReciprocalGrad", array<float>({2, 1}), g), (Floats{-40, -10}));
  EXPECT_EQ(floats_of(call_node("LeakyReluGrad", {argument(g), argument(x)}, {{"alpha", 0.5f}})), (Floats{5, 10}));
}

TEST(MathOps, CastsAndSelections) {
  const Array y = call_node("Cast", {argument(array<float>({-1.5f, 2.9f}))}, {{"DstT", i32}, {"Truncate", false}});
  EXPECT_EQ(y.dtype(), i32);
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{-1, 2}));
  const Array bits = call_node("Bitcast", {argument(array<float>({1}))}, {{"type", u32}});
  EXPECT_EQ(bits.item<std::uint32_t>(0), 0x3f800000u);
  const Array rows = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(floats_of(call_node("Select", {argument(array<bool>({true, false})), argument(rows), argument(-rows)}, {})),
            (Floats{1, 2, -3, -4}));
  EXPECT_EQ(
      floats_of(call_node("SelectV2", {argument(array<bool>({true, false})), argument(rows), argument(-rows)}, {})),
      (Floats{1, -2, 3, -4}));
  EXPECT_EQ(floats_of(call_node("AddN", {argument(rows), argument(rows), argument(rows)}, {{"N", std::int64_t{3}}})),
            (Floats{3, 6, 9, 12}));
  EXPECT_EQ(floats_of(call_node("ClipByValue", {argument(rows), fixed(array<float>(2)), fixed(array<float>(3))}, {})),
            (Floats{2, 2, 3, 3}));
}

TEST(MathOps, WhatIsRefused) {
  expect_error<DtypeError>([] { unary("Rsqrt", array<int>({4})); }, "import 'y' (Rsqrt)");
  expect_error<ImportError>([] { binary("Add", ones({2}), ones({3})); }, "import 'y' (Add)");
  expect_error<ImportError>([] { call_node("Cast", {argument(ones({1}))}, {{"DstT", i32}, {"Truncate", true}}); },
                            "truncate");
}

}  // namespace
}  // namespace tf2jax
