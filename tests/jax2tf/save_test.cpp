// SavedModels of exported functions: names, signatures, variables, and models that are written back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;
using ::testing::ElementsAre;

namespace {

class Save : public TestWithFolder {};

Array twice(const Array& x) { return x * 2; }

}  // namespace

TEST_F(Save, NamesMustBeAttributes) {
  const auto f = jax2tf::convert(twice).trace(spec(f32));
  for (const char* name : {"", "1f", "a b", "variables", "signatures", "a.b"})
    expect_error<ValueError>([&] { jax2tf::save(directory_, {{name, f}}); }, "is no name for a function");
  expect_error<ValueError>(
      [&] { jax2tf::save(directory_, {{"f", f}}, {.variables = jax2tf::variables_of(ones({2}), "a b")}); },
      "is no name for a variable");
}

TEST_F(Save, SignaturesNameSavedFunctions) {
  const auto f = jax2tf::convert(twice).trace(spec(f32));
  expect_error<ValueError>([&] { jax2tf::save(directory_, {{"f", f}}, {.signatures = {{"serve", "g"}}}); },
                           "signature 'serve' names a function that is not saved. Got 'g'.");
  jax2tf::save(directory_, {{"f", f}, {"g", f}}, {.signatures = {{"serve", "g"}}});
  const SavedModel model = SavedModel::load(directory_);
  ASSERT_EQ(model.signatures().size(), 1u);
  EXPECT_EQ(model.signatures().at("serve").inputs.at(0).key, "args_0");
  EXPECT_EQ(model.signatures().at("serve").method, "tensorflow/serving/predict");
}

TEST_F(Save, MainGraphRunsToo) {
  const Array w = array<float>({1, 2});
  const auto f = jax2tf::convert([w](const Array& x) { return x * w; }, {.polymorphic_shapes = {"(b, 2)"}});
  jax2tf::save(directory_, {{"serving_default", f}}, {.variables = jax2tf::variables_of(w, "w")});
  const auto g =
      convert(directory_, {.inputs = {"serving_default_args_0:0"}, .outputs = {"StatefulPartitionedCall:0"}});
  expect_close(g(ones({3, 2})).array(), {1, 2, 1, 2, 1, 2});
}

TEST_F(Save, DefaultArgumentTypesAreAsDeclared) {
  const auto f = jax2tf::convert(twice, {.polymorphic_shapes = {"(b, 2)"}, .dtypes = {i32}});
  jax2tf::save(directory_, {{"f", f}});
  EXPECT_EQ(convert(directory_)(kw("args_0", ones({1, 2}, i32)))["output_0"].array().dtype(), i32);
  const auto open = jax2tf::convert(twice, {.polymorphic_shapes = {"(b, _)"}});
  expect_error<ValueError>([&] { jax2tf::save(directory_, {{"f", open}}); }, "argument 0 has no shape of its own");
}

TEST_F(Save, TreesKeepTheirStructure) {
  const auto f = jax2tf::convert(
      [](const std::map<std::string, Array>& m, const std::vector<Array>& v) {
        return std::tuple(m.at("a") + v[0], std::map<std::string, Array>{{"x", v[1]}});
      },
      {.argument_names = {"inputs", "more"}});
  f.trace(std::map<std::string, Array>{{"a", ones({2})}, {"b", ones({})}}, std::vector<Array>{ones({2}), ones({3})});
  jax2tf::save(directory_, {{"f", f}});
  const auto g = convert(directory_, {.function = "f"});
  EXPECT_THAT(g.signature().parameters, ElementsAre("inputs", "more"));
  EXPECT_EQ(g.structured_inputs().to_string(), "(({'a': float32[2], 'b': float32[]}, [float32[2], float32[3]]), {})");
  EXPECT_EQ(g.structured_outputs().to_string(), "(float32[2], {'x': float32[3]})");
}

