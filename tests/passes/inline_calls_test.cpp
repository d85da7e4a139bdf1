// Calls become the equations of what they call.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/passes/inline_calls.h"
#include "tf2jax/passes/simplify.h"

namespace tf2jax {
namespace {

std::vector<std::string> names(const Jaxpr& j) {
  std::vector<std::string> out;
  for (const Equation& e : j->eqns) out.push_back(e.primitive.name());
  return out;
}

TEST(InlineCalls, CallsAtAnyDepthBecomeTheirEquations) {
  const auto inner = jit([](const Array& x) { return sin(x); });
  const auto outer = jit([=](const Array& x) { return inner(x) * inner(x + 1.f); });
  const Jaxpr j = make_jaxpr([=](const Array& x) { return outer(x) + outer(2.f * x); })(array<float>({1, 2}));
  const Jaxpr k = inline_calls(j);
  check_jaxpr(k);
  for (const std::string& name : names(k)) EXPECT_NE(name, "jit");
  EXPECT_EQ(k->eqns.size(), 10u);  // 2 * 4 of the outer programs, the product by 2 and the sum
  const Array args[] = {array<float>({0.5, -1.5})};
  EXPECT_EQ(eval_jaxpr(k, args)[0].to_vector<float>(), eval_jaxpr(j, args)[0].to_vector<float>());
}

TEST(InlineCalls, ProgramsWithoutCallsAreTheSame) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(x); })(1.f);
  EXPECT_TRUE(inline_calls(j) == j);
}

TEST(InlineCalls, AProgramThatGivesItsInputIsNoEquation) {
  const auto same = jit([](const Array& x) { return x; });
  const Jaxpr k = inline_calls(make_jaxpr([=](const Array& x) { return same(x); })(1.f));
  check_jaxpr(k);
  EXPECT_TRUE(k->eqns.empty());
}

TEST(InlineCalls, WhatIsComputedAgainIsNotMerged) {
  const auto f = checkpoint([](const Array& x) { return sin(sin(x)); });
  const Jaxpr j = simplify(make_jaxpr(grad([=](const Array& x) { return f(x); }))(1.f));
  const auto all = names(j);
  EXPECT_TRUE(std::ranges::find(all, "remat2") != all.end());
}

TEST(InlineCalls, ExpansionHasABudget) {
  auto f = std::function<Array(const Array&)>([](const Array& x) { return sin(x); });
  for (int i = 0; i < 12; ++i) f = [g = jit(f)](const Array& x) { return g(g(x)); };
  const Jaxpr j = make_jaxpr(f)(1.f);
  const auto few = override_config(&Config::max_expanded_nodes, std::int64_t{1000});
  EXPECT_THROW(inline_calls(j), ResourceExhaustedError);
}

}  // namespace
}  // namespace tf2jax
