// Random operations: keys, ranges and shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../../support.h"
#include "../../one_node.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
const Operand shape = fixed(array<int>({50, 20}));

TEST(Convert, RandomNodesNeedAKey) {
  const auto f = import(constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 4") +
                        node("y", "RandomUniform", {"n"}, "attr { key: \"dtype\" value { type: DT_FLOAT } }"));
  EXPECT_THAT(message_of<ValueError>([&] { f(); }), HasSubstr("PRNG key required for random ops, found rng=None."));
  const Array key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
  EXPECT_EQ(Array(f(rng(key))).to_vector<float>(), Array(f(rng(key))).to_vector<float>());
}

TEST(RandomOps, RangesAndMoments) {
  const Array u = call_node("RandomUniform", {shape}, {{"dtype", f32}});
  EXPECT_EQ(u.dims(), (Dims{50, 20}));
  EXPECT_GE(min(u).item<float>(), 0);
  EXPECT_LT(max(u).item<float>(), 1);
  EXPECT_NEAR(mean(u).item<float>(), 0.5, 5 * std::sqrt(1.0 / 12000));
  const Array z = call_node("RandomStandardNormal", {shape}, {{"dtype", f32}});
  EXPECT_NEAR(mean(z).item<float>(), 0, 5 / std::sqrt(1000.0));
  const Array t = call_node("TruncatedNormal", {shape}, {{"dtype", f32}});
  EXPECT_LE(max(abs(t)).item<float>(), 2);
  const Array i = call_node("RandomUniformInt", {shape, fixed(array<int>(3)), fixed(array<int>(6))}, {});
  EXPECT_EQ(min(i).item<int>(), 3);
  EXPECT_EQ(max(i).item<int>(), 5);
}

TEST(RandomOps, ShufflesKeepTheirRows) {
  const Array y = call_node("RandomShuffle", {argument(arange(30))}, {});
  EXPECT_EQ(sort(y).to_vector<int>(), arange(30).to_vector<int>());
  EXPECT_NE(y.to_vector<int>(), arange(30).to_vector<int>());
}

TEST(RandomOps, CertainLogitsAreDrawn) {
  const Array logits = array<float>({{-1e9f, 0}, {0, -1e9f}});
  const Array y = call_node("Multinomial", {argument(logits), fixed(array<int>(3))}, {{"output_dtype", i32}});
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{1, 1, 1, 0, 0, 0}));
}

TEST(RandomOps, StatelessOnesFollowTheirKeyOnly) {
  const auto draw = [](std::uint32_t k) {
    return floats_of(call_node(
        "StatelessRandomUniformV2",
        {fixed(array<int>({4})), argument(array<std::uint32_t>({0, k})), fixed(zeros({2}, u32)), fixed(array<int>(1))},
        {{"dtype", f32}}));
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(RandomOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("RandomUniform", {fixed(array<int>({-1}))}, {{"dtype", f32}}); },
                            "import 'y' (RandomUniform)");
}

}  // namespace
}  // namespace tf2jax
