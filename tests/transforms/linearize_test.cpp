// linearize and vjp of flat functions.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/transforms/linearize.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(Linearize, IsTheDifferential) {
  const auto [y, tangent] = linearize([](const Array& x) { return sin(x) * x; }, Array(0.7f));
  expect_close(y, {0.7 * std::sin(0.7)});
  expect_close(tangent(2.f), {2 * (std::cos(0.7) * 0.7 + std::sin(0.7))});
}

Arrays squares(const Arrays& x) { return {x[0] * x[1], x[1] * 2.f, Array(7), x[2]}; }

TEST(LinearizeFlat, SeparatesValuesFromALinearProgram) {
  const Arrays x{Array(3.f), Array(5.f), Array(2)};
  const Linearized l = linearize_flat(squares, x);
  expect_close(l.outs[0], {15});
  EXPECT_EQ(l.linear_in, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(l.linear_out, (std::vector<bool>{true, true, false, false}));
  const Arrays t = apply_linearized(l, {Array(1.f), Array(10.f), Array()});
  expect_close(t[0], {5 + 30});
  expect_close(t[1], {20});
  EXPECT_EQ(t[2].dtype(), float0);
  EXPECT_EQ(t[3].dtype(), float0);
}

TEST(ApplyPullback, GivesACotangentForEveryInput) {
  const Arrays x{Array(3.f), Array(5.f), Array(2)};
  const Linearized l = linearize_flat(squares, x);
  const Array nothing = zeros_of(Aval{i32, {}, false}.tangent());
  const Arrays ct = apply_pullback(l, {Array(1.f), Array(100.f), nothing, nothing});
  expect_close(ct[0], {5});
  expect_close(ct[1], {3 + 200});
  EXPECT_EQ(ct[2].dtype(), float0);
}

TEST(ApplyPullback, ChecksCotangents) {
  const Linearized l = linearize_flat([](const Arrays& v) { return Arrays{v[0] * 2.f}; }, {ones({3})});
  expect_error<TreeError>([&] { apply_pullback(l, {}); }, "the number of cotangents is wrong. Got 0");
  expect_error<ShapeError>([&] { apply_pullback(l, {ones({2})}); }, "cotangent 0");
  expect_error<DtypeError>([&] { apply_pullback(l, {ones({3}, i32)}); }, "cotangent 0");
}

TEST(LinearizeFlat, WhatDoesNotDependOnInputsHasNoTangent) {
  const Linearized l =
      linearize_flat([](const Arrays& v) { return Arrays{ones_like(v[0]), stop_gradient(v[0])}; }, {ones({2})});
  EXPECT_EQ(l.linear_out, (std::vector<bool>{false, false}));
  EXPECT_TRUE(l.tangent_program->eqns.empty());
  expect_close(apply_pullback(l, {ones({2}), ones({2})})[0], {0, 0});
}

}  // namespace
}  // namespace tf2jax
