// Sums over segments, bins and buckets.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x = array<float>({1, 2, 3, 4});
Floats unsorted(const std::string& op, const Array& ids, int count) {
  return floats_of(call_node(op, {argument(x), argument(ids), fixed(array<int>(count))}, {}));
}

TEST(SegmentOps, UnsortedSegmentsKnowTheirNumber) {
  const Array ids = array<int>({1, 0, 1, -1});  // the last belongs to none
  EXPECT_EQ(unsorted("UnsortedSegmentSum", ids, 3), (Floats{2, 4, 0}));
  EXPECT_EQ(unsorted("UnsortedSegmentProd", ids, 3), (Floats{2, 3, 1}));
  EXPECT_EQ(unsorted("UnsortedSegmentMax", ids, 2), (Floats{2, 3}));
  EXPECT_EQ(unsorted("UnsortedSegmentMin", ids, 2), (Floats{2, 1}));
}

TEST(SegmentOps, SortedSegmentsAreCounted) {
  const Operand ids = fixed(array<int>({0, 0, 2, 2}));
  EXPECT_EQ(floats_of(call_node("SegmentSum", {argument(x), ids}, {})), (Floats{3, 0, 7}));
  EXPECT_EQ(floats_of(call_node("SegmentMax", {argument(x), ids}, {})), (Floats{2, 0, 4}));
  EXPECT_EQ(floats_of(call_node("SegmentMin", {argument(x), ids}, {})), (Floats{1, 0, 3}));
  EXPECT_EQ(floats_of(call_node("SegmentMean", {argument(x), ids}, {})), (Floats{1.5, 0, 3.5}));
  EXPECT_EQ(floats_of(call_node("SegmentProd", {argument(x), ids}, {})), (Floats{2, 1, 12}));
}

TEST(SegmentOps, SparseSegmentsReadRowsFirst) {
  const Array table = array<float>({{1, 10}, {2, 20}, {3, 30}});
  const std::vector<Operand> operands{argument(table), fixed(array<int>({2, 0, 1})), fixed(array<int>({0, 0, 1}))};
  EXPECT_EQ(floats_of(call_node("SparseSegmentSum", operands, {})), (Floats{4, 40, 2, 20}));
  EXPECT_EQ(floats_of(call_node("SparseSegmentMean", operands, {})), (Floats{2, 20, 2, 20}));
}

TEST(SegmentOps, Bins) {
  const Array values = array<int>({0, 2, 2, 5}), weights = array<float>({1, 2, 3, 4});
  EXPECT_EQ(floats_of(call_node("Bincount", {argument(values), fixed(array<int>(3)), argument(weights)}, {})),
            (Floats{1, 0, 5}));
  EXPECT_EQ(floats_of(call_node("DenseBincount", {argument(values), fixed(array<int>(4)), fixed(zeros({0}))},
                                {{"binary_output", true}})),
            (Floats{1, 0, 1, 0}));
  const Array rows = array<int>({{0, 1}, {1, 7}});
  EXPECT_EQ(floats_of(call_node("DenseBincount", {argument(rows), fixed(array<int>(2)), fixed(zeros({0}))},
                                {{"binary_output", false}})),
            (Floats{1, 1, 0, 1}));
}

TEST(SegmentOps, HistogramsAndBuckets) {
  const Array y =
      call_node("HistogramFixedWidth",
                {argument(array<float>({-5, 0, 2.4f, 9.9f, 20})), fixed(array<float>({0, 10})), fixed(array<int>(4))},
                {{"dtype", i32}});
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{3, 0, 0, 2}));
}

TEST(SegmentOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("SegmentSum", {argument(x), fixed(array<int>({0, 2, 1, 1}))}, {}); },
                            "import 'y' (SegmentSum)");
  expect_error<ImportError>([] { unsorted("UnsortedSegmentSum", array<int>({0, 1}), 2); },
                            "import 'y' (UnsortedSegmentSum)");
  expect_error<ImportError>([] { unsorted("UnsortedSegmentSum", array<int>({0, 1, 2, 3}), -1); },
                            "import 'y' (UnsortedSegmentSum)");
}

}  // namespace
}  // namespace tf2jax
