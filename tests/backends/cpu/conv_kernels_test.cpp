// The convolution kernel beside the loop that defines it, in each group of dtypes.
#include <gtest/gtest.h>
#include <tf2jax/ops/conv.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

ConvParams params(std::int64_t groups = 1, std::int64_t batches = 1) {
  ConvParams p;
  p.window_strides = {2};
  p.padding = {{1, 2}};
  p.lhs_dilation = {1};
  p.rhs_dilation = {2};
  p.feature_group_count = groups;
  p.batch_group_count = batches;
  p.dimension_numbers = {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  return p;
}

// x [n, c, w] and k [o, c / groups, t], with the strides and paddings above.
std::vector<double> by_loops(const Array& x, const Array& k, std::int64_t groups) {
  const Dims d = x.dims(), w = k.dims();
  const auto a = x.to_vector<double>(), b = k.to_vector<double>();
  const std::int64_t places = (d[2] + 3 - (2 * (w[2] - 1) + 1)) / 2 + 1;
  std::vector<double> out;
  for (std::int64_t n = 0; n < d[0]; ++n)
    for (std::int64_t o = 0; o < w[0]; ++o)
      for (std::int64_t i = 0; i < places; ++i) {
        double sum = 0;
        for (std::int64_t c = 0; c < w[1]; ++c)
          for (std::int64_t t = 0; t < w[2]; ++t) {
            const std::int64_t at = 2 * i + 2 * t - 1, channel = o / (w[0] / groups) * w[1] + c;
            if (at >= 0 && at < d[2])
              sum += a[static_cast<std::size_t>((n * d[1] + channel) * d[2] + at)] *
                     b[static_cast<std::size_t>((o * w[1] + c) * w[2] + t)];
          }
        out.push_back(sum);
      }
  return out;
}

TEST(ConvKernels, EachGroupOfDtypes) {
  for (const DType d : {i8, i32, i64, u16, f16, bf16, f32, f64, c64})
    for (const std::int64_t groups : {1, 2}) {
      const Array x = reshape(counted(2 * 4 * 7, 3, d), {2, 4, 7}),
                  k = reshape(counted(6 * 4 / groups * 2, 2, d), {6, Dim(4 / groups), 2});
      const Array y = run_kernel(cpu::register_conv_kernels, conv_general_dilated_p(), {x, k}, params(groups))[0];
      EXPECT_EQ(y.to_vector<double>(), by_loops(x, k, groups)) << short_name(d) << ' ' << groups;
    }
}

TEST(ConvKernels, GroupsOfTheBatch) {
  // Two groups: output channel 0 sees the first half of the batch, channel 1 the second.
  const Array x = reshape(counted(4 * 7, 5), {4, 1, 7}), k = reshape(array<float>({1, 2, 3, 4}), {2, 1, 2});
  const Array y = run_kernel(cpu::register_conv_kernels, conv_general_dilated_p(), {x, k}, params(1, 2))[0];
  ASSERT_EQ(y.shape()[0].value(), 2);
  for (int half : {0, 1}) {
    const auto want = by_loops(x(slice(2 * half, 2 * half + 2)), k(slice(half, half + 1)), 1);
    EXPECT_EQ(ravel(y(all, slice(half, half + 1))).to_vector<double>(), want);
  }
}

TEST(ConvKernels, NothingToAdd) {
  const Array y = run_kernel(cpu::register_conv_kernels, conv_general_dilated_p(), {zeros({2, 0, 7}), zeros({3, 0, 2})},
                             params())[0];
  EXPECT_EQ(sum(abs(y)).item<float>(), 0);
  EXPECT_EQ(y.shape()[1].value(), 3);
}

}  // namespace
}  // namespace tf2jax
