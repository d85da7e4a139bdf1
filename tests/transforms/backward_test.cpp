// Transposition of linear programs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "tf2jax/transforms/backward.h"

namespace tf2jax {
namespace {

// (x, y, k) -> (k x + 2 y, 3 y), linear in x and y.
Jaxpr linear_program() {
  return make_jaxpr([](const Array& x, const Array& y, const Array& k) {
    return std::tuple(k * x + 2.f * y, 3.f * y);
  })(1.f, 1.f, 1.f);
}
std::vector<LinearArg> arguments(const Jaxpr& j, const Array& k) {
  return {{std::nullopt, j.input(0)}, {std::nullopt, j.input(1)}, {k, j.input(2)}};
}

TEST(BackwardPass, MultipliesByTheTransposedMatrix) {
  const Jaxpr j = linear_program();
  const Tangents ct = backward_pass(j, arguments(j, Array(5.f)), {Tangent(Array(1.f)), Tangent(Array(10.f))});
  expect_close(ct[0].value(), {5});
  expect_close(ct[1].value(), {2 + 30});
  EXPECT_TRUE(ct[2].is_zero());  // known
}

TEST(BackwardPass, ZerosGiveZeros) {
  const Jaxpr j = linear_program();
  const Tangents ct = backward_pass(j, arguments(j, Array(5.f)), {Tangent::zero(spec(f32)), Tangent(Array(10.f))});
  EXPECT_TRUE(ct[0].is_zero());
  expect_close(ct[1].value(), {30});
}

TEST(BackwardPass, OutputsUsedTwiceAddUp) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple(x, x, -x); })(1.f);
  const Tangents ct = backward_pass(j, std::vector<LinearArg>{{std::nullopt, j.input(0)}},
                                    {Tangent(Array(1.f)), Tangent(Array(10.f)), Tangent(Array(100.f))});
  expect_close(ct[0].value(), {1 + 10 - 100});
}

TEST(BackwardPass, NamesThePrimitiveThatHasNoRule) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(x); })(1.f);
  expect_error<MissingRule>(
      [&] { backward_pass(j, std::vector<LinearArg>{{std::nullopt, j.input(0)}}, {Tangent(Array(1.f))}); }, "'sin'");
}

TEST(TransposeJaxpr, IsAProgramOfKnownInputsAndCotangents) {
  const Jaxpr j = linear_program();
  const TransposedJaxpr t = transpose_jaxpr(j, {true, true, false}, {false, true}, false);
  check_jaxpr(t.jaxpr);
  EXPECT_EQ(t.nonzero_out, (Mask{false, true}));
  expect_close(eval_jaxpr(t.jaxpr, Arrays{Array(5.f), Array(10.f)})[0], {30});
  const TransposedJaxpr every = transpose_jaxpr(j, {true, true, false}, {false, true}, true);
  EXPECT_EQ(every.nonzero_out, (Mask{true, true}));
  expect_close(eval_jaxpr(every.jaxpr, Arrays{Array(5.f), Array(10.f)})[0], {0});
}

}  // namespace
}  // namespace tf2jax
