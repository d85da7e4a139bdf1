// Direct convolutions: values by hand and by the definition in whole numbers.
#include <gtest/gtest.h>

#include <cmath>

#include "../conv_specs.h"
#include "tf2jax/kernels/internal/conv_problem.h"

namespace tf2jax {
namespace {

using kernels::make_direct_convolution;

template <class T>
std::vector<T> convolved(const kernels::ConvSpec& s, const std::vector<T>& x, const std::vector<T>& k) {
  std::vector<T> out(static_cast<std::size_t>(num_elements(s.out)), T(NAN));
  const auto made = make_direct_convolution(*kernels::forward_problem(s));
  EXPECT_NE(made, nullptr);
  if (made) made->run({x.data(), k.data(), out.data(), nullptr, nullptr});
  return out;
}

TEST(DirectConvolution, OneAxisByHand) {
  auto s = conv_spec({1, 4, 1}, {2, 1, 1}, {1});
  EXPECT_EQ(convolved<float>(s, {1, 2, 3, 4}, {10, 1}), (std::vector<float>{12, 23, 34}));
  s = conv_spec({1, 4, 1}, {2, 1, 1}, {2});
  EXPECT_EQ(convolved<float>(s, {1, 2, 3, 4}, {10, 1}), (std::vector<float>{12, 34}));
}

TEST(DirectConvolution, PaddingIsZero) {
  auto s = conv_spec({1, 3, 1}, {3, 1, 1}, {1});
  s.padding = {{1, 1}}, s.out = {1, 3, 1};
  EXPECT_EQ(convolved<float>(s, {1, 2, 3}, {100, 10, 1}), (std::vector<float>{12, 123, 230}));
}

TEST(DirectConvolution, DilatedKernelsAndInputs) {
  auto s = conv_spec({1, 5, 1}, {2, 1, 1}, {1});
  s.rhs_dilation = {3}, s.out = {1, 2, 1};
  EXPECT_EQ(convolved<float>(s, {1, 2, 3, 4, 5}, {10, 1}), (std::vector<float>{14, 25}));
  s = conv_spec({1, 2, 1}, {2, 1, 1}, {1});
  s.lhs_dilation = {2}, s.out = {1, 2, 1};  // the input is 1, 0, 2
  EXPECT_EQ(convolved<float>(s, {1, 2}, {10, 1}), (std::vector<float>{10, 2}));
}

TEST(DirectConvolution, TwoAxesAndFeaturesByTheDefinition) {
  for (const std::int64_t features : {1, 3, 16, 21}) {
    auto s = conv_spec({2, 6, 9, 2}, {3, 2, 2, features}, {2, 1});
    s.dtype = DType::f64;
    std::vector<double> x(static_cast<std::size_t>(num_elements(s.lhs))),
        k(static_cast<std::size_t>(num_elements(s.rhs)));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i * 7 % 11) - 5;
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<double>(i * 5 % 7) - 3;
    std::vector<double> want;
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t r = 0; r < 2; ++r)
        for (std::int64_t c = 0; c < 8; ++c)
          for (std::int64_t o = 0; o < features; ++o) {
            double sum = 0;
            for (std::int64_t y = 0; y < 3; ++y)
              for (std::int64_t z = 0; z < 2; ++z)
                for (std::int64_t f = 0; f < 2; ++f)
                  sum += x[((b * 6 + 2 * r + y) * 9 + c + z) * 2 + f] * k[((y * 2 + z) * 2 + f) * features + o];
            want.push_back(sum);
          }
    EXPECT_EQ(convolved(s, x, k), want) << features;
  }
}

// Its copy of the padded input would take 3.6 GB; only the first tap meets the operand.
TEST(DirectConvolution, WindowsWithWideHolesAreLeftToWhatCopiesNothing) {
  auto s = conv_spec({1, 4, 4, 1}, {2, 2, 1, 1}, {1, 1});
  s.rhs_dilation = {30000, 30000}, s.padding = {{0, 30000}, {0, 30000}}, s.out = {1, 4, 4, 1};
  EXPECT_EQ(make_direct_convolution(*kernels::forward_problem(s)), nullptr);
  const Array x = reshape(astype(arange(16), f32), {1, 4, 4, 1}),
              w = reshape(array<float>({3, 5, 7, 11}), {2, 2, 1, 1});
  const Array y = conv_general_dilated(x, w,
                                       {.window_strides = {1, 1},
                                        .padding = {{0, 30000}, {0, 30000}},
                                        .lhs_dilation = {},
                                        .rhs_dilation = {30000, 30000},
                                        .dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC")});
  EXPECT_EQ(y.to_vector<float>(), (x * 3.f).to_vector<float>());
}

TEST(DirectConvolution, TakesOneOrTwoAxes) {
  EXPECT_EQ(make_direct_convolution(*kernels::forward_problem(conv_spec({1, 3, 3, 3, 1}, {2, 2, 2, 1, 1}, {1, 1, 1}))),
            nullptr);
}

}  // namespace
}  // namespace tf2jax
