// The text of kernels.
#include <gtest/gtest.h>

#include "../codegen/codegen_kernels.h"

namespace tf2jax {
namespace {

using namespace loops;
using loops::testing::Builder;
using loops::testing::eval;
using loops::testing::loop;
using loops::testing::store;

TEST(KernelText, OfAnElementwiseLoop) {
  const loops::Kernel k = loops::testing::elementwise(Op::add, DType::f32, {DType::f32, DType::f32}, 10);
  EXPECT_EQ(loops::to_string(k), R"(kernel test lanes(i0 < 10)
  b0: f32[10]
  b1: f32[10]
  b2: f32[10] written
  %0: f32 = load b0[i0]
  %1: f32 = load b1[i0]
  %2: f32 = add %0 %1
  b2[i0] = %2
)");
}

TEST(KernelText, OfASumInRows) {
  Builder b;
  b.k.parallel = {3};
  b.k.variables = 2;
  const BufferId in = b.buffer(DType::f64, 12), out = b.buffer(DType::f64, 3, true);
  const std::int32_t sum = b.accumulator(DType::f64, Op::add, 0);
  const NodeId x = b.load(in, {1, {{0, 4}, {1, 1}}}), total = b.read(sum);
  b.k.body.push_back({Reset{sum}});
  b.k.body.push_back(loop(1, 4, true, {eval(x), {Accumulate{sum, x}}}));
  b.k.body.push_back(eval(total));
  b.k.body.push_back(store(out, {0, {{0, 1}}}, total));
  EXPECT_EQ(loops::to_string(b.k), R"(kernel test parallel(i0 < 3)
  b0: f64[12]
  b1: f64[3] written
  a0: f64 add from 0x0
  reset a0
  lanes i1 < 4
    %0: f64 = load b0[4*i0 + i1 + 1]
    a0 <- %0
  %1: f64 = read a0
  b1[i0] = %1
)");
}

TEST(KernelText, OfBranchesAndLoops) {
  Builder b;
  const BufferId out = b.buffer(DType::i32, 1, true);
  const NodeId yes = b.constant(DType::bool_, 1), value = b.constant(DType::i32, 7);
  b.k.cells = {DType::i32};
  b.k.body.push_back({If{yes, {{Set{0, value}}}, {}}});
  b.k.body.push_back({While{{}, yes, {store(out, {}, value, yes)}}});
  EXPECT_EQ(loops::to_string(b.k), R"(kernel test
  b0: i32[1] written
  if 0x1
    c0 = 0x7
  else
  while
  0x1 do
    b0[0] = 0x7 if 0x1
)");
}

TEST(KernelOps, FunctionsAreTheLongOnes) {
  for (const Op op : {Op::exp, Op::erfc, Op::pow, Op::atan2, Op::log_add_exp, Op::hash_both})
    EXPECT_TRUE(is_function(op));
  for (const Op op : {Op::neg, Op::sqrt, Op::add, Op::load, Op::select, Op::convert}) EXPECT_FALSE(is_function(op));
}

}  // namespace
}  // namespace tf2jax
