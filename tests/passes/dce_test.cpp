// Dead code elimination.
#include <gtest/gtest.h>
#include <tf2jax/passes/dce.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

TEST(Dce, RemovesUnusedEquationsAndConstants) {
  const Array unused_constant = ones({3});
  const Jaxpr j = make_jaxpr([&](const Array& x) {
    const Array unused = sin(x) + unused_constant;
    return cos(x);
  })(ones({3}));
  EXPECT_EQ(j->eqns.size(), 3u);
  const Jaxpr d = dce(j);
  EXPECT_EQ(d->eqns.size(), 1u);
  EXPECT_EQ(d->consts.size(), 0u);
  EXPECT_EQ(d.num_inputs(), 1u);
  check_jaxpr(d);
}

TEST(Dce, KeepOutputsComputesOnlyThose) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple{sin(x), cos(x)}; })(1.f);
  const Jaxpr k = keep_outputs(j, {false, true});
  EXPECT_EQ(k->eqns.size(), 1u);
  const Array args[] = {Array(0.f)};
  EXPECT_EQ(eval_jaxpr(k, args)[0].item<float>(), 1.f);
}

TEST(Dce, KeepsInputsAndOutputsThatAreInputs) {
  const Jaxpr j = make_jaxpr([](const Array& x, const Array& y) {
    sin(y);
    return std::tuple(x, x);
  })(1.f, 2.f);
  const Jaxpr d = dce(j);
  EXPECT_TRUE(d->eqns.empty());
  EXPECT_EQ(d.num_inputs(), 2u);
  EXPECT_EQ(d.num_outputs(), 2u);
  EXPECT_TRUE(dce(Jaxpr())->eqns.empty());
}

TEST(Dce, KeepsEffects) {
  const Primitive p = make_primitive({.name = "dce_test_effect",
                                      .operands = 1,
                                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                                      .effectful = true});
  const Jaxpr j = make_jaxpr([&](const Array& x) {
    p.bind({sin(x)});
    return x;
  })(1.f);
  EXPECT_EQ(dce(j)->eqns.size(), 2u);
  EXPECT_EQ(used_inputs(j), std::vector<bool>{true});
}

TEST(UsedInputs, AreThoseThatAnOutputDependsOn) {
  const Jaxpr j = make_jaxpr([](const Array& x, const Array& y, const Array& z) {
    sin(y);
    return std::tuple(x * 2.f, z);
  })(1.f, 2.f, 3.f);
  EXPECT_EQ(used_inputs(j), (std::vector<bool>{true, false, true}));
}

TEST(KeepOutputs, MayKeepNone) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(x); })(1.f);
  EXPECT_EQ(keep_outputs(j, {false}).num_outputs(), 0u);
  EXPECT_TRUE(keep_outputs(j, {false})->eqns.empty());
}

}  // namespace
}  // namespace tf2jax
