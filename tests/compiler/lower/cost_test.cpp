// Which kernels run on several threads.
#include <gtest/gtest.h>

#include "../codegen/codegen_kernels.h"
#include "tf2jax/compiler/lower/cost.h"

namespace tf2jax::compiler {
namespace {

using loops::Op;
using loops::testing::elementwise;

loops::Kernel kernel(Op op, std::int64_t n) { return elementwise(op, DType::f32, {DType::f32}, n); }

TEST(Cost, DearIterationsMakeShortGrains) {
  EXPECT_LT(grain_of(kernel(Op::sin, 1000), 8), grain_of(kernel(Op::neg, 1000), 8));
  EXPECT_LE(grain_of(kernel(Op::neg, 1000), 4), grain_of(kernel(Op::neg, 1000), 16));
}

TEST(Cost, GrainsOfLanesAreWholeBlocks) {
  for (const Op op : {Op::neg, Op::exp, Op::sqrt}) {
    EXPECT_EQ(grain_of(kernel(op, 1000), 8) % 256, 0);
    EXPECT_GT(grain_of(kernel(op, 1000), 8), 0);
  }
}

TEST(Cost, LoopsInsideCountByTheirLength) {
  loops::testing::Builder b;
  b.k.parallel = {100};
  b.k.variables = 2;
  const auto in = b.buffer(DType::f32, 1000000), out = b.buffer(DType::f32, 100, true);
  const auto x = b.load(in, {0, {{1, 1}}});
  const auto rows = [&](std::int64_t n) {
    b.k.body = {loops::testing::loop(1, n, false, {loops::testing::eval(x)}),
                loops::testing::store(out, {0, {{0, 1}}}, x)};
    return grain_of(b.k, 8);
  };
  EXPECT_GT(rows(10), rows(1000));
  EXPECT_EQ(rows(1000000), 1);  // one row is worth a thread
}

TEST(Cost, FewIterationsStayOnOneThread) {
  EXPECT_FALSE(is_parallel(kernel(Op::neg, 100), 8));
  EXPECT_TRUE(is_parallel(kernel(Op::neg, 10000000), 8));
  loops::Kernel none;
  EXPECT_FALSE(is_parallel(none, 8));
}

}  // namespace
}  // namespace tf2jax::compiler
