// Programs: evaluation, comparison and checking.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/jaxpr.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Jaxpr product() {
  return make_jaxpr([](const Array& x, const Array& y) { return sin(x) * y; })(spec(f32, {2}), spec(f32, {2}));
}

TEST(EvalJaxpr, GivesWhatTheFunctionGives) {
  const Array x = array<float>({0, 1}), y = array<float>({2, 3});
  EXPECT_EQ(eval_jaxpr(product(), Arrays{x, y})[0].to_vector<float>(), (sin(x) * y).to_vector<float>());
  EXPECT_TRUE(eval_jaxpr(Jaxpr(), Arrays{}).empty());
}

TEST(EvalJaxpr, ConstantsAndLiteralsAreOperands) {
  const Array c = array<float>({10, 20});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return std::tuple(x + c, Array(7)); })(spec(f32, {2}));
  EXPECT_EQ(j->consts.size(), 1u);
  const Arrays out = eval_jaxpr(j, Arrays{ones({2})});
  EXPECT_EQ(out[0].to_vector<float>(), (Floats{11, 21}));
  EXPECT_EQ(out[1].item<int>(), 7);
}

TEST(EvalJaxpr, RefusesArgumentsThatDoNotFit) {
  expect_error<ValueError>([] { eval_jaxpr(product(), Arrays{ones({2})}); }, "the number of arguments is wrong. Got 1");
  expect_error<ShapeError>([] { eval_jaxpr(product(), Arrays{ones({2}), ones({3})}); }, "argument 1");
  expect_error<DtypeError>([] { eval_jaxpr(product(), Arrays{ones({2}, i32), ones({2})}); }, "argument 0");
}

TEST(EvalJaxpr, SkipsWhatNobodyUses) {
  int calls = 0;
  const Primitive counted =
      make_primitive({.name = "jaxpr_test_counted",
                      .operands = 1,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                      .impl = [&](std::span<const Array> x, const NoParams&) -> Arrays {
                        ++calls;
                        return {x[0]};
                      }});
  const Jaxpr j = make_jaxpr([&](const Array& x) {
    counted.bind({x});
    return x * 2.f;
  })(1.f);
  EXPECT_EQ(j->eqns.size(), 2u);
  EXPECT_EQ(eval_jaxpr(j, Arrays{Array(3.f)})[0].item<float>(), 6);
  EXPECT_EQ(calls, 0);
}

TEST(JaxprEquality, IsUpToNamesOfVariables) {
  EXPECT_TRUE(product() == product());
  EXPECT_EQ(hash_value(product()), hash_value(product()));
  EXPECT_FALSE(product() ==
               make_jaxpr([](const Array& x, const Array& y) { return sin(y) * x; })(spec(f32, {2}), spec(f32, {2})));
  EXPECT_FALSE(product() ==
               make_jaxpr([](const Array& x, const Array& y) { return cos(x) * y; })(spec(f32, {2}), spec(f32, {2})));
  const auto with = [](float c) { return make_jaxpr([c](const Array& x) { return x * c; })(spec(f32)); };
  EXPECT_TRUE(with(2) == with(2));
  EXPECT_FALSE(with(0.f) == with(-0.f));
  EXPECT_TRUE(with(NAN) == with(NAN));
}

TEST(Jaxpr, TellsTypesOfInputsAndOutputs) {
  const Jaxpr j = product();
  EXPECT_EQ(j.num_inputs(), 2u);
  EXPECT_EQ(j.num_outputs(), 1u);
  EXPECT_EQ(to_string(j.input_avals()), "f32[2], f32[2]");
  EXPECT_EQ(to_string(j.output_avals()), "f32[2]");
}

TEST(CheckJaxpr, FindsWhatIsBroken) {
  check_jaxpr(product());
  JaxprData twice = *product();
  twice.eqns.push_back(twice.eqns[0]);
  expect_error<InternalError>([&] { check_jaxpr(Jaxpr(twice)); }, "defined twice");
  JaxprData early = *product();
  std::swap(early.eqns[0], early.eqns[1]);
  expect_error<InternalError>([&] { check_jaxpr(Jaxpr(early)); }, "used before it is defined");
  JaxprData wrong = *product();
  wrong.vars[static_cast<std::size_t>(wrong.eqns[0].outputs[0])].dtype = f16;
  EXPECT_THROW(check_jaxpr(Jaxpr(wrong)), Error);
  JaxprData missing = *product();
  missing.constvars.push_back(0);
  expect_error<InternalError>([&] { check_jaxpr(Jaxpr(missing)); }, "constvars");
}

TEST(Effects, AreThoseOfNestedProgramsToo) {
  const Primitive print =
      make_primitive({.name = "jaxpr_test_effect",
                      .operands = 1,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                      .effectful = true});
  set_kernel(print, [](const KernelCall& c) { return Arrays{c.args[0]}; });
  const auto f = [&](const Array& x) { return print.bind1({x}); };
  EXPECT_TRUE(has_effects(make_jaxpr(f)(1.f)));
  EXPECT_TRUE(has_effects(make_jaxpr(jit(f))(1.f)));
  EXPECT_FALSE(has_effects(product()));
}

}  // namespace
}  // namespace tf2jax
