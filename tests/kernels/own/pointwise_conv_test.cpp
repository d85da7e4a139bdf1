// Kernels of one point are products of matrices: values by hand.
#include <gtest/gtest.h>

#include "../conv_specs.h"
#include "tf2jax/kernels/internal/conv_problem.h"

namespace tf2jax {
namespace {

using kernels::make_pointwise_convolution;

TEST(PointwiseConvolution, MultipliesEachPoint) {
  const auto s = conv_spec({1, 2, 1, 2}, {1, 1, 2, 3}, {1, 1});
  const auto made = make_pointwise_convolution(*kernels::forward_problem(s));
  ASSERT_NE(made, nullptr);
  const float x[] = {1, 2, 3, 4}, k[] = {1, 10, 100, 2, 20, 200};
  std::vector<float> out(6);
  made->run({x, k, out.data(), nullptr, nullptr});
  EXPECT_EQ(out, (std::vector<float>{5, 50, 500, 11, 110, 1100}));
}

TEST(PointwiseConvolution, AddsBiasAndResidual) {
  auto s = conv_spec({1, 2, 1}, {1, 1, 1}, {1});
  s.bias = s.residual = s.relu = true;
  const auto made = make_pointwise_convolution(*kernels::forward_problem(s));
  ASSERT_NE(made, nullptr);
  const float x[] = {1, -3}, k[] = {2}, bias[] = {1}, residual[] = {10, 1};
  std::vector<float> out(2);
  made->run({x, k, out.data(), bias, residual});
  EXPECT_EQ(out, (std::vector<float>{13, 0}));
}

TEST(PointwiseConvolution, RefusesEverythingElse) {
  const auto takes = [](kernels::ConvSpec s) {
    return make_pointwise_convolution(*kernels::forward_problem(s)) != nullptr;
  };
  EXPECT_TRUE(takes(conv_spec({2, 5, 3}, {1, 3, 4}, {1})));
  EXPECT_FALSE(takes(conv_spec({2, 5, 3}, {2, 3, 4}, {1})));
  EXPECT_FALSE(takes(conv_spec({2, 5, 3}, {1, 3, 4}, {2})));
  auto padded = conv_spec({2, 5, 3}, {1, 3, 4}, {1});
  padded.padding = {{1, 0}}, padded.out = {2, 6, 4};
  EXPECT_FALSE(takes(padded));
  auto groups = conv_spec({2, 5, 4}, {1, 2, 4}, {1});
  groups.feature_group_count = 2;
  EXPECT_FALSE(takes(groups));
}

}  // namespace
}  // namespace tf2jax
