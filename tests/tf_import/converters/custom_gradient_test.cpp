// Gradients that a model brings with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
const std::string kGradientLibrary =
    "library { function { signature { name: \"g\" input_arg { name: \"dy\" type: DT_FLOAT } input_arg { name: \"dx\" "
    "type: DT_FLOAT } input_arg { name: \"x\" type: DT_FLOAT } "
    "output_arg { name: \"r\" type: DT_FLOAT } } "
    "node_def { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT tensor_shape { } "
    "float_val: 10 } } } } "
    "node_def { name: \"m\" op: \"Mul\" input: \"dy\" input: \"c:output:0\" } node_def { name: \"n\" op: \"Mul\" "
    "input: \"m:z:0\" input: \"x\" } "
    "ret { key: \"r\" value: \"n:z:0\" } } }";

TEST(CustomGradient, ReplacesTheDerivative) {
  const auto graph = Graph::parse_text(
      kScalarX + node("s", "Square", {"x"}) +
      node("n", "IdentityN", {"s", "x"}, "attr { key: \"_gradient_op_type\" value { s: \"CustomGradient-1\" } }") +
      node("y", "Identity", {"n"}) + kGradientLibrary);
  const ConvertOptions options{
      .outputs = {"y"}, .gradients = {{"CustomGradient-1", {.function = "g", .captures = {"x"}, .none_outputs = 1}}}};
  const auto f = convert(graph, options);
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 9.0f);
  EXPECT_EQ(Array(grad(f)(Array(3.0f))).item<float>(), 30.0f);
  EXPECT_EQ(Array(jit(grad(f))(Array(3.0f))).item<float>(), 30.0f);
  // Ordinary code: the rule's own derivative with respect to x is 10.
  EXPECT_EQ(Array(grad(grad(f))(Array(3.0f))).item<float>(), 10.0f);
  EXPECT_EQ(vmap([&](const Array& x) { return Array(grad(f)(x)); })(array<float>({1, 2})).to_vector<float>(),
            (std::vector<float>{10, 20}));
  const auto off = override_config(&Config::convert_custom_gradient, false);
  EXPECT_EQ(Array(grad(convert(graph, options))(Array(3.0f))).item<float>(), 6.0f);
}

TEST(CustomGradient, MissingFunctionIsALookupErrorOnDifferentiation) {
  const auto f = import(kScalarX + node("y", "IdentityN", {"x"},
                                        "attr { key: \"_gradient_op_type\" value { s: \"CustomGradient-9\" } }"));
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 3.0f);
  EXPECT_THAT(message_of<LookupError>([&] { grad(f)(Array(3.0f)); }),
              HasSubstr("Custom gradient `CustomGradient-9` was expected but not found for the node `y`"));
}

TEST(CustomGradient, MissingFunctionFallsBackOnTheGraphWhenAsked) {
  const auto fallback = override_config(&Config::custom_gradient_fallback, true);
  std::string heard;
  const auto before = set_warning_handler([&](std::string_view m) { heard += m; });
  const auto f = import(
      kScalarX + node("s", "Mul", {"x", "x"}) +
      node("y", "IdentityN", {"s", "x"}, "attr { key: \"_gradient_op_type\" value { s: \"CustomGradient-10\" } }"));
  EXPECT_EQ(Array(grad(f)(Array(3.0f))).item<float>(), 6.0f);
  set_warning_handler(before);
  EXPECT_THAT(heard, HasSubstr("Custom gradient `CustomGradient-10` of the node `y`"));
}

TEST(PreventGradient, RaisesUnlessTurnedOff) {
  const std::string text = kScalarX +
                           node("p", "PreventGradient", {"x"}, "attr { key: \"message\" value { s: \"no.\" } }") +
                           node("y", "Mul", {"p", "p"});
  const auto f = import(text);
  EXPECT_THAT(message_of<LookupError>([&] { grad(f)(Array(3.0f)); }),
              HasSubstr("Gradient explicitly prevented on node p. Original reason: no."));
  const auto off = override_config(&Config::raise_on_prevent_gradient, false);
  std::string heard;
  const auto before = set_warning_handler([&](std::string_view m) { heard += m; });
  EXPECT_EQ(Array(grad(import(text))(Array(3.0f))).item<float>(), 6.0f);
  set_warning_handler(before);
  EXPECT_THAT(heard, HasSubstr("PreventGradient ignored on node p. Original reason: no."));
}

}  // namespace
}  // namespace tf2jax
