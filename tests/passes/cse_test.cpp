// Common subexpression elimination.
#include <gtest/gtest.h>
#include <tf2jax/passes/cse.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

TEST(Cse, MergesEqualApplicationsOnly) {
  const Jaxpr j = make_jaxpr(
      [](const Array& x) { return sin(x) * sin(x) + sum(x * 2.f) + sum(x * 2.f) + sum(x * 3.f); })(ones({3}));
  const Jaxpr c = cse(j);
  check_jaxpr(c);
  EXPECT_EQ(j->eqns.size() - c->eqns.size(), 3u);  // one sin, one mul, one sum
  const Array args[] = {array<float>({1, 2, 3})};
  EXPECT_EQ(eval_jaxpr(c, args)[0].to_vector<float>(), eval_jaxpr(j, args)[0].to_vector<float>());
}

TEST(Cse, DistinguishesParamsAndWeakTypes) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple{sum(x, 0), sum(x, 1), sum(x, 0)}; })(ones({2, 2}));
  EXPECT_EQ(cse(j)->eqns.size(), 2u);
}

TEST(Cse, LiteralsAreComparedByBits) {
  const auto equations = [](float a, float b) {
    return cse(make_jaxpr([=](const Array& x) { return std::tuple(x * a, x * b); })(1.f))->eqns.size();
  };
  EXPECT_EQ(equations(2, 2), 1u);
  EXPECT_EQ(equations(NAN, NAN), 1u);
  EXPECT_EQ(equations(0.f, -0.f), 2u);
}

TEST(Cse, ChainsOfEqualsBecomeOne) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple(cos(sin(x)), cos(sin(x))); })(1.f);
  const Jaxpr c = cse(j);
  check_jaxpr(c);
  EXPECT_EQ(c->eqns.size(), 2u);
  EXPECT_EQ(c.num_outputs(), 2u);
}

TEST(Cse, OrdersOfOperandsAndEffectsAreKept) {
  const Jaxpr sides = make_jaxpr([](const Array& x, const Array& y) { return std::tuple(x - y, y - x); })(1.f, 2.f);
  EXPECT_EQ(cse(sides)->eqns.size(), 2u);
  const Primitive p = make_primitive({.name = "cse_test_effect",
                                      .operands = 1,
                                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                                      .effectful = true});
  const Jaxpr effects = make_jaxpr([&](const Array& x) { return std::tuple(p.bind1({x}), p.bind1({x})); })(1.f);
  EXPECT_EQ(cse(effects)->eqns.size(), 2u);
}

}  // namespace
}  // namespace tf2jax