TEST_F(Save, OldModelIsReplaced) {
  jax2tf::save(directory_, {{"f", jax2tf::convert(twice).trace(spec(f32))}});
  jax2tf::save(directory_, {{"g", jax2tf::convert(twice).trace(spec(f32))}});
  const SavedModel model = SavedModel::load(directory_);
  EXPECT_EQ(model.objects()->find("f"), nullptr);
  EXPECT_NE(model.objects()->find("g"), nullptr);
}

TEST_F(Save, ConstantsAreWrittenAndVariablesAreNot) {
  const Array large = full({1000, 100}, 0.5f);
  const auto f = jax2tf::convert([large](const Array& x) { return x * large; }, {.with_gradient = false});
  f.trace(spec(f32));
  jax2tf::save(directory_, {{"f", f}});
  EXPECT_GT(std::filesystem::file_size(directory_ / "saved_model.pb"), 400000u);
  jax2tf::save(directory_, {{"f", f}}, {.variables = jax2tf::variables_of(large, "large")});
  EXPECT_LT(std::filesystem::file_size(directory_ / "saved_model.pb"), 20000u);
}

// d/dx sum(sin(x w)) = cos(x w) w^T, and its derivative by the cotangent is the same product again.
TEST_F(Save, GradientsTakeLargeConstantsFromTheFunction) {
  const Array w = reshape(0.1f * sin(arange(200 * 100) * 0.37f), {200, 100}), x = sin(arange(200) * 0.1f);
  const auto f = [w](const Array& v) { return sin(dot(v, w)); };
  const std::vector<double> slope = grad([&](const Array& v) { return sum(f(v)); })(x).to_vector<double>();
  const Array curvature =
      grad([&](const Array& v) { return sum(square(grad([&](const Array& u) { return sum(f(u)); })(v))); })(x);
  for (const bool native : {false, true}) {
    const auto exported = jax2tf::convert(f, {.gradient_order = 2, .native_serialization = native}).trace(x);
    jax2tf::save(directory_, {{"f", exported}});
    EXPECT_LT(std::filesystem::file_size(directory_ / "saved_model.pb"), 80000u + 20000u);  // w once
    const auto again = convert(directory_, {.function = "f"});
    const auto total = [&](const Array& v) { return sum(again(v).array()); };
    expect_close(grad(total)(x), slope, 1e-5);
    expect_close(grad([&](const Array& v) { return sum(square(grad(total)(v))); })(x), curvature.to_vector<double>(),
                 1e-4);
  }
}

TEST_F(Save, VariableThatWouldBecomeAConstantIsAnError) {
  const Array w(2.f), start(1.f);
  const auto f = jax2tf::convert(
      [w](const Array& x) { return fori_loop(0, 3, [w](const Array&, const Array& c) { return c * w; }, x); });
  f.trace(spec(f32));
  expect_error<ValueError>([&] { jax2tf::save(directory_, {{"f", f}}, {.variables = jax2tf::variables_of(w, "w")}); },
                           "a variable inside scan would become a constant. Got 'w'.");
}

TEST_F(Save, ImportedModelIsWrittenBackWithNewParams) {
  const auto original = convert(std::filesystem::path(TF2JAX_SOURCE_DIR) / "examples/models/digits");
  const auto [apply, loaded] = original;
  const Params params = tree::map([](const Array& v) { return v * 0.9f; }, loaded);
  const auto predict = [apply = apply, params](const Array& x) {
    return apply(params, kw("image", x)).first["probabilities"].array();
  };
  const Array x = sin(reshape(arange(3 * 256) * 0.01f, {3, 16, 16, 1}));
  const auto f = jax2tf::convert(predict).trace(x);
  jax2tf::save(directory_, {{"predict", f}}, {.variables = params});
  const auto again = convert(directory_, {.function = "predict"});
  EXPECT_EQ(again.params().size(), params.size());
  expect_close(again(x).array(), predict(x).to_vector<double>(), 1e-5);
  EXPECT_LE(std::filesystem::file_size(directory_ / "variables/variables.data-00000-of-00001"),
            1.1 * std::filesystem::file_size(std::filesystem::path(TF2JAX_SOURCE_DIR) /
                                             "examples/models/digits/variables/variables.data-00000-of-00001"));
}
