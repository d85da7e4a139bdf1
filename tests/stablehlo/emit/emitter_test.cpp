// Programs as modules.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

using namespace tf2jax;
using namespace tf2jax::testing;

TEST(FromJaxpr, WhatCannotBeWrittenIsListedTogether) {
  const Jaxpr program =
      stage([](const Arrays& xs) { return Arrays{add(lgamma(xs[0]), digamma(lgamma(xs[0])))}; }, {spec(f32, {3})});
  EXPECT_EQ(stablehlo::unwritable_primitives(program), (std::map<std::string, int>{{"digamma", 1}, {"lgamma", 2}}));
  try {
    (void)stablehlo::from_jaxpr(program);
    FAIL() << "no error";
  } catch (const NotImplementedError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'digamma' (1), 'lgamma' (2)"));
  }
}

TEST(FromJaxpr, CallsOfOneProgramShareAFunction) {
  const auto inner = jit([](const Array& x) { return sin(x); });
  const Jaxpr program = stage([&](const Arrays& xs) { return Arrays{inner(inner(xs[0]))}; }, {spec(f32, {3})});
  const auto module = stablehlo::from_jaxpr(program);
  EXPECT_EQ(module.functions.size(), 2u);
  EXPECT_EQ(module.functions[0].name, "main");
}

TEST(FromJaxpr, ScalarsAreRepeatedToTheShapeOfTheOther) {
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{add(xs[0], 1.f)}; }, {spec(f32, {3})});
  const auto module = stablehlo::from_jaxpr(program);
  for (const auto& op : module.entry().body.ops) {
    if (op.name != "add") continue;
    for (const auto v : op.operands)
      EXPECT_EQ(module.entry().types[stablehlo::as_index(v)]->to_string(), "tensor<3xf32>");
  }
}

TEST(FromJaxpr, SymbolicSizesAreErrors) {
  const Jaxpr program =
      stage([](const Arrays& xs) { return Arrays{sin(xs[0])}; }, {spec(f32, {Dim::variable("b"), 3})});
  EXPECT_THROW(stablehlo::from_jaxpr(program), Error);
}

TEST(FromJaxpr, FunctionsHaveNamesOfTheirOwn) {
  const auto named = [](const char* name, float factor) {
    return jit([factor](const Array& x) { return mul(x, factor); }, {.name = name});
  };
  const auto a = named("f", 2.f), b = named("f", 3.f), c = named("f_0", 5.f), d = named("main", 7.f);
  const Jaxpr program = stage([&](const Arrays& xs) { return Arrays{a(b(c(d(xs[0]))))}; }, {spec(f32, {3})});
  const auto module = stablehlo::from_jaxpr(program);
  std::set<std::string> names;
  for (const auto& f : module.functions) EXPECT_TRUE(names.insert(f.name).second) << f.name;
  EXPECT_EQ(names.size(), 5u);
  const Jaxpr again = stablehlo::to_jaxpr(stablehlo::read_module(stablehlo::write_module(module)), {spec(f32, {3})});
  EXPECT_EQ(eval_jaxpr(again, std::vector<Array>{three()})[0].to_vector<float>(),
            (std::vector<float>{210.f, 420.f, 630.f}));
}

TEST(FromJaxpr, ScansOfNoStepsAreWritten) {
  const Jaxpr program = stage(
      [](const Arrays& xs) {
        return scan_flat([](const Arrays& c) { return Arrays{c[0] + c[1], c[0]}; }, {xs[0]}, {xs[1]}, 0);
      },
      {spec(f32, {}), spec(f32, {0})});
  const auto module = stablehlo::from_jaxpr(program);
  const Jaxpr again =
      stablehlo::to_jaxpr(stablehlo::read_module(stablehlo::write_module(module)), program.input_avals());
  const auto y = eval_jaxpr(again, std::vector<Array>{Array(4.f), zeros({0})});
  EXPECT_EQ(y[0].item<float>(), 4.f);
  EXPECT_EQ(y[1].shape(), (Shape{0}));
}
