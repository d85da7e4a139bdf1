// Programs of symbolic sizes as modules: read again for numbers, they are the programs themselves at these sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"
#include "../symbolic_programs.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/stablehlo/write.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

void check_at(const SymbolicProgram& p, const std::map<std::string, std::int64_t>& sizes) {
  const Arrays inputs = p.inputs(sizes);
  Avals known;
  for (const Array& x : inputs) known.push_back(x.aval().strong());
  const Arrays want = p.f(inputs);
  const auto module = stablehlo::from_jaxpr(p.jaxpr());
  for (const auto& read : {stablehlo::read_module(stablehlo::write_module(module)),
                           stablehlo::parse_module(stablehlo::print_module(module))}) {
    const Arrays got = eval_jaxpr(stablehlo::to_jaxpr(read, known), inputs);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(got[i].shape(), want[i].shape());
      expect_close(got[i], want[i].to_vector<double>());
    }
  }
}

class SymbolicSizes : public ::testing::TestWithParam<SymbolicProgram> {};

TEST_P(SymbolicSizes, AreReadFromTheArguments) {
  check_at(GetParam(), {{"b", 1}, {"c", 2}, {"n", 3}});
  check_at(GetParam(), {{"b", 5}, {"c", 1}, {"n", 2}});
}

INSTANTIATE_TEST_SUITE_P(Programs, SymbolicSizes, ::testing::ValuesIn(symbolic_programs()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace

TEST(SymbolicModules, PromisesOfShapesAreAssertions) {
  const Avals open{{f32, symbolic_shape("b, 2*b"), false}, {f32, symbolic_shape("b"), false}};
  const auto module = stablehlo::from_jaxpr(stage([](const Arrays& x) { return Arrays{x[0], x[1]}; }, open));
  const auto call = [&](const Shape& x, const Shape& y) {
    (void)stablehlo::to_jaxpr(module, {spec(f32, x), spec(f32, y)});
  };
  call({3, 6}, {3});
  expect_error<ValueError>([&] { call({3, 7}, {3}); },
                           "Found inconsistency between dimension size args[0].shape[1] (= 7) and the specification "
                           "'2*b' (= 6).");
  expect_error<ValueError>([&] { call({3, 6}, {4}); }, "args[1].shape[0] (= 4)");
  expect_error<ValueError>([&] { call({0, 0}, {0}); }, "Expected value >= 1 for dimension variable 'b'.");
}

TEST(SymbolicModules, ConstraintsAreAssertions) {
  const SymbolicScope scope({"a >= b", "b >= 2"});
  const auto module = stablehlo::from_jaxpr(stage(
      [](const Arrays& x) { return Arrays{x[0], x[1]}; },
      {{f32, symbolic_shape("a", {.scope = scope}), false}, {f32, symbolic_shape("b", {.scope = scope}), false}}));
  const auto call = [&](std::int64_t a, std::int64_t b) {
    (void)stablehlo::to_jaxpr(module, {spec(f32, {a}), spec(f32, {b})});
  };
  call(3, 2);
  expect_error<ValueError>([&] { call(3, 4); },
                           "Input shapes do not match the symbolic shape constraint a >= b. Expected '- b + a' to be "
                           "greater or equal to 0, but found -1.");
  expect_error<ValueError>([&] { call(3, 1); }, "constraint b >= 2");
}

TEST(SymbolicModules, ExportsSayThemAndHaveDerivatives) {
  const Jaxpr f =
      stage([](const Arrays& x) { return Arrays{mean_of_rows(x[0] * x[0])}; }, {{f32, symbolic_shape("b, 2"), false}});
  const auto e = stablehlo::read_exported(stablehlo::write_exported(stablehlo::export_program(f, "f", 1)));
  EXPECT_EQ(e.in_avals[0].shape_text(), "(b, 2)");
  EXPECT_TRUE(e.uses_global_constants);
  const Array x = numbers({4, 2});
  const Jaxpr vjp = stablehlo::program_of(*e.vjp, {spec(f32, {4, 2}), spec(f32, {2})});
  expect_close(eval_jaxpr(vjp, Arrays{x, ones({2})})[0], (x * 0.5f).to_vector<double>());
}

TEST(SymbolicModules, WhatCannotBeWrittenIsNamed) {
  const Jaxpr f =
      stage([](const Arrays& x) { return Arrays{eigh(x[0]).first}; }, {{f32, symbolic_shape("n, n"), false}});
  expect_error<NotImplementedError>([&] { stablehlo::from_jaxpr(f); }, "primitive 'eigh'");
}
