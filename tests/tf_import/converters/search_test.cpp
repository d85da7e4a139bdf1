// Positions in sorted rows, and of what is not zero.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

const Array rows = array<float>({{1, 3, 3, 5}, {0, 0, 2, 9}}), values = array<float>({{3, 6, 0}, {0, 2, 10}});

TEST(SearchOps, BoundsOfValuesInSortedRows) {
  EXPECT_EQ(floats_of(call_node("LowerBound", {argument(rows), argument(values)}, {{"out_type", i32}})),
            (Floats{1, 4, 0, 0, 2, 4}));
  EXPECT_EQ(floats_of(call_node("UpperBound", {argument(rows), argument(values)}, {{"out_type", i32}})),
            (Floats{3, 4, 0, 2, 3, 4}));
}

TEST(SearchOps, EmptyRowsHaveOnePlace) {
  EXPECT_EQ(floats_of(call_node("LowerBound", {argument(zeros({1, 0})), argument(ones({1, 2}))}, {{"out_type", i32}})),
            (Floats{0, 0}));
}

TEST(SearchOps, WhereListsPositions) {
  const Array y = call_node("Where", {fixed(array<float>({{0, 2}, {3, 0}}))}, {});
  EXPECT_EQ(y.dims(), (Dims{2, 2}));
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{0, 1, 1, 0}));
  EXPECT_EQ(call_node("Where", {fixed(array<bool>({false}))}, {}).array().dims(), (Dims{0, 1}));
  const Array eager = call_node("Where", {argument(array<bool>({true, false, true}))}, {}, false);
  EXPECT_EQ(eager.to_vector<int>(), (std::vector<int>{0, 2}));
}

TEST(SearchOps, WhatIsRefused) {
  const auto rows = [](const Array& set) { return call_node("Where", {argument(set)}, {}).array(); };
  EXPECT_EQ(rows(array<bool>({false, true})).dims(), (Dims{1, 1}));
  // How many rows there are is not known while tracing.
  EXPECT_THAT(message_of<ConcretizationError>([&] { jit(rows)(array<bool>({true})); }), HasSubstr("Where"));
  expect_error<ImportError>(
      [] { call_node("LowerBound", {argument(ones({2})), argument(ones({2}))}, {{"out_type", i32}}); },
      "import 'y' (LowerBound)");
}

}  // namespace
}  // namespace tf2jax
