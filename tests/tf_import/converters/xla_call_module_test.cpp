// XlaCallModule: one operation by default, transparent when that is asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/write.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

std::string text_of(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return '"' + out + '"';
}
std::string attribute(const std::string& key, const std::string& value) {
  return " attr { key: \"" + key + "\" value { " + value + " } }";
}
// sin(x) x, as MLIR text of version 3.
const std::string kModule = R"(module @m {
  func.func public @main(%x: tensor<?xf32>) -> (tensor<?xf32>) {
    %0 = stablehlo.sine %x : tensor<?xf32>
    %1 = stablehlo.multiply %0, %x : tensor<?xf32>
    return %1 : tensor<?xf32>
  }
})";
std::string graph(const std::string& platforms, const std::string& more = "", int version = 3) {
  return kVectorX + "node { name: \"y\" op: \"XlaCallModule\" input: \"x\"" +
         attribute("Tin", "list { type: DT_FLOAT }") + attribute("Tout", "list { type: DT_FLOAT }") +
         attribute("Sout", "list { shape { dim { size: -1 } } }") + attribute("module", "s: " + text_of(kModule)) +
         attribute("version", "i: " + std::to_string(version)) + attribute("platforms", "list { " + platforms + " }") +
         more + " }";
}
const std::string kCpu = "s: \"CPU\"";
const Array kX = array<float>({0.5f, 1.f, -2.f});

std::vector<float> expected() {
  std::vector<float> out;
  for (const float x : kX.to_vector<float>()) out.push_back(std::sin(x) * x);
  return out;
}

TEST(XlaCallModule, RunsTextsAndArtifacts) {
  const auto f = import_flat(graph(kCpu), {"y"}, {"x"});
  EXPECT_THAT(f({kX})[0].to_vector<float>(), ::testing::Pointwise(::testing::FloatNear(1e-6f), expected()));
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{mul(sin(xs[0]), xs[0])}; }, {spec(f32, {3})});
  const auto bytes = stablehlo::write_module(stablehlo::from_jaxpr(program));
  const Tree y = call_node("XlaCallModule", {argument(kX)}, {{"module", bytes}, {"version", std::int64_t{9}}});
  EXPECT_THAT(floats_of(y), ::testing::Pointwise(::testing::FloatNear(1e-6f), expected()));
}

TEST(XlaCallModule, DerivativesAndBatchingAreRefused) {
  const auto f = import_flat(graph(kCpu), {"y"}, {"x"});
  const auto sum_of = [&](const Array& x) { return reduce_sum(f({x})[0], {0}); };
  EXPECT_THAT(message_of<MissingRule>([&] { grad(sum_of)(kX); }),
              ::testing::AllOf(HasSubstr("Differentiation rule for 'mhlo_apply' not implemented"),
                               HasSubstr("xlacallmodule_transparent")));
}

TEST(XlaCallModule, TransparentOnesHaveDerivativesOfAnyOrder) {
  const auto transparent = override_config(&Config::xlacallmodule_transparent, true);
  const auto f = import_flat(graph(kCpu), {"y"}, {"x"});
  const auto sum_of = [&](const Array& x) { return reduce_sum(f({x})[0], {0}); };
  const auto slope = grad(sum_of)(kX).to_vector<float>();
  const auto curve = grad([&](const Array& x) { return reduce_sum(grad(sum_of)(x), {0}); })(kX).to_vector<float>();
  for (std::size_t i = 0; i < 3; ++i) {
    const float x = kX.to_vector<float>()[i];
    EXPECT_NEAR(slope[i], std::cos(x) * x + std::sin(x), 1e-5f);
    EXPECT_NEAR(curve[i], 2 * std::cos(x) - x * std::sin(x), 1e-5f);
  }
}

TEST(XlaCallModule, OtherPlatformsAreRefused) {
  const auto message = message_of<ValueError>([] { import_flat(graph("s: \"TPU\""), {"y"}, {"x"})({kX}); });
  EXPECT_THAT(message, HasSubstr("Unsupported backend: `cpu` not in `('tpu',)`."));
  EXPECT_THAT(message, HasSubstr("tf2jax.override_config('xlacallmodule_strict_checks', False)"));
  const auto former = set_warning_handler({});
  const auto lenient = override_config(&Config::xlacallmodule_strict_checks, false);
  EXPECT_THAT(import_flat(graph("s: \"CUDA\""), {"y"}, {"x"})({kX})[0].to_vector<float>(),
              ::testing::Pointwise(::testing::FloatNear(1e-6f), expected()));
  set_warning_handler(former);
}

TEST(XlaCallModule, OldVersionsAndDimensionArgumentsAreErrors) {
  EXPECT_THAT(message_of<ValueError>([] { import_flat(graph(kCpu, "", 1), {"y"}, {"x"})({kX}); }),
              HasSubstr("Only version 2 (StableHLO) or above is supported, found 1."));
  const auto sizes = attribute("dim_args_spec", "list { s: \"0.0\" }");
  EXPECT_THAT(message_of<ValueError>([&] { import_flat(graph(kCpu, sizes), {"y"}, {"x"})({kX}); }),
              HasSubstr("Dynamic shapes is not yet supported, found dim_args_spec=(b'0.0',)."));
}

}  // namespace
}  // namespace tf2jax
