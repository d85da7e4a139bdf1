// Operations as texts, each as JAX prints it.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"

using namespace tf2jax;
using namespace tf2jax::testing;
using ::testing::HasSubstr;

namespace {

std::string printed(const FlatFn& f, const Avals& inputs) {
  return stablehlo::print_module(stablehlo::from_jaxpr(stage(f, inputs)));
}

}  // namespace

TEST(PrintOps, ShortForms) {
  const std::string text = printed(
      [](const Arrays& xs) {
        const Array& x = xs[0];
        return Arrays{transpose(x, {1, 0}),     concatenate({x, x}, 0), rev(x, {0}),          iota(i32, {Dim(3)}, 0),
                      pad(x, {{1, 0}, {0, 2}}), greater(x, x),          matmul(x, adjoint(x))};
      },
      {spec(f32, {4, 5})});
  for (const char* line :
       {"stablehlo.transpose %arg0, dims = [1, 0] : (tensor<4x5xf32>) -> tensor<5x4xf32>",
        "stablehlo.concatenate %arg0, %arg0, dim = 0 : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>",
        "stablehlo.reverse %arg0, dims = [0] : tensor<4x5xf32>", "stablehlo.iota dim = 0 : tensor<3xi32>",
        "low = [1, 0], high = [0, 2], interior = [0, 0] : (tensor<4x5xf32>, tensor<f32>) -> tensor<5x7xf32>",
        "stablehlo.compare GT, %arg0, %arg0, FLOAT : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xi1>",
        "contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : "})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(PrintOps, GeneralFormsWithRegions) {
  const std::string text = printed([](const Arrays& xs) { return Arrays{sort(xs[0], 1), take(xs[0], xs[1], 0)}; },
                                   {spec(f32, {4, 5}), spec(i32, {2})});
  EXPECT_THAT(text, HasSubstr("\"stablehlo.sort\"(%arg0) <{dimension = 1 : i64, is_stable = true}> ({\n"
                              "    ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>):\n"));
  EXPECT_THAT(text, HasSubstr("\"stablehlo.gather\"("));
  EXPECT_THAT(text, HasSubstr("dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], "
                              "start_index_map = [0], index_vector_dim = 1>"));
}

TEST(PrintOps, ReducersOfSeveralOperands) {
  const std::string text = printed([](const Arrays& xs) { return Arrays{argmax(xs[0], 1)}; }, {spec(f32, {4, 5})});
  EXPECT_THAT(text, HasSubstr("(%0 init: %c) across dimensions = [1] : "));
  EXPECT_THAT(text, HasSubstr("     reducer(%arg1: tensor<f32>, %arg3: tensor<f32>) (%arg2: tensor<i32>, %arg4: "
                              "tensor<i32>)  {\n"));
}

TEST(PrintOps, Convolutions) {
  ConvParams p;
  p.window_strides = {1};
  p.padding = {{1, 1}};
  p.lhs_dilation = p.rhs_dilation = {1};
  p.dimension_numbers = {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  const std::string text = printed([&](const Arrays& xs) { return conv_general_dilated_p().bind({xs[0], xs[1]}, p); },
                                   {spec(f32, {1, 2, 6}), spec(f32, {4, 2, 3})});
  EXPECT_THAT(text,
              HasSubstr("stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, f, 0]x[o, i, 0]->[b, f, 0], window "
                        "= {stride = [1], pad = [[1, 1]], lhs_dilate = [1], rhs_dilate = [1], reverse = [false]} "
                        "{batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = "
                        "[#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : "));
}

TEST(PrintOps, WhatLacksAnAttributeIsAnError) {
  auto module =
      stablehlo::parse_module(unary_text("    %y = stablehlo.transpose %x, dims = [0] : (tensor<3xf32>) -> "
                                         "tensor<3xf32>"));
  auto op = module.entry().body.ops[0];
  op.attributes.clear();
  module.functions[0].body.ops = {};
  module.functions[0].body.ops.push_back(op);
  expect_error<ValueError>([&] { (void)stablehlo::print_module(module); }, "Expected 'permutation'");
}
