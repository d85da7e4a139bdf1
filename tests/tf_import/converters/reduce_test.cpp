// Reductions and running sums.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});
Tree reduced(const std::string& op, const Array& x, const Array& axes, bool keep = false) {
  return call_node(op, {argument(x), fixed(axes)}, {{"keep_dims", keep}});
}

TEST(ReduceOps, KnownValues) {
  EXPECT_EQ(floats_of(reduced("Sum", x23, array<int>({1}))), (Floats{6, 15}));
  EXPECT_EQ(floats_of(reduced("Prod", x23, array<int>({0}))), (Floats{4, 10, 18}));
  EXPECT_EQ(floats_of(reduced("Max", x23, array<int>({0, 1}))), Floats{6});
  EXPECT_EQ(floats_of(reduced("Min", x23, array<int>(-1))), (Floats{1, 4}));
  EXPECT_EQ(floats_of(reduced("Mean", x23, array<int>({0}))), (Floats{2.5, 3.5, 4.5}));
  EXPECT_EQ(floats_of(reduced("EuclideanNorm", array<float>({3, 4}), array<int>({0}))), Floats{5});
  const Array b = array<bool>({{true, false}, {true, true}});
  EXPECT_EQ(floats_of(reduced("All", b, array<int>({1}))), (Floats{0, 1}));
  EXPECT_EQ(floats_of(reduced("Any", b, array<int>({0}))), (Floats{1, 1}));
  EXPECT_EQ(floats_of(call_node("L2Loss", {argument(x23)}, {})), Floats{45.5});
}

TEST(ReduceOps, AxesMayStayAndMayBeNone) {
  EXPECT_EQ(reduced("Sum", x23, array<int>({1}), true).array().dims(), (Dims{2, 1}));
  EXPECT_EQ(floats_of(reduced("Sum", x23, zeros({0}, i32))), x23.to_vector<float>());
  EXPECT_EQ(floats_of(reduced("Sum", zeros({0, 2}), array<int>({0}))), (Floats{0, 0}));
}

TEST(ReduceOps, PositionsOfExtremes) {
  const Array x = array<float>({{1, 9, 9}, {7, 0, 2}});
  const Array largest = call_node("ArgMax", {argument(x), fixed(array<int>(1))}, {{"output_type", i32}});
  EXPECT_EQ(largest.dtype(), i32);
  EXPECT_EQ(largest.to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(floats_of(call_node("ArgMin", {argument(x), fixed(array<int>(0))}, {{"output_type", i32}})),
            (Floats{0, 1, 1}));
}

TEST(ReduceOps, RunningSumsMayBeExclusiveAndReversed) {
  const auto running = [](const std::string& op, bool exclusive, bool reverse) {
    return floats_of(call_node(op, {argument(array<float>({2, 3, 4})), fixed(array<int>(0))},
                               {{"exclusive", exclusive}, {"reverse", reverse}}));
  };
  EXPECT_EQ(running("Cumsum", false, false), (Floats{2, 5, 9}));
  EXPECT_EQ(running("Cumsum", true, false), (Floats{0, 2, 5}));
  EXPECT_EQ(running("Cumsum", true, true), (Floats{7, 4, 0}));
  EXPECT_EQ(running("Cumprod", true, false), (Floats{1, 2, 6}));
  EXPECT_EQ(running("Cumprod", false, true), (Floats{24, 12, 4}));
}

TEST(ReduceOps, WhatIsRefused) {
  expect_error<ImportError>([] { reduced("Sum", x23, array<int>({2})); }, "import 'y' (Sum)");
  expect_error<ImportError>([] { reduced("Sum", x23, array<int>({0, 0})); }, "import 'y' (Sum)");
}

}  // namespace
}  // namespace tf2jax
