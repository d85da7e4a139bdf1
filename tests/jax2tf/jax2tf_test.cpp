// Functions that went to TensorFlow's graph and came back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;
using ::testing::ElementsAre;

namespace {

Array sin_cos(const Array& x) { return sin(cos(x)); }

class Jax2tf : public TestWithFolder {};

}  // namespace

TEST(Jax2tfConvert, ConvertedFunctionComputesWhatItsOriginalDoes) {
  const auto f = jax2tf::convert(sin_cos);
  const Array x = array<float>({0.f, 0.5f, -2.f});
  expect_close(f(x), {0.8414709848, 0.7691963548, -0.4042391538});
}

TEST(Jax2tfConvert, StructureOfResultsIsKept) {
  const auto f = jax2tf::convert([](const Array& x) { return std::map<std::string, Array>{{"b", x + 1}, {"a", x}}; });
  const auto out = f(array<float>({1, 2}));
  expect_close(out.at("a"), {1, 2});
  expect_close(out.at("b"), {2, 3});
}

TEST(Jax2tfConvert, OneTraceServesAllCallsOfOneType) {
  const auto f = jax2tf::convert([](const Array& x) { return x * 2; });
  f(ones({2}));
  f(ones({2}));
  EXPECT_EQ(f.num_traces(), 1u);
  f(ones({3}));
  EXPECT_EQ(f.num_traces(), 2u);
}

TEST(Jax2tfConvert, GraphHasTheDocumentedNames) {
  const auto f =
      jax2tf::convert([](const Array& x, const Array& y) { return std::pair(x + y, x); }, {.with_gradient = false});
  f.trace(spec(f32, {2}), spec(f32, {2}));
  EXPECT_THAT(f.graph_inputs(), ElementsAre("jax2tf_arg_0:0", "jax2tf_arg_1:0"));
  EXPECT_THAT(f.graph_outputs(), ElementsAre("jax2tf_out:0", "jax2tf_out_1:0"));
  EXPECT_EQ(f.graph().op_counts().at("AddV2"), 1);
}

TEST(Jax2tfConvert, InsideATransformIsAnError) {
  const auto f = jax2tf::convert(sin_cos);
  expect_error<ValueError>([&] { jit([&](const Array& x) { return f(x); })(ones({2})); },
                           "convert must be used outside all JAX transformations.");
}

TEST(Jax2tfConvert, WithoutGradientsResultsPreventThem) {
  const auto f = jax2tf::convert(sin_cos, {.with_gradient = false}).trace(spec(f32));
  EXPECT_EQ(f.graph().op_counts().at("PreventGradient"), 1);
  EXPECT_NE(f.graph().serialize().find("The jax2tf-converted function does not support gradients. Use "
                                       "`with_gradient` parameter to enable gradients"),
            std::string::npos);
}

TEST_F(Jax2tf, SavedFunctionIsFoundByItsNameAndAsSignature) {
  const auto f = jax2tf::convert(sin_cos).trace(spec(f32, {3}));
  jax2tf::save(directory_, {{"f", f}});
  const Array x = array<float>({0.f, 0.5f, -2.f});
  expect_close(convert(directory_, {.function = "f"})(x).array(), {0.8414709848, 0.7691963548, -0.4042391538});
  expect_close(convert(directory_)(kw("args_0", x))["output_0"].array(), {0.8414709848, 0.7691963548, -0.4042391538});
}

TEST_F(Jax2tf, CapturedParametersBecomeVariables) {
  const Array w = array<float>({1, 2, 3});
  const auto f = jax2tf::convert([w](const Array& x) { return dot(x, w); }, {.polymorphic_shapes = {"(b, 3)"}});
  jax2tf::save(directory_, {{"serving_default", f}}, {.variables = jax2tf::variables_of(w, "w")});
  const auto [apply, params] = convert(directory_, {.function = "serving_default"});
  ASSERT_EQ(params.size(), 1u);
  expect_close(params.at("w").value(), {1, 2, 3});
  expect_close(apply(params, array<float>({{0, 1, 2}, {3, 4, 5}})).first.array(), {8, 26});
  Variables doubled = params;
  doubled.set(Variable("w", w * 2));
  expect_close(apply(doubled, array<float>({{0, 1, 2}})).first.array(), {16});
}

