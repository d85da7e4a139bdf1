// Programs as modules.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
