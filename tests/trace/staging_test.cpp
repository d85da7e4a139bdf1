// Staging: what becomes an input, a literal or a constant, and programs whose constants become inputs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <tf2jax/trace/jaxpr.h>
#include "tf2jax/trace/name_scope.h"

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Stage, RecordsWhatReachesTheInputs) {
  const Jaxpr j = stage([](const Arrays& x) { return Arrays{x[0] + sin(Array(0.f))}; }, {spec(f32)});
  EXPECT_EQ(j->eqns.size(), 2u);  // constants are recorded too, and computed when the program runs
  EXPECT_EQ(eval_jaxpr(j, Arrays{Array(3.f)})[0].item<float>(), 3);
  check_jaxpr(j);
}

TEST(Stage, ScalarsAreLiteralsAndOneArrayIsOneConstant) {
  const Array c = ones({2});
  const Jaxpr j = stage([&](const Arrays& x) { return Arrays{(x[0] + c) * c + 2.f}; }, {spec(f32, {2})});
  ASSERT_EQ(j->consts.size(), 1u);
  EXPECT_TRUE(j->consts[0].same_as(c));
  EXPECT_TRUE(j->eqns[2].inputs[1].is_literal());
}

TEST(Stage, OutputsMayBeInputsOrConstants) {
  const Jaxpr j =
      stage([](const Arrays& x) { return Arrays{x[1], Array(5), ones({2}), x[1]}; }, {spec(f32), spec(i32)});
  const Arrays out = eval_jaxpr(j, Arrays{Array(1.f), Array(4)});
  EXPECT_EQ(out[0].item<int>(), 4);
  EXPECT_EQ(out[1].item<int>(), 5);
  EXPECT_EQ(out[3].item<int>(), 4);
}

TEST(Stage, ValuesOfAFinishedTraceAreRefused) {
  Array leaked;
  stage(
      [&](const Arrays& x) {
        leaked = x[0];
        return x;
      },
      {spec(f32)});
  expect_error<UnexpectedTracerError>([&] { leaked + 1.f; }, "add");
  expect_error<UnexpectedTracerError>(
      [&] {
        make_jaxpr([&](const Array& x) { return jit([&](const Array& v) { return v + leaked; })(x); })(1.f);
        jit([&](const Array& v) { return v + leaked; })(Array(1.f));
      },
      "");
}

TEST(Stage, NameScopesStayWithTheEquations) {
  const Jaxpr j = stage(
      [](const Arrays& x) {
        const NameScope outer("layer"), inner("cell");
        return Arrays{sin(x[0])};
      },
      {spec(f32)});
  EXPECT_EQ(*j->eqns[0].name_scope, "layer/cell");
}

TEST(HoistConstants, AllOrThoseThatAreTraced) {
  const Array c = array<float>({1, 2});
  const Jaxpr j = stage([&](const Arrays& x) { return Arrays{x[0] + c}; }, {spec(f32, {2})});
  const auto [same, none] = hoist_constants(j);
  EXPECT_EQ(same.id(), j.id());
  EXPECT_TRUE(none.empty());
  const auto [hoisted, operands] = hoist_constants(j, true);
  ASSERT_EQ(operands.size(), 1u);
  EXPECT_EQ(hoisted.num_inputs(), 2u);
  EXPECT_TRUE(hoisted->consts.empty());
  EXPECT_EQ(eval_jaxpr(hoisted, Arrays{operands[0], ones({2})})[0].to_vector<float>(), (Floats{2, 3}));
}

TEST(JaxprBuilder, BuildsAProgramByHand) {
  JaxprBuilder b;
  const VarId x = b.add_input(spec(f32)), y = b.add_var(spec(f32));
  b.add({mul_p(), no_params(), {Atom::of(x), b.constant(Array(3.f))}, {y}, nullptr});
  const Jaxpr j = b.finish({Atom::of(y)});
  check_jaxpr(j);
  EXPECT_EQ(eval_jaxpr(j, Arrays{Array(2.f)})[0].item<float>(), 6);
}

}  // namespace
}  // namespace tf2jax