TEST_F(Jax2tf, GradientsOfTheSavedFunctionAreThoseOfTheOriginal) {
  const Array w = array<float>({1, 2, 3});
  const auto f = jax2tf::convert([w](const Array& x) { return sum(sin(x * w)); }).trace(spec(f32, {3}));
  jax2tf::save(directory_, {{"f", f}}, {.variables = jax2tf::variables_of(w, "w")});
  const auto [apply, params] = convert(directory_, {.function = "f"});
  const Array x = array<float>({0.1f, 0.2f, 0.3f});
  const auto loss = [&, apply = apply](const Variables& p, const Array& v) { return apply(p, v).first.array(); };
  const auto [dw, dx] = grad<0, 1>(loss)(params, x);
  expect_close(dx, {std::cos(0.1), 2 * std::cos(0.4), 3 * std::cos(0.9)});
  expect_close(dw.at("w").value(), {0.1 * std::cos(0.1), 0.2 * std::cos(0.4), 0.3 * std::cos(0.9)});
}

TEST_F(Jax2tf, CustomDerivativesAreSaved) {
  const auto f = custom_jvp([](const Array& x) { return x * x; }).defjvp([](const auto& primals, const auto& tangents) {
    const Array& x = std::get<0>(primals);
    return std::pair(x * x, std::get<0>(tangents) * 100.f);
  });
  jax2tf::save(directory_, {{"f", jax2tf::convert(f).trace(spec(f32))}});
  const auto g = convert(directory_, {.function = "f"});
  EXPECT_FLOAT_EQ(g(Array(3.f)).array().item<float>(), 9);
  EXPECT_FLOAT_EQ(grad([&](const Array& x) { return g(x).array(); })(Array(3.f)).item<float>(), 100);
}

TEST_F(Jax2tf, SeveralShapesAreSeveralFunctions) {
  const auto f = jax2tf::convert([](const Array& x) { return sum(x); });
  f(ones({1, 28, 28}));
  f(ones({16, 28, 28}));
  jax2tf::save(directory_, {{"f", f}});
  EXPECT_EQ(SavedModel::load(directory_).objects()->find("f")->concrete.size(), 2u);
}

TEST_F(Jax2tf, FunctionThatReverseModeDoesNotKnowIsSavedWithoutGradientsOnly) {
  const auto f = [](const Array& x) {
    return while_loop([](const Array& v) { return less(v, 100.f); }, [](const Array& v) { return v * 2; }, x);
  };
  jax2tf::save(directory_, {{"f", jax2tf::convert(f).trace(spec(f32))}});
  const auto again = convert(directory_, {.function = "f"});
  EXPECT_FLOAT_EQ(grad([&](const Array& x) { return again(x).array(); })(Array(3.f)).item<float>(), 64);
  const auto as_in_jax = override_config(&Config::while_checkpoint_bytes, std::int64_t{0});
  expect_error<ValueError>([&] { jax2tf::save(directory_, {{"f", jax2tf::convert(f).trace(spec(f32))}}); },
                           "Error when tracing gradients for SavedModel");
  jax2tf::save(directory_, {{"f", jax2tf::convert(f, {.with_gradient = false}).trace(spec(f32))}});
  EXPECT_FLOAT_EQ(convert(directory_, {.function = "f"})(Array(3.f)).array().item<float>(), 192);
}

TEST_F(Jax2tf, FunctionThatWasNeverTracedIsRefused) {
  expect_error<ValueError>([&] { jax2tf::save(directory_, {{"f", jax2tf::convert(sin_cos)}}); },
                           "a function has never been traced. Got 'f'.");
}

TEST(Jax2tfConvert, OtherStructuresAreTracedAnew) {
  const auto f = jax2tf::convert(
      [](const std::map<std::string, Array>& x) { return x.contains("a") ? x.at("a") * 2 : x.at("b") * 3; });
  expect_close(f(std::map<std::string, Array>{{"a", ones({2})}}), {2, 2});
  expect_close(f(std::map<std::string, Array>{{"b", ones({2})}}), {3, 3});
  EXPECT_EQ(f.num_traces(), 2u);
}

TEST_F(Jax2tf, ArgumentsMayDifferInCaseOnly) {
  const auto f = jax2tf::convert([](const std::map<std::string, Array>& x) { return x.at("a") - x.at("A"); });
  f(std::map<std::string, Array>{{"A", ones({2})}, {"a", zeros({2})}});
  jax2tf::save(directory_, {{"f", f}});
  EXPECT_EQ(SavedModel::load(directory_).objects()->find("f")->concrete.size(), 1u);
}
