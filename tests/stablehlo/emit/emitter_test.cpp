// Programs as modules.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

// Primitives of a program's own, which StableHLO does not know.
Primitive own(const char* name) {
  return make_primitive(
      {.name = name, .operands = 1, .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; }});
}

}  // namespace

TEST(FromJaxpr, WhatCannotBeWrittenIsListedTogether) {
  const Primitive first = own("first"), second = own("second");
  const Jaxpr program = stage(
      [&](const Arrays& xs) {
        const Array y = first.bind1({xs[0]});
        return Arrays{add(y, second.bind1({first.bind1({y})}))};
      },
      {spec(f32, {3})});
  EXPECT_EQ(stablehlo::unwritable_primitives(program), (std::map<std::string, int>{{"first", 2}, {"second", 1}}));
  try {
    (void)stablehlo::from_jaxpr(program);
    FAIL() << "no error";
  } catch (const NotImplementedError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'first' (2), 'second' (1)"));
  }
}

TEST(FromJaxpr, PrimitivesWithoutOperands) {
  const Jaxpr program = parse_jaxpr(R"({ lambda ; a:f32[3] b:i32[]. let
    c:f32[3] d:f32[3] = cond[
      branches=(
        { lambda ; e:f32[3]. let
            f:f32[] = empty2[dtype=float32 memory_space=MemorySpace.Device]
            g:f32[3] = broadcast_in_dim f
          in (e, g) }
        { lambda ; h:f32[3]. let i:f32[3] = mul h h in (i, h) }
      )
    ] b a
  in (c, d) })");
  const Jaxpr again = stablehlo::to_jaxpr(stablehlo::from_jaxpr(program), {spec(f32, {3}), spec(i32)});
  for (const int branch : {0, 1}) {
    const Arrays in{array<float>({1, 2, 3}), Array(branch)};
    const Arrays got = eval_jaxpr(again, in), want = eval_jaxpr(program, in);
    EXPECT_EQ(got[0].to_vector<float>(), want[0].to_vector<float>());
    if (branch == 0) continue;  // what was never written may hold anything
    EXPECT_EQ(got[1].to_vector<float>(), want[1].to_vector<float>());
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

TEST(FromJaxpr, FunctionsThatStableHloLacksAreCompositesThatReadersKnow) {
  const Jaxpr program = stage(
      [](const Arrays& xs) { return Arrays{add(lgamma(xs[0]), lgamma(sin(xs[0]))), bessel_i0e(xs[0]), asin(xs[0])}; },
      {spec(f32, {3})});
  const auto module = stablehlo::from_jaxpr(program);
  EXPECT_TRUE(module.by_name.contains("chlo.lgamma.impl"));
  EXPECT_FALSE(module.by_name.contains("chlo.lgamma.impl_0"));
  const Jaxpr read = stablehlo::to_jaxpr(stablehlo::read_module(stablehlo::write_module(module)), {spec(f32, {3})});
  EXPECT_EQ(to_string(read), to_string(program));
}

TEST(FromJaxpr, OldVersionsCallWhatCompositesAreMadeOf) {
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{lgamma(xs[0])}; }, {spec(f32, {3})});
  const auto module = stablehlo::read_module(stablehlo::write_module(stablehlo::from_jaxpr(program), "0.14.0"));
  EXPECT_EQ(module.entry().body.ops[0].name, "call");
  const Array y = eval_jaxpr(stablehlo::to_jaxpr(module, {spec(f32, {3})}), Arrays{three()})[0];
  EXPECT_NEAR(y.to_vector<float>()[2], std::log(2.f), 1e-6f);
}

TEST(PlatformIndex, ComesFirst) {
  auto module = stablehlo::from_jaxpr(stage([](const Arrays& xs) { return Arrays{sin(xs[0])}; }, {spec(f32, {3})}));
  stablehlo::add_platform_index(module);
  const auto again = stablehlo::read_module(stablehlo::write_module(module));
  ASSERT_EQ(again.entry().inputs.size(), 2u);
  EXPECT_EQ(again.entry().inputs[0]->to_string(), "tensor<i32>");
  ASSERT_TRUE(again.entry().input_attributes[0]);
  EXPECT_EQ(again.entry().input_attributes[0]->find("jax.global_constant")->text, "_platform_index");
  module.functions[0].name = "other";
  EXPECT_THROW(stablehlo::add_platform_index(module), LookupError);
}
