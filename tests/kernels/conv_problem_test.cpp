// Convolutions by their roles: sizes, strides and paddings by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "conv_specs.h"
#include "tf2jax/kernels/internal/conv_problem.h"

namespace tf2jax {
namespace {

using kernels::ConvProblem;

TEST(ConvProblem, RolesOfAForwardConvolution) {
  // Two images of 5 x 7 with 3 features, kernels 3 x 2, 4 features out: 3 x 6 points.
  const auto p = kernels::forward_problem(conv_spec({2, 5, 7, 3}, {3, 2, 3, 4}, {1, 1}));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(p->kind, ConvProblem::Kind::forward);
  EXPECT_EQ(p->src.batch, 2);
  EXPECT_EQ(p->src.features, 3);
  EXPECT_EQ(p->src.spatial, (Dims{5, 7}));
  EXPECT_EQ(p->src.spatial_strides, (Dims{21, 3}));
  EXPECT_EQ(p->kernel.out_features, 4);
  EXPECT_EQ(p->kernel.in_features, 3);
  EXPECT_EQ(p->dst.spatial, (Dims{3, 6}));
  EXPECT_EQ(p->high, (Dims{0, 0}));
  EXPECT_EQ(p->multiplications(), 2 * 18 * 4 * 3 * 6);
  EXPECT_TRUE(p->src.channels_last());
  EXPECT_EQ(kernels::sizes_text(*p), "2x[5x7]x3 * [3x2] -> 4");
}

TEST(ConvProblem, RowsThatNoWindowReachesArePaddingBelowZero) {
  const auto p = kernels::forward_problem(conv_spec({1, 6, 1}, {3, 1, 1}, {2}));  // places 0 and 2 of 6
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(p->dst.spatial, Dims{2});
  EXPECT_EQ(p->high, Dims{-1});
}

TEST(ConvProblem, BatchGroupsAreNoForwardConvolution) {
  auto s = conv_spec({2, 5, 3}, {3, 3, 4}, {1});
  s.batch_group_count = 2;
  EXPECT_EQ(kernels::forward_problem(s), nullptr);
}

TEST(ConvProblem, GradientsAreKnownByTheirForm) {
  const auto forward = conv_spec({2, 8, 8, 3}, {3, 3, 3, 4}, {1, 1});
  EXPECT_EQ(kernels::data_gradient_problem(forward), nullptr);
  EXPECT_EQ(kernels::kernel_gradient_problem(forward), nullptr);
  // With respect to the input of a convolution of stride 2: dilated cotangents.
  auto data = conv_spec({2, 4, 4, 3}, {3, 3, 3, 4}, {1, 1});
  data.lhs_dilation = {2, 2}, data.padding = {{2, 2}, {2, 2}}, data.out = {2, 9, 9, 4};
  const auto p = kernels::data_gradient_problem(data);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(p->strides, (Dims{2, 2}));
  EXPECT_EQ(p->dst.spatial, (Dims{4, 4}));  // the cotangent
  EXPECT_EQ(p->src.spatial, (Dims{9, 9}));
  EXPECT_EQ(p->low, (Dims{0, 0}));
  EXPECT_TRUE(p->reversed_kernel);
  data.relu = true;
  EXPECT_EQ(kernels::data_gradient_problem(data), nullptr);
}

TEST(ConvEpilogue, AddsBiasAndResidualAndCutsBelowZero) {
  auto s = conv_spec({1, 2, 1}, {1, 1, 2}, {1});
  s.dtype = DType::f64;
  s.bias = s.residual = s.relu = true;
  const auto p = kernels::forward_problem(s);
  double out[] = {1, 2, 3, 4};
  const double bias[] = {10, -10}, residual[] = {0, 1, -20, 100};
  kernels::apply_epilogue(*p, out, bias, residual);
  EXPECT_EQ(std::vector<double>(out, out + 4), (std::vector<double>{11, 0, 0, 94}));
}

TEST(ConvTensor, WithoutGapsInItsOrder) {
  const kernels::ConvTensor last{2, 3, {4, 5}, 60, 1, {15, 3}}, first{2, 3, {4, 5}, 60, 20, {5, 1}},
      gap{2, 3, {4, 5}, 80, 1, {20, 4}}, one{1, 1, {4}, 77, 9, {1}};
  EXPECT_TRUE(last.channels_last());
  EXPECT_FALSE(first.channels_last());
  EXPECT_FALSE(gap.channels_last());
  EXPECT_TRUE(one.channels_last());
  EXPECT_EQ(last.points(), 20);
}

}  // namespace
}  // namespace tf2jax
