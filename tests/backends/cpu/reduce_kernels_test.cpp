// Reductions of long lines, of many short ones, and along inner axes.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array run(const Primitive& p, const Array& x, const EquationParams& params) {
  return run_kernel(cpu::register_reduce_kernels, p, {x}, params)[0];
}

TEST(ReduceKernels, LongLinesAndManyShortOnes) {
  const Array x = counted(kMany, 2, f64);
  EXPECT_EQ(run(reduce_sum_p(), x, ReduceAxes{{0}}).item<double>(), kMany / 2);
  const Array rows = reshape(counted(50000 * 3, 3), {50000, 3});
  for (const float v : run(reduce_sum_p(), rows, ReduceAxes{{1}}).to_vector<float>()) ASSERT_EQ(v, 3);
  EXPECT_EQ(run(reduce_sum_p(), rows, ReduceAxes{{0}}).to_vector<float>(), (Floats{0, 50000, 100000}));
}

TEST(ReduceKernels, AxesInTheMiddle) {
  const Array x = reshape(counted(2 * 3 * 4, 24), {2, 3, 4});
  const Array y = run(reduce_max_p(), x, ReduceAxes{{1}});
  ASSERT_EQ(y.dims(), (Dims{2, 4}));
  for (int i = 0; i < 2; ++i)
    for (int k = 0; k < 4; ++k) EXPECT_EQ(y.item<float>(i, k), static_cast<float>(i * 12 + 8 + k));
  EXPECT_EQ(run(reduce_min_p(), x, ReduceAxes{{0, 2}}).to_vector<float>(), (Floats{0, 4, 8}));
}

TEST(ReduceKernels, EveryDtype) {
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array x = counted(5, 4, d);  // 0 1 2 3 0
    EXPECT_EQ(run(reduce_sum_p(), x, ReduceAxes{{0}}).item<double>(), 6) << short_name(d);
    EXPECT_EQ(run(reduce_prod_p(), x, PlainReduceAxes{{0}}).item<double>(), 0) << short_name(d);
    EXPECT_EQ(run(cumsum_p(), x, Cumulative{0, false}).to_vector<double>(), (std::vector<double>{0, 1, 3, 6, 6}))
        << short_name(d);
    if (is_complex(d)) continue;
    EXPECT_EQ(run(argmax_p(), x, ArgReduce{{0}, i32}).item<int>(), 3) << short_name(d);
    EXPECT_EQ(run(argmin_p(), x, ArgReduce{{0}, i32}).item<int>(), 0) << short_name(d);
    EXPECT_EQ(run(cummax_p(), x, Cumulative{0, false}).to_vector<double>(), (std::vector<double>{0, 1, 2, 3, 3}))
        << short_name(d);
  }
}

TEST(ReduceKernels, RunningOnesAlongAnyAxisFromEitherEnd) {
  const Array x = array<float>({{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(run(cumsum_p(), x, Cumulative{0, false}).to_vector<float>(), (Floats{1, 2, 4, 6, 9, 12}));
  EXPECT_EQ(run(cumsum_p(), x, Cumulative{0, true}).to_vector<float>(), (Floats{9, 12, 8, 10, 5, 6}));
  EXPECT_EQ(run(cumprod_p(), x, Cumulative{1, true}).to_vector<float>(), (Floats{2, 2, 12, 4, 30, 6}));
}

TEST(ReduceKernels, SumsOfHalvesAreRoundedOnce) {
  EXPECT_EQ(run(reduce_sum_p(), rules::filled({4096}, bf16, 1), ReduceAxes{{0}}).item<float>(), 4096);
  EXPECT_EQ(run(reduce_sum_p(), rules::filled({30000}, f16, 1), ReduceAxes{{0}}).item<float>(), 30000);
}

}  // namespace
}  // namespace tf2jax
