// The contraction kernel beside loops, in each group of dtypes and layouts.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(DotKernels, EachGroupOfDtypes) {
  for (const DType d : {bool_, i8, i32, i64, u8, u32, f16, bf16, f32, f64, c64, c128}) {
    const int period = d == bool_ ? 2 : 3;
    const Array x = reshape(counted(2 * 3 * 4, period, d), {2, 3, 4}),
                y = reshape(counted(5 * 2 * 4, period, d), {5, 2, 4});
    const Array z =
        run_kernel(cpu::register_dot_kernels, dot_general_p(), {x, y}, DotParams{{{2}, {2}, {0}, {1}}, {}, {}})[0];
    ASSERT_EQ(z.dims(), (Dims{2, 3, 5})) << short_name(d);
    for (int b = 0; b < 2; ++b)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 5; ++j) {
          double want = 0;
          for (int k = 0; k < 4; ++k) want += x.item<double>(b, i, k) * y.item<double>(j, b, k);
          if (d == bool_) want = want > 0;
          ASSERT_EQ(z.item<double>(b, i, j), want) << short_name(d);
        }
  }
}

TEST(DotKernels, SumsOfHalvesAreRoundedOnce) {
  const Array x = rules::filled({4096}, bf16, 1);  // a running sum in bf16 would stop at 256
  const Array z =
      run_kernel(cpu::register_dot_kernels, dot_general_p(), {x, x}, DotParams{{{0}, {0}, {}, {}}, {}, {}})[0];
  EXPECT_EQ(z.dtype(), bf16);
  EXPECT_EQ(z.item<float>(), 4096);
}

TEST(DotKernels, WiderResultsOfNarrowOperands) {
  const Array x = rules::filled({1000}, i8, 100);
  const Array z =
      run_kernel(cpu::register_dot_kernels, dot_general_p(), {x, x}, DotParams{{{0}, {0}, {}, {}}, {}, i32})[0];
  EXPECT_EQ(z.dtype(), i32);
  EXPECT_EQ(z.item<int>(), 10000000);
}

TEST(DotKernels, EmptyAxes) {
  const auto run = [](const Array& x, const Array& y) {
    return run_kernel(cpu::register_dot_kernels, dot_general_p(), {x, y}, DotParams{{{1}, {0}, {}, {}}, {}, {}})[0];
  };
  EXPECT_EQ(run(zeros({2, 0}), zeros({0, 3})).to_vector<float>(), Floats(6, 0.f));
  EXPECT_EQ(run(zeros({0, 2}), ones({2, 3})).dims(), (Dims{0, 3}));
}

}  // namespace
}  // namespace tf2jax
