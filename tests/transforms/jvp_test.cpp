// Forward mode of flat functions and of programs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(Jvp, RejectsMismatchedTangents) {
  auto f = [](const Array& x) { return x; };
  EXPECT_THROW(jvp(f, {ones({3})}, {ones({2})}), ShapeError);
  EXPECT_THROW(jvp(f, {ones({3})}, {ones({3}, i32)}), TypeError);
}

TEST(Nesting, PerturbationsDoNotMix) {
  // d/dx [x * d/dy (x + y)] = 1
  auto f = [](const Array& x) { return x * grad([&](const Array& y) { return x + y; })(1.f); };
  expect_close(grad(f)(1.f), {1});
  expect_close(jvp(f, {Array(1.f)}, {Array(1.f)}).second, {1});
}

TEST(JvpFlat, SymbolicZerosStaySymbolic) {
  const Arrays x{Array(2.f), Array(3.f)};
  const Tangents t{Tangent(Array(1.f)), Tangent::zero(x[1].aval())};
  const JvpResult r = jvp_flat([](const Arrays& v) { return Arrays{v[0] * v[1], v[1] * v[1]}; }, x, t);
  expect_close(r.primals[0], {6});
  expect_close(r.tangents[0].value(), {3});
  EXPECT_TRUE(r.tangents[1].is_zero());
}

TEST(JvpFlat, WholeNumbersHaveNoTangent) {
  const JvpResult r = jvp_flat([](const Arrays& v) { return Arrays{floor(v[0]), astype(v[0], i32)}; },
                               Arrays{Array(2.5f)}, Tangents{Tangent(Array(1.f))});
  EXPECT_EQ(r.primals[1].item<int>(), 2);
  EXPECT_EQ(r.tangents[1].aval().dtype, float0);
  EXPECT_TRUE(r.tangents[1].is_zero());
}

TEST(JvpJaxpr, TakesAndGivesTheTangentsThatAreNotZero) {
  const Jaxpr j = make_jaxpr([](const Array& x, const Array& y) { return std::tuple(x * y, y + 1.f); })(2.f, 3.f);
  const JvpJaxpr d = jvp_jaxpr(j, {true, false}, {false, false});
  check_jaxpr(d.jaxpr);
  EXPECT_EQ(d.nonzero_out, (Mask{true, false}));
  const Arrays out = eval_jaxpr(d.jaxpr, Arrays{Array(2.f), Array(3.f), Array(10.f)});
  ASSERT_EQ(out.size(), 3u);
  expect_close(out[0], {6});
  expect_close(out[1], {4});
  expect_close(out[2], {30});
  const JvpJaxpr all_of_them = jvp_jaxpr(j, {true, false}, {false, true});
  EXPECT_EQ(all_of_them.nonzero_out, (Mask{true, true}));
  expect_close(eval_jaxpr(all_of_them.jaxpr, Arrays{Array(2.f), Array(3.f), Array(10.f)})[3], {0});
}

}  // namespace
}  // namespace tf2jax
