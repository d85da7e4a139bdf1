// The functions of an export: gradients of gradients, integer arguments, results without values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;

namespace {

class Gradients : public TestWithFolder {};

Array cube(const Array& x) { return x * x * x; }

}  // namespace

TEST_F(Gradients, SecondOrderIsSavedWhenAskedFor) {
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, {.gradient_order = 2}).trace(spec(f32))}});
  const auto f = convert(directory_, {.function = "f"});
  const auto g = grad([&](const Array& x) { return f(x).array(); });
  EXPECT_FLOAT_EQ(g(Array(2.f)).item<float>(), 12);
  EXPECT_FLOAT_EQ(grad(g)(Array(2.f)).item<float>(), 12);
}

TEST_F(Gradients, BeyondTheSavedOrderIsAnError) {
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube).trace(spec(f32))}});
  const auto f = convert(directory_, {.function = "f"});
  const auto scope = override_config(&Config::raise_on_prevent_gradient, true);
  const auto g = grad([&](const Array& x) { return f(x).array(); });
  EXPECT_THAT(message_of<LookupError>([&] { grad(g)(Array(2.f)); }), ::testing::HasSubstr("gradient_order"));
}

TEST_F(Gradients, UnusedAndIntegerArguments) {
  const auto f = [](const Array& x0, const Array&, const Array& x2, const Array&) { return x0 * 0.f + x2 * 2.f; };
  jax2tf::save(directory_, {{"f", jax2tf::convert(f).trace(spec(f32), spec(f32), spec(f32), spec(i32))}});
  const auto g = convert(directory_, {.function = "f"});
  const auto [d0, d1, d2] = grad<0, 1, 2>([&](const Array& a, const Array& b, const Array& c) {
    return g(a, b, c, Array(13)).array();
  })(Array(10.f), Array(11.f), Array(12.f));
  EXPECT_FLOAT_EQ(d0.item<float>(), 0);
  EXPECT_FLOAT_EQ(d1.item<float>(), 0);
  EXPECT_FLOAT_EQ(d2.item<float>(), 2);
}

TEST(Float0, BecomesZerosOfInt32) {
  const auto f = jax2tf::convert([](const Array& x) {
    const auto [value, pullback] = vjp([](const Array& v) { return astype(v, f32) * 2.f; }, x);
    return std::get<0>(pullback(Array(1.f)));
  });
  f.trace(spec(i32, {2}));
  const auto g = convert(f.graph(), {.inputs = f.graph_inputs(), .outputs = f.graph_outputs()});
  const Array zero = g(ones({2}, i32)).array();
  EXPECT_EQ(zero.dtype(), i32);
  expect_close(zero, {0, 0});
}

TEST(NegativeOrder, IsAnError) {
  const auto f = jax2tf::convert(cube, {.gradient_order = -1}).trace(spec(f32));
  expect_error<ValueError>([&] { f.graph(); }, "gradient_order must not be negative. Got -1.");
}
