// Shapes and movement.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});
std::vector<int> ints_of(const Tree& y) { return y.array().to_vector<int>(); }

TEST(ShapeConverters, SizesAreKnown) {
  EXPECT_EQ(ints_of(call_node("Shape", {argument(x23)}, {})), (std::vector<int>{2, 3}));
  EXPECT_EQ(ints_of(call_node("Rank", {argument(x23)}, {})), std::vector<int>{2});
  EXPECT_EQ(ints_of(call_node("Size", {argument(x23)}, {})), std::vector<int>{6});
  EXPECT_EQ(ints_of(call_node("Shape", {argument(Array(1.f))}, {})), std::vector<int>{});
}

TEST(ShapeConverters, ReshapesAndAxes) {
  EXPECT_EQ(call_node("Reshape", {argument(x23), fixed(array<int>({3, -1}))}, {}).array().dims(), (Dims{3, 2}));
  EXPECT_EQ(call_node("Reshape", {argument(zeros({0, 3})), fixed(array<int>({-1, 0}))}, {}).array().dims(),
            (Dims{1, 0}));
  EXPECT_EQ(call_node("ExpandDims", {argument(x23), fixed(array<int>(-1))}, {}).array().dims(), (Dims{2, 3, 1}));
  EXPECT_EQ(call_node("Squeeze", {argument(ones({1, 2, 1}))}, {}).array().dims(), Dims{2});
  EXPECT_EQ(call_node("Squeeze", {argument(ones({1, 2, 1}))}, {{"squeeze_dims", std::vector<std::int64_t>{-1}}})
                .array()
                .dims(),
            (Dims{1, 2}));
  EXPECT_EQ(floats_of(call_node("Transpose", {argument(x23), fixed(array<int>({1, 0}))}, {})),
            (Floats{1, 4, 2, 5, 3, 6}));
}

TEST(ShapeConverters, Repeats) {
  EXPECT_EQ(floats_of(call_node("Tile", {argument(array<float>({1, 2})), fixed(array<int>({2}))}, {})),
            (Floats{1, 2, 1, 2}));
  EXPECT_EQ(floats_of(call_node("BroadcastTo", {argument(array<float>({1, 2})), fixed(array<int>({2, 2}))}, {})),
            (Floats{1, 2, 1, 2}));
  EXPECT_EQ(floats_of(call_node("Roll", {argument(x23), fixed(array<int>({1})), fixed(array<int>({1}))}, {})),
            (Floats{3, 1, 2, 6, 4, 5}));
  EXPECT_EQ(floats_of(call_node("ReverseV2", {argument(x23), fixed(array<int>({-1}))}, {})),
            (Floats{3, 2, 1, 6, 5, 4}));
}

TEST(ShapeConverters, ArithmeticOfShapes) {
  EXPECT_EQ(ints_of(call_node("BroadcastArgs", {fixed(array<int>({2, 1})), fixed(array<int>({3}))}, {})),
            (std::vector<int>{2, 3}));
  const Tree axes =
      call_node("BroadcastGradientArgs", {fixed(array<int>({2, 1})), fixed(array<int>({3}))}, {}, true, {"y:0", "y:1"});
  EXPECT_EQ(ints_of(axes[0]), std::vector<int>{1});
  EXPECT_EQ(ints_of(axes[1]), std::vector<int>{0});
  EXPECT_EQ(ints_of(call_node("InvertPermutation", {fixed(array<int>({2, 0, 1}))}, {})), (std::vector<int>{1, 2, 0}));
  const Tree offsets =
      call_node("ConcatOffset", {fixed(array<int>(1)), fixed(array<int>({2, 3})), fixed(array<int>({2, 4}))},
                {{"N", std::int64_t{2}}}, true, {"y:0", "y:1"});
  EXPECT_EQ(ints_of(offsets[0]), (std::vector<int>{0, 0}));
  EXPECT_EQ(ints_of(offsets[1]), (std::vector<int>{0, 3}));
}

TEST(ShapeConverters, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("Reshape", {argument(x23), fixed(array<int>({4}))}, {}); },
                            "import 'y' (Reshape)");
  expect_error<ImportError>([] { call_node("Transpose", {argument(x23), fixed(array<int>({0}))}, {}); },
                            "import 'y' (Transpose)");
  expect_error<ImportError>([] { call_node("InvertPermutation", {fixed(array<int>({0, 0}))}, {}); },
                            "this is not a permutation");
  expect_error<ImportError>([] { call_node("Tile", {argument(x23), fixed(array<int>({-1, 1}))}, {}); },
                            "import 'y' (Tile)");
}

}  // namespace
}  // namespace tf2jax
