// TensorFlow functions called from programs of this library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/call_tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;

namespace {

Graph cos_graph() {
  GraphBuilder b;
  b.node("Cos", "y", {b.placeholder("x", f32, {})}, f32);
  return b.graph();
}
// x[x[0]:5]
Graph value_dependent_graph() {
  GraphBuilder b;
  const std::string x = b.placeholder("x", i32, {2});
  const auto ints = [&](const char* name, int v) { return b.constant(name, array<std::int32_t>({v})); };
  const std::string zero = ints("zero", 0), one = ints("one", 1), five = ints("five", 5);
  const std::map<std::string, AttributeValue> types{{"T", i32}, {"Index", i32}};
  const std::string first = b.node("StridedSlice", "first", {x, zero, one, one}, types);
  b.node("StridedSlice", "y", {x, first, five, one}, types);
  return b.graph();
}

class CallTfFiles : public TestWithFolder {};

}  // namespace

TEST(CallTf, ComposesWithOurOperations) {
  const auto cos_tf = call_tf(cos_graph());
  const auto f = [&](const Array& x) { return sin(cos_tf(x)); };
  EXPECT_FLOAT_EQ(f(Array(1.f)).item<float>(), std::sin(std::cos(1.f)));
  EXPECT_FLOAT_EQ(jit(f)(Array(1.f)).item<float>(), std::sin(std::cos(1.f)));
  EXPECT_NEAR(grad(f)(Array(1.f)).item<float>(), -std::cos(std::cos(1.)) * std::sin(1.), 1e-6);
  EXPECT_NEAR(jit(grad(f))(Array(1.f)).item<float>(), -std::cos(std::cos(1.)) * std::sin(1.), 1e-6);
}

TEST(CallTf, IsCalledInsideControlFlow) {
  const auto cos_tf = call_tf(cos_graph());
  const Array y = fori_loop(0, 3, [&](const Array&, const Array& c) -> Array { return cos_tf(c); }, Array(1.f));
  EXPECT_NEAR(y.item<float>(), std::cos(std::cos(std::cos(1.))), 1e-6);
}

TEST(CallTf, ForwardModeIsAnError) {
  const auto cos_tf = call_tf(cos_graph());
  expect_error<TypeError>([&] { jvp([&](const Array& x) -> Array { return cos_tf(x); }, {Array(1.f)}, {Array(1.f)}); },
                          "can't apply forward-mode autodiff (jvp) to a custom_vjp function.");
}

TEST(CallTf, BatchingIsAnError) {
  const auto cos_tf = call_tf(cos_graph());
  expect_error<MissingRule>([&] { vmap([&](const Array& x) -> Array { return cos_tf(x); })(ones({3})); },
                            "Batching rule for 'call_tf' not implemented");
}

TEST(CallTf, TransparentFunctionTakesEveryTransform) {
  const auto cos_tf = call_tf(cos_graph(), {.transparent = true});
  const auto f = [&](const Array& x) -> Array { return cos_tf(x); };
  EXPECT_NEAR(jvp(f, {Array(1.f)}, {Array(1.f)}).second.item<float>(), -std::sin(1.), 1e-6);
  expect_close(vmap(f)(array<float>({0, 1})), {1, std::cos(1.)});
}

TEST(CallTf, ShapesMayDependOnValuesOutsideProgramsOnly) {
  const auto f = call_tf(value_dependent_graph());
  const Array x = array<std::int32_t>({1, 2});
  expect_close(f(x).array(), {2});
  expect_error<ValueError>([&] { jit([&](const Array& v) -> Array { return f(v); })(x); },
                           "call_tf can used in a staged context (under jax.jit, lax.scan, etc.) only with compilable "
                           "functions with static output shapes.");
}

TEST(CallTf, DeclaredResultsAreChecked) {
  const auto f = call_tf(cos_graph(), {.output_shape_dtype = Avals{spec(f32, {2})}});
  EXPECT_THAT(message_of<ValueError>([&] { f(Array(1.f)); }),
              ::testing::HasSubstr("The shapes or dtypes returned by the TensorFlow function do not match the declared "
                                   "output_shape_dtype:\nResult[0] is f32[] vs. expected f32[2]"));
}

TEST(CallTf, SymbolicShapesAreAnError) {
  GraphBuilder b;
  b.node("Sin", "y", {b.placeholder("x", f32, {-1})}, f32);
  const auto sin_tf = call_tf(b.graph());
  const auto f =
      jax2tf::convert([&](const Array& x) -> Array { return sin_tf(x); }, {.polymorphic_shapes = {"b, ..."}});
  expect_error<ValueError>([&] { f(ones({3})); }, "call_tf: an argument has a symbolic shape. Got (b,)");
}

TEST(CallTf, RoundTripsKeepValuesAndGradients) {
  const auto square = custom_jvp([](const Array& x) { return x * x; }).defjvp([](const auto& p, const auto& t) {
    return std::pair(std::get<0>(p) * std::get<0>(p), std::get<0>(t) * 100.f);
  });
  const auto exported = jax2tf::convert(square).trace(spec(f32));
  const auto f = call_tf(exported);
  EXPECT_FLOAT_EQ(f(Array(3.f)).array().item<float>(), 9);
  EXPECT_FLOAT_EQ(grad([&](const Array& x) -> Array { return f(x); })(Array(3.f)).item<float>(), 100);
  const auto again = jax2tf::convert([&](const Array& x) -> Array { return f(x); });
  EXPECT_FLOAT_EQ(again(Array(3.f)).item<float>(), 9);
}

TEST_F(CallTfFiles, SavedModelWithCustomGradientRoundTrips) {
  const auto square = custom_jvp([](const Array& x) { return x * x; }).defjvp([](const auto& p, const auto& t) {
    return std::pair(std::get<0>(p) * std::get<0>(p), std::get<0>(t) * 100.f);
  });
  jax2tf::save(directory_ / "a", {{"f", jax2tf::convert(square).trace(spec(f32))}});
  const auto f = call_tf(directory_ / "a", {}, {.function = "f"});
  jax2tf::save(directory_ / "b",
               {{"f", jax2tf::convert([&](const Array& x) -> Array { return f(x); }).trace(spec(f32))}});
  const auto g = convert(directory_ / "b", {.function = "f"});
  EXPECT_FLOAT_EQ(g(Array(3.f)).array().item<float>(), 9);
  EXPECT_FLOAT_EQ(grad([&](const Array& x) { return g(x).array(); })(Array(3.f)).item<float>(), 100);
}

TEST(CallTf, AssignmentsInsideProgramsAreErrors) {
  using Attributes = std::map<std::string, AttributeValue>;
  GraphBuilder b;
  const std::string x = b.placeholder("x", f32, {});
  const std::string v = b.node("VarHandleOp", "v", {}, Attributes{{"dtype", f32}, {"shared_name", std::string("v")}});
  b.node("AssignVariableOp", "assign", {v, x}, Attributes{{"dtype", f32}});
  b.node("Sin", "y", {x, "^assign"}, f32);
  for (const bool transparent : {false, true}) {
    const auto f = call_tf(b.graph(), {.transparent = transparent});
    EXPECT_THROW(jit([&](const Array& u) -> Array { return f(u); })(Array(1.f)), Error) << transparent;
  }
}
