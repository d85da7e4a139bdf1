// Loops that become one, on kernels made by hand; the merged kernel computes the same.
#include <gtest/gtest.h>

#include <numeric>

#include "../codegen/codegen_kernels.h"
#include "tf2jax/compiler/loops/merge_loops.h"
#include "tf2jax/compiler/loops/simulate.h"

namespace tf2jax::compiler {
namespace {

using loops::Affine;
using loops::Kernel;
using loops::testing::Builder;
using loops::testing::eval;
using loops::testing::loop;
using loops::testing::store;

// out[3 i + j] = -in[row i + j] for i < 2, j < 3.
Kernel negated(std::int64_t row) {
  Builder b;
  b.k.parallel = {2};
  b.k.variables = 2;
  const auto in = b.buffer(DType::f32, 3 + row), out = b.buffer(DType::f32, 6, true);
  const auto x = b.load(in, {0, {{0, row}, {1, 1}}}), y = b.op(loops::Op::neg, DType::f32, x);
  b.k.body.push_back(loop(1, 3, true, {eval(x), eval(y), store(out, {0, {{0, 3}, {1, 1}}}, y)}));
  return b.k;
}
std::vector<float> run(const Kernel& k) {
  std::vector<float> in(k.buffers[0].elements), out(k.buffers[1].elements);
  std::iota(in.begin(), in.end(), 0.f);
  void* const buffers[] = {in.data(), out.data()};
  std::int64_t range = 1;
  for (const std::int64_t n : k.parallel) range *= n;
  loops::simulate(k, buffers, range);
  return out;
}

TEST(MergeLoops, CoefficientsOfVariables) {
  const Affine a{5, {{0, 4}, {2, -1}}};
  EXPECT_EQ(coefficient(a, 0), 4);
  EXPECT_EQ(coefficient(a, 1), 0);
  EXPECT_EQ(coefficient(a, 2), -1);
}

TEST(MergeLoops, RowsThatFollowOneAnotherAreOneRow) {
  Kernel k = negated(3);
  merge_loops_and_lanes(k);
  EXPECT_EQ(k.parallel, std::vector<std::int64_t>{6});
  EXPECT_TRUE(k.parallel_lanes);
  EXPECT_EQ(run(k), (std::vector<float>{0, -1, -2, -3, -4, -5}));
}

TEST(MergeLoops, RowsWithGapsStayApart) {
  Kernel k = negated(5);
  merge_loops_and_lanes(k);
  EXPECT_EQ(k.parallel, std::vector<std::int64_t>{2});
  EXPECT_EQ(run(k), (std::vector<float>{0, -1, -2, -5, -6, -7}));
}

TEST(MergeLoops, ParallelLoopsMerge) {
  Kernel k = negated(3);
  k.parallel = {2, 3};
  k.body = std::get<loops::Loop>(k.body[0].what).body;
  merge_loops(k);
  EXPECT_EQ(k.parallel, std::vector<std::int64_t>{6});
  EXPECT_EQ(run(k), (std::vector<float>{0, -1, -2, -3, -4, -5}));
}

TEST(MergeLoops, NestedLoopsMerge) {
  Kernel k = negated(3);
  k.parallel = {};
  k.body = {loop(0, 2, false, std::move(k.body))};
  merge_loops(k);
  ASSERT_EQ(k.body.size(), 1u);
  EXPECT_EQ(std::get<loops::Loop>(k.body[0].what).extent, 6);
  EXPECT_EQ(run(k), (std::vector<float>{0, -1, -2, -3, -4, -5}));
}

TEST(MergeLoops, ShiftedVariablesCountFromZero) {
  Kernel k = negated(3);
  shift_variable(k, 0, 1);  // the second row alone
  k.parallel = {1};
  EXPECT_EQ(run(k), (std::vector<float>{0, 0, 0, -3, -4, -5}));
}

TEST(MergeLoops, SplitVariablesAreTileAndPlace) {
  Kernel k = negated(3);
  k.parallel = {2, 3};
  k.variables = 3;
  k.body = {loop(2, 1, false, std::get<loops::Loop>(k.body[0].what).body)};
  split_variable(k, 1, 2, 3);
  for (const auto& n : k.nodes)
    if (n.op == loops::Op::load) {
      EXPECT_EQ(coefficient(n.at, 2), 3);
    }
  EXPECT_EQ(run(k), (std::vector<float>{0, -1, -2, -3, -4, -5}));
}

TEST(MergeLoops, RenumberedVariablesAscend) {
  Kernel k = negated(3);
  renumber(k, {1});
  EXPECT_EQ(k.nodes[0].at.terms, (std::vector<std::pair<loops::LoopVar, std::int64_t>>{{0, 1}, {1, 3}}));
  EXPECT_EQ(std::get<loops::Loop>(k.body[0].what).var, 0);
}

}  // namespace
}  // namespace tf2jax::compiler
