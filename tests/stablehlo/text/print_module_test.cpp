// Modules as texts: names, functions, regions, and that they are read back as they were.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"

using namespace tf2jax;
using namespace tf2jax::testing;

TEST(PrintModule, IsWhatJaxPrints) {
  const Jaxpr program = stage(
      [](const Arrays& xs) {
        return Arrays{reduce_sum(mul(sin(xs[0]), 2.f), {1}), slice(xs[0], {Dim(0), Dim(1)}, {Dim(2), Dim(3)}, {1, 2})};
      },
      {spec(f32, {2, 3})});
  EXPECT_EQ(stablehlo::print_module(stablehlo::from_jaxpr(program, "jit_f")),
            R"(module @jit_f attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2x1xf32>) {
    %0 = stablehlo.sine %arg0 : tensor<2x3xf32>
    %cst = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<2x3xf32>
    %2 = stablehlo.multiply %0, %1 : tensor<2x3xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %3 = stablehlo.reduce(%2 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %4 = stablehlo.slice %arg0 [0:2, 1:3:2] : (tensor<2x3xf32>) -> tensor<2x1xf32>
    return %3, %4 : tensor<2xf32>, tensor<2x1xf32>
  }
}
)");
}

TEST(PrintModule, TextsAreReadAndPrintedTheSame) {
  const FlatFn branches = [](const Arrays& xs) {
    const Array y = cond(
        greater(reduce_sum(xs[0], {0}), 0.f), [](const Array& x) { return sin(x); },
        [](const Array& x) { return cos(x); }, xs[0]);
    return Arrays{y, argmax(y, 0), erf(y), sort(y, 0)};
  };
  for (const Jaxpr& program : {some_program(), stage(branches, {spec(f32, {5})})}) {
    const std::string text = stablehlo::print_module(stablehlo::from_jaxpr(program));
    const auto module = stablehlo::parse_module(text);
    EXPECT_EQ(stablehlo::print_module(module), text);
    const auto bytes = stablehlo::read_module(stablehlo::write_module(module));
    EXPECT_EQ(stablehlo::print_module(bytes), text);
  }
}

TEST(PrintModule, LoopsNameTheirValuesAsJaxDoes) {
  const std::string text = stablehlo::print_module(stablehlo::from_jaxpr(some_program()));
  EXPECT_THAT(text, ::testing::HasSubstr("stablehlo.while(%iterArg = "));
  EXPECT_THAT(text, ::testing::HasSubstr("    cond {\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("    } do {\n"));
}

TEST(PrintModule, WhatItComputesStays) {
  const std::string text = stablehlo::print_module(stablehlo::from_jaxpr(some_program()));
  const Arrays want = eval_jaxpr(some_program(), some_inputs()), got = run_text(text, some_inputs());
  for (std::size_t i = 0; i < want.size(); ++i) expect_close(got[i], want[i].to_vector<double>());
}
