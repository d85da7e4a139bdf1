// Calls of programs: each transform moves inside the program.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <tf2jax/transforms/jit_primitive.h>
#include "../support.h"

namespace tf2jax {
namespace {

const auto inner = jit([](const Array& x, const Array& y) { return std::tuple(x * y, sin(y)); }, {.name = "inner"});
Array outer_program(const Array& x, const Array& y) {
  const auto [p, s] = inner(x, y);
  return p + s;
}

TEST(JitPrimitive, IsOneEquationWithItsName) {
  const Jaxpr j = make_jaxpr(outer_program)(1.f, 1.f);
  ASSERT_EQ(j->eqns.size(), 2u);
  ASSERT_TRUE(j->eqns[0].primitive == jit_p());
  EXPECT_EQ(j->eqns[0].params.get<JitParams>().name, "inner");
  EXPECT_EQ(j->eqns[0].params.get<JitParams>().jaxpr->eqns.size(), 2u);
}

TEST(JitPrimitive, IsDifferentiatedMappedAndBothAtOnce) {
  const auto [dx, dy] = grad<0, 1>(outer_program)(Array(3.f), Array(2.f));
  expect_close(dx, {2});
  expect_close(dy, {3 + std::cos(2.0)});
  expect_close(vmap(outer_program, {.in_axes = {0, none}})(array<float>({1, 2}), Array(0.f)), {0, 0});
  expect_close(vmap(grad(outer_program))(array<float>({1, 2}), array<float>({5, 6})), {5, 6});
  expect_close(grad(grad([](const Array& y) { return outer_program(y, y); }))(Array(1.f)), {2 - std::sin(1.0)});
}

TEST(CallJaxpr, RunsOrBinds) {
  const Array c = array<float>({1, 2});
  const Jaxpr program = make_jaxpr([&](const Array& x) { return x + c; })(spec(f32, {2}));
  expect_close(call_jaxpr(program, "f", Arrays{ones({2})})[0], {2, 3});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return call_jaxpr(program, "f", Arrays{x})[0]; })(spec(f32, {2}));
  ASSERT_EQ(j->eqns.size(), 1u);
  expect_close(eval_jaxpr(j, Arrays{ones({2})})[0], {2, 3});
}

TEST(CallJaxpr, CapturedTracersBecomeOperands) {
  const Array g = grad([](const Array& x) {
    const auto f = jit([&](const Array& y) { return x * y; });
    return f(Array(3.f));
  })(Array(2.f));
  expect_close(g, {3});
}

}  // namespace
}  // namespace tf2jax
