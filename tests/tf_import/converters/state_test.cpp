// Constants, identities and variables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const std::string kVariable =
    node("v", "VarHandleOp", {},
         "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }");
ConvertedFunction with_variable(const std::string& text) {
  return convert(Graph::parse_text(kScalarX + kVariable + text),
                 {.outputs = {"y"}, .captures = {{"v", "v", array<float>(3.f), true}}});
}

TEST(StateOps, ConstantsMayBeNarrowedToBfloat16) {
  const std::string text =
      kScalarX + constant("c", "dtype: DT_FLOAT tensor_shape { } float_val: 1.001") + node("y", "Mul", {"x", "c"});
  EXPECT_FLOAT_EQ(Array(import(text)(1.0f)).item<float>(), 1.001f);
  const auto narrow = override_config(&Config::force_const_float32_to_bfloat16, true);
  EXPECT_EQ(Array(import(text)(array<float>(1.0f))).item<float>(), 1);
}

TEST(StateOps, IdentitiesPassTheirInput) {
  for (const char* op : {"Identity", "Snapshot", "CheckNumerics", "StopGradient"})
    EXPECT_EQ(floats_of(call_node(op, {argument(array<float>({1, 2}))},
                                  std::string(op) == "CheckNumerics"
                                      ? std::map<std::string, AttributeValue>{{"message", std::string("m")}}
                                      : std::map<std::string, AttributeValue>{})),
              (Floats{1, 2}))
        << op;
}

TEST(StateOps, NumbersAreCheckedWhereThatIsAskedFor) {
  const std::map<std::string, AttributeValue> message{{"message", std::string("my layer")}};
  const auto call = [&](float x, bool jit) {
    return floats_of(call_node("CheckNumerics", {argument(array<float>({1, x}))}, message, jit));
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(call(nan, true)[1]));
  const auto checked = override_config(&Config::enable_checkify_for_asserts, true);
  for (const bool jit : {false, true}) {
    EXPECT_EQ(call(2, jit), (Floats{1, 2}));
    EXPECT_THAT(message_of<ValueError>([&] { call(nan, jit); }),
                ::testing::HasSubstr("my layer : Found NaN values. (`check` failed)"));
  }
}

TEST(StateOps, ReadsComeAfterTheWritesBeforeThem) {
  const auto [apply, params] =
      with_variable(node("a", "AssignAddVariableOp", {"v", "x"}) + node("y", "ReadVariableOp", {"v", "^a"}));
  const auto [out, next] = apply(params, 2.0f);
  EXPECT_EQ(out.array().item<float>(), 5);
  EXPECT_EQ(next.at("v").value().item<float>(), 5);
  EXPECT_EQ(params.at("v").value().item<float>(), 3);
}

TEST(StateOps, EachWayToWrite) {
  for (const auto& [op, want] : {std::pair("AssignVariableOp", 2.f), std::pair("AssignAddVariableOp", 5.f),
                                 std::pair("AssignSubVariableOp", 1.f)}) {
    const auto [apply, params] = with_variable(node("a", op, {"v", "x"}) + node("y", "ReadVariableOp", {"v", "^a"}));
    EXPECT_EQ(apply(params, 2.0f).second.at("v").value().item<float>(), want) << op;
  }
}

TEST(StateOps, ShapesAreEnsured) {
  const auto ensured = [](const Dims& dims, const std::vector<std::int64_t>& shape) {
    return call_node("EnsureShape", {argument(ones(symbolic(dims)))}, {{"shape", shape}});
  };
  EXPECT_EQ(ensured({2, 3}, {-1, 3}).array().dims(), (Dims{2, 3}));
  expect_error<ImportError>([&] { ensured({2, 3}, {2, 4}); }, "Expected shape=[2, 4], found (2, 3).");
  expect_error<ImportError>([&] { ensured({2, 3}, {2}); }, "Expected shape=[2], found (2, 3).");
}

TEST(StateOps, VariablesWithoutAValueAreNamed) {
  expect_error<ValueError>(
      [] {
        convert(
            Graph::parse_text(kScalarX + kVariable + node("r", "ReadVariableOp", {"v"}) + node("y", "Mul", {"x", "r"})),
            {.outputs = {"y"}})(1.0f);
      },
      "v");
}

}  // namespace
}  // namespace tf2jax
