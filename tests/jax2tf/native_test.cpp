// Native serialization: XlaCallModule nodes, read back by the importer, opaque and transparent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;

namespace {

class Native : public TestWithFolder {};

Array cube(const Array& x) { return x * x * x; }
const jax2tf::ConvertOptions kNative{.native_serialization = true};

std::vector<std::string> operations(const Graph& graph) {
  std::vector<std::string> out;
  for (const auto& node : graph.nodes()) out.push_back(node.op);
  return out;
}

}  // namespace

TEST(NativeSerialization, IsOneNode) {
  const auto f = jax2tf::convert([](const Array& x) { return sin(cos(x)) + 1; },
                                 {.with_gradient = false, .native_serialization = true});
  EXPECT_NEAR(f(Array(0.5f)).item<float>(), std::sin(std::cos(0.5f)) + 1, 1e-6);
  EXPECT_THAT(operations(f.graph()), ::testing::Contains("XlaCallModule").Times(1));
  EXPECT_THAT(operations(f.graph()), ::testing::Not(::testing::Contains("Sin")));
}

TEST_F(Native, FirstDerivativeIsThatOfTheCustomGradient) {
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, kNative).trace(spec(f32))}});
  const auto f = convert(directory_, {.function = "f"});
  const auto g = grad([&](const Array& x) { return f(x).array(); });
  EXPECT_FLOAT_EQ(f(Array(2.f)).array().item<float>(), 8);
  EXPECT_FLOAT_EQ(g(Array(2.f)).item<float>(), 12);
}

TEST_F(Native, TransparentModulesHaveAllDerivatives) {
  const jax2tf::ConvertOptions options{.with_gradient = false, .native_serialization = true};
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, options).trace(spec(f32))}});
  const auto scope = override_config(&Config::xlacallmodule_transparent, true);
  const auto through = override_config(&Config::raise_on_prevent_gradient, false);
  const auto f = convert(directory_, {.function = "f"});
  EXPECT_FLOAT_EQ(grad(grad([&](const Array& x) { return f(x).array(); }))(Array(2.f)).item<float>(), 12);
}

TEST_F(Native, OneModuleServesAllSizes) {
  const auto f = jax2tf::convert([](const Array& x) { return softmax(x) * mean(x); },
                                 {.polymorphic_shapes = {"(b, _)"}, .native_serialization = true});
  jax2tf::save(directory_, {{"f", f.trace(spec(f32, {2, 3}))}});
  const auto g = convert(directory_, {.function = "f"});
  for (const std::int64_t rows : {1, 4}) {
    const Array x = reshape(cos(arange(rows * 3)), {rows, 3});
    const auto loss = [](const auto& h) { return [h](const Array& v) { return sum(Array(h(v)) * v); }; };
    const auto here = [](const Array& v) { return softmax(v) * mean(v); };
    expect_close(g(x).array(), here(x).to_vector<double>());
    expect_close(grad(loss(g))(x), grad(loss(here))(x).to_vector<double>());
  }
}

TEST_F(Native, VariablesAreOperandsOfTheModule) {
  const Array w = array<float>({1, 2, 3});
  jax2tf::save(directory_,
               {{"f", jax2tf::convert([w](const Array& x) { return x * w; }, kNative).trace(spec(f32, {3}))}},
               {.variables = jax2tf::variables_of(w, "w")});
  const auto f = convert(directory_, {.function = "f"});
  expect_close(f(array<float>({1, 1, 2})).array(), {1, 2, 6});
}

TEST_F(Native, IntegersHaveNoGradient) {
  const auto scaled = [](const Array& x, const Array& n) { return std::tuple(x * 2, n + 1); };
  jax2tf::save(directory_, {{"f", jax2tf::convert(scaled, kNative).trace(spec(f32, {2}), spec(i32, {2}))}});
  const auto f = convert(directory_, {.function = "f"});
  const auto g = grad([&](const Array& x) { return reduce_sum(f(x, ones({2}, i32))[0].array(), {0}); });
  expect_close(g(array<float>({1, 2})), {2, 2});
}

TEST_F(Native, SeveralPlatformsTakeANumber) {
  const jax2tf::ConvertOptions options{.native_serialization = true, .native_serialization_platforms = {"cuda", "cpu"}};
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, options).trace(spec(f32))}});
  EXPECT_FLOAT_EQ(convert(directory_, {.function = "f"})(Array(2.f)).array().item<float>(), 8);
}

TEST_F(Native, OtherPlatformsAreRefusedUnlessTheCheckIsOff) {
  jax2tf::ConvertOptions options{.native_serialization = true, .native_serialization_platforms = {"tpu"}};
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, options).trace(spec(f32))}});
  expect_error<ImportError>([&] { convert(directory_, {.function = "f"})(Array(2.f)); },
                            "Unsupported backend: `cpu` not in `('tpu',)`.");
  options.native_serialization_disabled_checks = {"platform"};
  jax2tf::save(directory_, {{"f", jax2tf::convert(cube, options).trace(spec(f32))}});
  EXPECT_FLOAT_EQ(convert(directory_, {.function = "f"})(Array(2.f)).array().item<float>(), 8);
}

TEST(NativeSerialization, OptionsThatAreNotKnownAreErrors) {
  const auto graph_of = [](const jax2tf::ConvertOptions& options) {
    (void)jax2tf::convert(cube, options).trace(spec(f32)).graph();
  };
  expect_error<ValueError>(
      [&] { graph_of({.native_serialization = true, .native_serialization_platforms = {"cpu", "gpu"}}); },
      "native_serialization_platforms must be a sequence containing a subset of {'cpu', 'cuda', 'rocm', 'tpu'}. Got: "
      "['cpu', 'gpu']");
  expect_error<ValueError>(
      [&] { graph_of({.native_serialization = true, .native_serialization_disabled_checks = {"everything"}}); },
      "Got 'everything'; expected 'platform', 'shape_assertions' or 'custom_call:NAME'");
}

TEST(NativeSerialization, FactorisationsAreForTheCpu) {
  const auto f = [](const Array& x) { return qr(x).first; };
  const auto write = [&](const std::vector<std::string>& platforms) {
    const jax2tf::ConvertOptions options{
        .with_gradient = false, .native_serialization = true, .native_serialization_platforms = platforms};
    (void)jax2tf::convert(f, options).trace(spec(f32, {3, 3})).graph();
  };
  write({"cpu"});
  expect_error<NotImplementedError>([&] { write({"cpu", "tpu"}); }, "factorisations are serialized for 'cpu' only");
}
