// Slices, gathers and scatters.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});
Array strided(const Array& x, const Array& begin, const Array& end, const Array& strides,
              std::map<std::string, AttributeValue> masks = {}) {
  return call_node("StridedSlice", {argument(x), fixed(begin), fixed(end), fixed(strides)}, masks);
}

TEST(IndexOps, StridedSlicesAndTheirMasks) {
  const Array x = arange(5);
  const auto ints = [](const Array& y) { return y.to_vector<int>(); };
  const auto one = [](int v) { return array<int>({v}); };
  EXPECT_EQ(ints(strided(x, one(1), one(4), one(2))), (std::vector<int>{1, 3}));
  EXPECT_EQ(ints(strided(x, one(-2), one(99), one(1))), (std::vector<int>{3, 4}));
  EXPECT_EQ(ints(strided(x, one(4), one(0), one(-2))), (std::vector<int>{4, 2}));
  EXPECT_EQ(ints(strided(x, one(3), one(0), one(-1), {{"begin_mask", std::int64_t{1}}, {"end_mask", std::int64_t{1}}})),
            (std::vector<int>{4, 3, 2, 1, 0}));
  EXPECT_EQ(strided(x, one(2), one(3), one(1), {{"shrink_axis_mask", std::int64_t{1}}}).rank(), 0);
  EXPECT_EQ(strided(x, one(0), one(0), one(1), {{"new_axis_mask", std::int64_t{1}}}).dims(), (Dims{1, 5}));
  EXPECT_EQ(
      strided(x23, array<int>({0, 1}), array<int>({0, 2}), array<int>({1, 1}), {{"ellipsis_mask", std::int64_t{1}}})
          .to_vector<float>(),
      (Floats{2, 5}));
}

TEST(IndexOps, GradientsOfSlicesAreZeroElsewhere) {
  const Array y = call_node("StridedSliceGrad",
                            {fixed(array<int>({5})), fixed(array<int>({1})), fixed(array<int>({4})),
                             fixed(array<int>({2})), argument(array<float>({7, 8}))},
                            {});
  EXPECT_EQ(y.to_vector<float>(), (Floats{0, 7, 0, 8, 0}));
}

TEST(IndexOps, SlicesHaveStartsAndSizes) {
  EXPECT_EQ(floats_of(call_node("Slice", {argument(x23), fixed(array<int>({0, 1})), fixed(array<int>({2, -1}))}, {})),
            (Floats{2, 3, 5, 6}));
  EXPECT_EQ(floats_of(call_node("Slice", {argument(x23), argument(array<int>({1, 0})), fixed(array<int>({1, 2}))}, {})),
            (Floats{4, 5}));
}

// As the operation's own description: indices 2, 5, 7 in sizes 3, 3 are rows 0, 1, 2 and columns 2, 2, 1.
TEST(IndexOps, CoordinatesOfPositions) {
  const auto unravel = [](const Operand& positions, const Array& sizes) {
    return call_node("UnravelIndex", {positions, fixed(sizes)}, {}).array();
  };
  const Array table = unravel(argument(array<int>({2, 5, 7})), array<int>({3, 3}));
  EXPECT_EQ(table.dims(), (Dims{2, 3}));
  EXPECT_EQ(table.to_vector<int>(), (std::vector<int>{0, 1, 2, 2, 2, 1}));
  EXPECT_EQ(unravel(argument(array<int>(23)), array<int>({2, 3, 4})).to_vector<int>(), (std::vector<int>{1, 2, 3}));
  expect_error<ImportError>([&] { unravel(fixed(array<int>({9})), array<int>({3, 3})); }, "outside the array. Got 9");
  expect_error<ImportError>([&] { unravel(argument(array<int>({1})), array<int>({0, 3})); }, "not those of an array");
}

TEST(IndexOps, Gathers) {
  const auto gather = [](const Array& indices, int axis, int batch) {
    return call_node("GatherV2", {argument(x23), argument(indices), fixed(array<int>(axis))},
                     {{"batch_dims", std::int64_t{batch}}})
        .array();
  };
  EXPECT_EQ(gather(array<int>({1, 0, 1}), 0, 0).to_vector<float>(), (Floats{4, 5, 6, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(gather(array<int>({{2}, {0}}), 1, 0).dims(), (Dims{2, 2, 1}));
  EXPECT_EQ(gather(array<int>({{2}, {0}}), 1, 1).to_vector<float>(), (Floats{3, 4}));
  EXPECT_EQ(gather(zeros({0}, i32), 0, 0).dims(), (Dims{0, 3}));
  EXPECT_EQ(floats_of(call_node("GatherNd", {argument(x23), argument(array<int>({{1, 2}, {0, 0}}))}, {})),
            (Floats{6, 1}));
  EXPECT_EQ(floats_of(call_node("GatherNd", {argument(x23), argument(array<int>({{1}}))}, {})), (Floats{4, 5, 6}));
}

TEST(IndexOps, Scatters) {
  const Operand at = argument(array<int>({{1}, {1}, {0}})), v = argument(array<float>({1, 2, 4}));
  EXPECT_EQ(floats_of(call_node("ScatterNd", {at, v, fixed(array<int>({3}))}, {})), (Floats{4, 3, 0}));
  const Operand base = argument(array<float>({10, 10, 10}));
  EXPECT_EQ(floats_of(call_node("TensorScatterAdd", {base, at, v}, {})), (Floats{14, 13, 10}));
  EXPECT_EQ(floats_of(call_node("TensorScatterSub", {base, at, v}, {})), (Floats{6, 7, 10}));
  EXPECT_EQ(floats_of(call_node("TensorScatterMax", {base, at, argument(array<float>({1, 20, 4}))}, {})),
            (Floats{10, 20, 10}));
  EXPECT_EQ(floats_of(call_node("TensorScatterMin", {base, at, v}, {})), (Floats{4, 1, 10}));
  EXPECT_EQ(
      floats_of(call_node("TensorScatterUpdate", {base, argument(array<int>({{2}})), argument(array<float>({7}))}, {})),
      (Floats{10, 10, 7}));
  EXPECT_EQ(floats_of(call_node("InplaceAdd", {base, argument(array<int>({2})), argument(array<float>({7}))}, {})),
            (Floats{10, 10, 17}));
}

TEST(IndexOps, OneHotsHaveTwoValues) {
  const Array y = call_node(
      "OneHot", {argument(array<int>({1, -1})), fixed(array<int>(2)), fixed(array<float>(5)), fixed(array<float>(-5))},
      {});
  EXPECT_EQ(y.to_vector<float>(), (Floats{-5, 5, -5, -5}));
}

TEST(IndexOps, WhatIsRefused) {
  expect_error<ImportError>([] { strided(arange(5), array<int>({0}), array<int>({5}), array<int>({0})); },
                            "a stride is zero");
  expect_error<ImportError>(
      [] {
        strided(arange(5), array<int>({7}), array<int>({8}), array<int>({1}), {{"shrink_axis_mask", std::int64_t{1}}});
      },
      "out of bounds");
  expect_error<ImportError>(
      [] { call_node("Slice", {argument(x23), fixed(array<int>({0, 2})), fixed(array<int>({2, 2}))}, {}); },
      "a slice exceeds its axis");
  expect_error<ImportError>([] { call_node("GatherNd", {argument(x23), argument(array<int>({{0, 0, 0}}))}, {}); },
                            "import 'y' (GatherNd)");
}

}  // namespace
}  // namespace tf2jax
