// Inputs and outputs of programs in another order.
#include <gtest/gtest.h>
#include <tf2jax/control/jaxpr_edit.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Jaxpr program() {
  return make_jaxpr([](const Array& x, const Array& y) { return std::tuple(x - y, x * 10.f); })(1.f, 1.f);
}
Floats run(const Jaxpr& j, const Arrays& args) {
  check_jaxpr(j);
  Floats out;
  for (const Array& y : eval_jaxpr(j, args)) out.push_back(y.item<float>());
  return out;
}

TEST(Reorder, TakesInputsFromOtherPlaces) {
  EXPECT_EQ(run(reorder(program(), {1, 0}), {Array(2.f), Array(5.f)}), (Floats{3, 50}));
  EXPECT_EQ(run(reorder(program(), {}), {Array(2.f), Array(5.f)}), (Floats{-3, 20}));
}

TEST(Reorder, DropsAndRepeatsOutputs) {
  EXPECT_EQ(run(reorder(program(), {}, Order{1, 1, 0}), {Array(2.f), Array(5.f)}), (Floats{20, 20, -3}));
  EXPECT_TRUE(run(reorder(program(), {}, Order{}), {Array(2.f), Array(5.f)}).empty());
  expect_error<InternalError>([] { reorder(program(), {0}); }, "reorder");
}

TEST(IgnoreInputs, AddsThemAtTheEnd) {
  const Jaxpr j = ignore_inputs(program(), {spec(i32, {3}), spec(f32)});
  EXPECT_EQ(j.num_inputs(), 4u);
  EXPECT_EQ(to_string(j.input_avals()), "f32[], f32[], i32[3], f32[]");
  EXPECT_EQ(run(j, {Array(2.f), Array(5.f), ones({3}, i32), Array(0.f)}), (Floats{-3, 20}));
}

TEST(Reorder, LeavesTheOriginalAndItsResultsAlone) {
  const Jaxpr j = program();
  const bool effects = has_effects(j);
  const Jaxpr other = reorder(j, {1, 0});
  EXPECT_EQ(has_effects(other), effects);
  EXPECT_NE(j->memo, other->memo);
  EXPECT_EQ(run(j, {Array(2.f), Array(5.f)}), (Floats{-3, 20}));
}

}  // namespace
}  // namespace tf2jax
