// Windows over two axes and large ones, beside loops.
#include <gtest/gtest.h>
#include <tf2jax/ops/window.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Window kWindow{{2, 3}, {2, 1}, {{1, 0}, {0, 2}}, {1, 2}, {1, 2}};

// Sum, or the largest, of every window over x.
Floats by_loops(const Array& x, bool largest) {
  const Dims d = x.dims();
  const std::int64_t height = d[0] + 1, width = (d[1] - 1) * 2 + 1 + 2, rows = (height - 2) / 2 + 1,
                     columns = width - 5 + 1;
  Floats out;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      float value = largest ? -INFINITY : 0;
      for (std::int64_t a = 0; a < 2; ++a)
        for (std::int64_t b = 0; b < 3; ++b) {
          const std::int64_t row = 2 * i + a - 1, column = j + 2 * b;
          if (row < 0 || row >= d[0] || column % 2 != 0 || column / 2 >= d[1]) continue;
          const float v = x.item<float>(row, column / 2);
          value = largest ? std::max(value, v) : value + v;
        }
      out.push_back(value);
    }
  return out;
}

TEST(WindowKernels, TwoAxesWithPaddingStridesAndDilations) {
  const Array x = reshape(counted(7 * 9, 11), {7, 9});
  EXPECT_EQ(run_kernel(cpu::register_window_kernels, reduce_window_sum_p(), {x}, kWindow)[0].to_vector<float>(),
            by_loops(x, false));
  EXPECT_EQ(run_kernel(cpu::register_window_kernels, reduce_window_max_p(), {x}, kWindow)[0].to_vector<float>(),
            by_loops(x, true));
}

TEST(WindowKernels, EveryDtype) {
  const Window w{{2}, {1}, {{0, 0}}, {1}, {1}};
  for (const DType d : {i8, i32, i64, u8, u64, f16, bf16, f32, f64}) {
    const Array x = counted(5, 4, d);  // 0 1 2 3 0
    EXPECT_EQ(run_kernel(cpu::register_window_kernels, reduce_window_sum_p(), {x}, w)[0].to_vector<double>(),
              (std::vector<double>{1, 3, 5, 3}))
        << short_name(d);
    EXPECT_EQ(run_kernel(cpu::register_window_kernels, reduce_window_max_p(), {x}, w)[0].to_vector<double>(),
              (std::vector<double>{1, 2, 3, 3}))
        << short_name(d);
    EXPECT_EQ(run_kernel(cpu::register_window_kernels, reduce_window_min_p(), {x}, w)[0].to_vector<double>(),
              (std::vector<double>{0, 1, 2, 0}))
        << short_name(d);
  }
}

TEST(WindowKernels, LongLines) {
  const Window w{{3}, {1}, {{1, 1}}, {1}, {1}};
  const Array y = run_kernel(cpu::register_window_kernels, reduce_window_max_p(), {counted(kMany, 10)}, w)[0];
  const auto got = y.to_vector<float>();
  for (std::size_t i = 1; i + 1 < got.size(); ++i)
    ASSERT_EQ(got[i], static_cast<float>(std::max({(i - 1) % 10, i % 10, (i + 1) % 10})));
}

TEST(WindowKernels, CotangentsGoToTheFirstOfEquals) {
  const Array x = array<float>({2, 2, 1, 5}), g = array<float>({10, 20});
  const Array y = run_kernel(cpu::register_window_kernels, select_and_scatter_add_p(), {g, x},
                             SelectAndScatter{"ge", {2}, {2}, {{0, 0}}})[0];
  EXPECT_EQ(y.to_vector<float>(), (Floats{10, 0, 0, 20}));
  const Array low = run_kernel(cpu::register_window_kernels, select_and_scatter_add_p(), {g, x},
                               SelectAndScatter{"le", {2}, {2}, {{0, 0}}})[0];
  EXPECT_EQ(low.to_vector<float>(), (Floats{10, 0, 20, 0}));
}

}  // namespace
}  // namespace tf2jax
