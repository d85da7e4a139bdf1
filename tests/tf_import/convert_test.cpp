#include "tf2jax/tf_import/convert.h"

#include "tf2jax/ops/numpy.h"
#include "tf2jax/transforms/grad.h"
#include "tf2jax/transforms/jit.h"
#include "tf2jax/transforms/make_jaxpr.h"
#include "tf2jax/transforms/vmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

std::string placeholder(const std::string& name, const std::string& dims, const std::string& type = "DT_FLOAT") {
  return "node { name: \"" + name + "\" op: \"Placeholder\" attr { key: \"dtype\" value { type: " + type + " } } attr { key: \"shape\" value { shape { " +
         dims + " } } } }\n";
}
std::string constant(const std::string& name, const std::string& tensor) {
  return "node { name: \"" + name + "\" op: \"Const\" attr { key: \"value\" value { tensor { " + tensor + " } } } }\n";
}
std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs, const std::string& attrs = "") {
  std::string text = "node { name: \"" + name + "\" op: \"" + op + "\"";
  for (const auto& i : inputs) text += " input: \"" + i + "\"";
  return text + " " + attrs + " }\n";
}
ConvertedFunction import(const std::string& text, const std::vector<std::string>& outputs = {"y"}, std::vector<std::string> inputs = {}) {
  return convert(Graph::parse_text(text, "test graph"), {.inputs = std::move(inputs), .outputs = outputs});
}
const std::string kScalarX = placeholder("x", "");
const std::string kVectorX = placeholder("x", "dim { size: 3 }");

TEST(Convert, EvaluatesElementwiseGraph) {
  const auto f = import(kVectorX + constant("c", "dtype: DT_FLOAT tensor_shape { } float_val: 2") + node("m", "Mul", {"x", "c:0"}) + node("y", "Sin", {"m"}));
  const Array y = f(array<float>({0, 0.5f, 1}));
  EXPECT_NEAR(y.item<float>(1), std::sin(1.0f), 1e-6);
  EXPECT_NEAR(Array(grad([&](const Array& x) { return sum(f(x)); })(array<float>({0, 0.5f, 1}))).item<float>(2), 2 * std::cos(2.0f), 1e-5);
}

TEST(Convert, UnneededNodesNeverMatter) {
  const auto f = import(kScalarX + node("bad", "NoSuchOp", {"nowhere"}) + node("y", "Neg", {"x"}));
  EXPECT_EQ(Array(f(3.0f)).item<float>(), -3.0f);
}

TEST(Convert, AnyTensorMayBeAnInput) {
  const auto f = import(placeholder("s", "", "DT_STRING") + node("decoded", "DecodeWav", {"s"}) + node("y", "Square", {"decoded"}), {"y:0"}, {"decoded:0"});
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 9.0f);
}

TEST(Convert, ShapeArithmeticStaysOnTheHost) {
  const auto f = import(placeholder("x", "dim { size: -1 } dim { size: 4 }") + node("s", "Shape", {"x"}) +
                        constant("zero", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0") +
                        constant("one", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1") +
                        node("b", "StridedSlice", {"s", "zero", "one", "one"}, "attr { key: \"shrink_axis_mask\" value { i: 1 } }") +
                        constant("two", "dtype: DT_INT32 tensor_shape { } int_val: 2") +
                        node("p", "Pack", {"b", "two", "two"}, "attr { key: \"N\" value { i: 3 } }") + node("y", "Reshape", {"x", "p"}));
  std::ostringstream text;
  text << make_jaxpr([&](const Array& x) { return Array(f(x)); })(spec(f32, {5, 4}));
  EXPECT_THAT(text.str(), HasSubstr("reshape[dimensions=None new_sizes=(5, 2, 2)"));
  EXPECT_EQ(text.str().find("slice"), std::string::npos);
  std::ostringstream symbolic_text;
  symbolic_text << make_jaxpr([&](const Array& x) { return Array(f(x)); })(spec(f32, {Dim::variable("b"), 4}));
  EXPECT_THAT(symbolic_text.str(), HasSubstr("new_sizes=(b, 2, 2)"));
}

TEST(Convert, ReportsAllUnsupportedOperationsAtOnce) {
  const auto text = message_of<UnsupportedOpError>([] { import(kScalarX + node("a", "OddOp", {"x"}) + node("b", "OtherOp", {"a"}) + node("y", "OddOp", {"b"})); });
  EXPECT_THAT(text, HasSubstr("2 operations are not supported: 'OddOp' (2 nodes, first 'a'), 'OtherOp' (1 node, first 'b')"));
  EXPECT_THAT(text, HasSubstr("Unsupported operations in graph: ['OddOp', 'OtherOp']"));
}

TEST(Convert, RegisteredOperationsAreUsed) {
  register_operation("TestScaledSin", [](Node& n) { return Values{sin(n.array(0)) * n.attr<float>("scale")}; });
  const auto f = import(kScalarX + node("y", "TestScaledSin", {"x"}, "attr { key: \"scale\" value { f: 3 } }"));
  EXPECT_NEAR(Array(f(1.0f)).item<float>(), 3 * std::sin(1.0f), 1e-6);
}

TEST(Convert, UnreadAttributesAreErrors) {
  const auto text = message_of<ImportError>([] { import(kScalarX + node("y", "Neg", {"x"}, "attr { key: \"foo\" value { i: 3 } }"))(1.0f); });
  EXPECT_THAT(text, HasSubstr("Unexpected attr(s) when parsing Neg: y\n  `foo=i: 3`"));
}

TEST(Convert, CyclesAreErrors) {
  EXPECT_THAT(message_of<ValueError>([] { import(node("a", "Neg", {"y"}) + node("y", "Neg", {"a"})); }), HasSubstr("cycle through node"));
}

TEST(Convert, EndlessCallsAreErrors) {
  const std::string body = "node_def { name: \"c\" op: \"PartitionedCall\" input: \"x\" attr { key: \"f\" value { func { name: \"f\" } } } attr { key: \"Tout\" value { list { type: DT_FLOAT } } } }";
  const auto f = import(kScalarX + node("y", "PartitionedCall", {"x"}, "attr { key: \"f\" value { func { name: \"f\" } } }") +
                        "library { function { signature { name: \"f\" input_arg { name: \"x\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } " + body +
                        " ret { key: \"r\" value: \"c:output:0\" } } }");
  EXPECT_THAT(message_of<ValueError>([&] { f(1.0f); }), HasSubstr("called by itself"));
}

TEST(Convert, LongChainsNeedNoStack) {
  std::string text = kScalarX;
  for (int i = 0; i < 20000; ++i) text += node(i == 19999 ? "y" : fmt::format("n{}", i), "Identity", {i == 0 ? "x" : fmt::format("n{}", i - 1)});
  EXPECT_EQ(Array(import(text)(2.0f)).item<float>(), 2.0f);
}

TEST(ConvertErrors, NameTheArgument) {
  const auto f = import(kVectorX + node("y", "Neg", {"x"}));
  EXPECT_THAT(message_of<ValueError>([&] { f(ones({4})); }), HasSubstr("Found incompatible input shape: (4,), expected (3,) for argument at (0, 0)."));
  EXPECT_THAT(message_of<MissingInputError>([&] { f(); }), HasSubstr("Some input(s) are missing"));
  EXPECT_THAT(message_of<TypeError>([&] { f(ones({3}), kw("z", 1.0f)); }), HasSubstr("got an unexpected keyword argument 'z'"));
  EXPECT_THAT(message_of<TypeError>([&] { f(ones({3}), ones({3})); }), HasSubstr("2 positional arguments"));
  const auto loose = override_config(&Config::strict_shape_check, false);
  EXPECT_EQ(Array(f(ones({4}))).size(), 4);
  const auto strict = override_config(&Config::strict_dtype_check, true);
  EXPECT_THAT(message_of<ValueError>([&] { f(ones({3}, i32)); }), HasSubstr("Found incompatible input dtype: int32, expected <dtype: 'float32'>"));
}

TEST(ConvertErrors, NameFileAndTensor) {
  EXPECT_THROW(convert("/nonexistent/model"), IoError);
  EXPECT_THAT(message_of<LookupError>([] { import(kScalarX, {"nope"}); }), HasSubstr("'nope'"));
  EXPECT_THAT(message_of<ValueError>([] { import(kScalarX + node("y", "Neg", {"gone"})); }), HasSubstr("'gone' is needed by node 'y'"));
  EXPECT_THAT(message_of<ImportError>([] { import(kVectorX + placeholder("b", "dim { size: 2 }") + node("y", "Add", {"x", "b"}))(ones({3}), ones({2})); }), HasSubstr("import 'y' (Add)"));
}

TEST(ConvertVariables, ThreadThroughAsParams) {
  const std::string text = kScalarX + node("v", "VarHandleOp", {}, "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
                           node("r", "ReadVariableOp", {"v"}) + node("y", "Mul", {"x", "r"});
  const auto f = convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "scale", array<float>(3.0f), true}}});
  EXPECT_EQ(Array(f(2.0f)).item<float>(), 6.0f);
  const auto [apply, params] = f;
  EXPECT_TRUE(params.at("scale").trainable());
  const auto g = grad([&apply = apply](const Variables& p, const Array& x) { return apply(p, x).first.array(); })(params, Array(2.0f));
  EXPECT_EQ(g.at("scale").value().item<float>(), 2.0f);
  EXPECT_THAT(message_of<ValueError>([&apply = apply] { apply(Variables(), 2.0f); }), HasSubstr("Some parameters are missing, ['scale']."));
  EXPECT_THAT(message_of<ValueError>([&] { convert_functional(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "scale", array<float>(3.0f), true}}}); }),
              HasSubstr("Expected function to have no captured variables"));
}

TEST(ConvertVariables, AssignmentsComeBackAsNewParams) {
  const std::string text = kScalarX + node("v", "VariableV2", {}, "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
                           node("y", "AssignAdd", {"v", "x"});
  const auto [apply, params] = convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "counter", array<float>(1.0f), false}}});
  const auto [out, next] = apply(params, 2.5f);
  EXPECT_EQ(out.array().item<float>(), 3.5f);
  EXPECT_EQ(next.at("counter").value().item<float>(), 3.5f);
  EXPECT_EQ(params.at("counter").value().item<float>(), 1.0f);
}

const std::string kGradientLibrary =
    "library { function { signature { name: \"g\" input_arg { name: \"dy\" type: DT_FLOAT } input_arg { name: \"dx\" type: DT_FLOAT } input_arg { name: \"x\" type: DT_FLOAT } "
    "output_arg { name: \"r\" type: DT_FLOAT } } "
    "node_def { name: \"c\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 10 } } } } "
    "node_def { name: \"m\" op: \"Mul\" input: \"dy\" input: \"c:output:0\" } node_def { name: \"n\" op: \"Mul\" input: \"m:z:0\" input: \"x\" } "
    "ret { key: \"r\" value: \"n:z:0\" } } }";

TEST(CustomGradient, ReplacesTheDerivative) {
  const auto graph = Graph::parse_text(kScalarX + node("s", "Square", {"x"}) +
                                       node("n", "IdentityN", {"s", "x"}, "attr { key: \"_gradient_op_type\" value { s: \"CustomGradient-1\" } }") +
                                       node("y", "Identity", {"n"}) + kGradientLibrary);
  const ConvertOptions options{.outputs = {"y"}, .gradients = {{"CustomGradient-1", {.function = "g", .captures = {"x"}, .none_outputs = 1}}}};
  const auto f = convert(graph, options);
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 9.0f);
  EXPECT_EQ(Array(grad(f)(Array(3.0f))).item<float>(), 30.0f);
  EXPECT_EQ(Array(jit(grad(f))(Array(3.0f))).item<float>(), 30.0f);
  // Ordinary code: the rule's own derivative with respect to x is 10.
  EXPECT_EQ(Array(grad(grad(f))(Array(3.0f))).item<float>(), 10.0f);
  EXPECT_EQ(vmap([&](const Array& x) { return Array(grad(f)(x)); })(array<float>({1, 2})).to_vector<float>(), (std::vector<float>{10, 20}));
  const auto off = override_config(&Config::convert_custom_gradient, false);
  EXPECT_EQ(Array(grad(convert(graph, options))(Array(3.0f))).item<float>(), 6.0f);
}

TEST(CustomGradient, MissingFunctionIsALookupErrorOnDifferentiation) {
  const auto f = import(kScalarX + node("y", "IdentityN", {"x"}, "attr { key: \"_gradient_op_type\" value { s: \"CustomGradient-9\" } }"));
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 3.0f);
  EXPECT_THAT(message_of<LookupError>([&] { grad(f)(Array(3.0f)); }), HasSubstr("Custom gradient `CustomGradient-9` was expected but not found for the node `y`"));
}

TEST(PreventGradient, RaisesUnlessTurnedOff) {
  const std::string text = kScalarX + node("p", "PreventGradient", {"x"}, "attr { key: \"message\" value { s: \"no.\" } }") + node("y", "Mul", {"p", "p"});
  const auto f = import(text);
  EXPECT_THAT(message_of<LookupError>([&] { grad(f)(Array(3.0f)); }), HasSubstr("Gradient explicitly prevented on node p. Original reason: no."));
  const auto off = override_config(&Config::raise_on_prevent_gradient, false);
  EXPECT_EQ(Array(grad(import(text))(Array(3.0f))).item<float>(), 6.0f);
}

TEST(Convert, BranchesBecomeCond) {
  const auto branch = [](const std::string& name, const std::string& op) {
    return "function { signature { name: \"" + name + "\" input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } node_def { name: \"o\" op: \"" + op +
           "\" input: \"a\" } ret { key: \"r\" value: \"o:y:0\" } }";
  };
  const auto f = import(kScalarX + constant("zero", "dtype: DT_FLOAT tensor_shape { } float_val: 0") + node("p", "Greater", {"x", "zero"}) +
                        node("y", "StatelessIf", {"p", "x"}, "attr { key: \"then_branch\" value { func { name: \"t\" } } } attr { key: \"else_branch\" value { func { name: \"e\" } } }") +
                        "library { " + branch("t", "Exp") + branch("e", "Neg") + " }");
  EXPECT_NEAR(Array(f(1.0f)).item<float>(), std::exp(1.0f), 1e-6);
  EXPECT_EQ(Array(f(-2.0f)).item<float>(), 2.0f);
  EXPECT_EQ(Array(grad(f)(Array(-2.0f))).item<float>(), -1.0f);
}

TEST(Convert, CountedLoopsAreScansAndDifferentiateInReverse) {
  const std::string args = "input_arg { name: \"i\" type: DT_INT32 } input_arg { name: \"c\" type: DT_FLOAT } ";
  const auto f = import(
      kScalarX + constant("zero", "dtype: DT_INT32 tensor_shape { } int_val: 0") +
          node("w", "StatelessWhile", {"zero", "x"},
               "attr { key: \"cond\" value { func { name: \"more\" } } } attr { key: \"body\" value { func { name: \"step\" } } } attr { key: \"T\" value { list { type: DT_INT32 type: DT_FLOAT } } }") +
          node("y", "Identity", {"w:1"}) + "library { function { signature { name: \"more\" " + args +
          "output_arg { name: \"r\" type: DT_BOOL } } node_def { name: \"n\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 3 } } } } "
          "node_def { name: \"l\" op: \"Less\" input: \"i\" input: \"n:output:0\" } ret { key: \"r\" value: \"l:z:0\" } } function { signature { name: \"step\" " + args +
          "output_arg { name: \"j\" type: DT_INT32 } output_arg { name: \"d\" type: DT_FLOAT } } "
          "node_def { name: \"o\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 1 } } } } "
          "node_def { name: \"a\" op: \"AddV2\" input: \"i\" input: \"o:output:0\" } node_def { name: \"s\" op: \"Square\" input: \"c\" } "
          "ret { key: \"j\" value: \"a:z:0\" } ret { key: \"d\" value: \"s:y:0\" } } }");
  EXPECT_FLOAT_EQ(Array(f(1.1f)).item<float>(), std::pow(1.1f, 8.0f));
  EXPECT_NEAR(Array(grad(f)(Array(1.1f))).item<float>(), 8 * std::pow(1.1f, 7.0f), 1e-4);
}

TEST(Convert, Tf1LoopsAreReportedByTheirOperations) {
  const auto text = message_of<UnsupportedOpError>([] {
    import(kScalarX + node("e", "Enter", {"x"}) + node("m", "Merge", {"e", "n"}) + node("s", "Switch", {"m", "m"}) + node("n", "NextIteration", {"s:1"}) +
           node("y", "Exit", {"s"}));
  });
  EXPECT_THAT(text, HasSubstr("'Enter'"));
}

TEST(Convert, RandomNodesNeedAKey) {
  const auto f = import(constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 4") +
                        node("y", "RandomUniform", {"n"}, "attr { key: \"dtype\" value { type: DT_FLOAT } }"));
  EXPECT_THAT(message_of<ValueError>([&] { f(); }), HasSubstr("PRNG key required for random ops, found rng=None."));
  const Array key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
  EXPECT_EQ(Array(f(rng(key))).to_vector<float>(), Array(f(rng(key))).to_vector<float>());
}

TEST(Convert, CrossEntropyHasTensorFlowsGradient) {
  // softmax - labels, also where a row of labels adds up to 1.5 (TensorFlow 2.21); the value is the loss.
  const auto f = import(kVectorX + node("r", "Reshape", {"x", "s"}) + constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } tensor_content: \"\\001\\000\\000\\000\\003\\000\\000\\000\"") +
                        constant("l", "dtype: DT_FLOAT tensor_shape { dim { size: 1 } dim { size: 3 } } float_val: 0.5 float_val: 0.25 float_val: 0.75") +
                        node("y", "SoftmaxCrossEntropyWithLogits", {"r", "l"}));
  const Array x = array<float>({0.3, -1.2, 0.8}), labels = array<float>({0.5, 0.25, 0.75});
  const auto loss = [&](const Array& v) { return sum(Array(f(v))); };
  EXPECT_NEAR(loss(x).item<float>(), -sum(labels * log_softmax(x)).item<float>(), 1e-6);
  const Array got = jit(grad(loss))(x), want = softmax(x) - labels;
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(got.item<float>(i), want.item<float>(i), 1e-6);
}

TEST(Convert, OpByOpGivesTheSame) {
  const auto graph = Graph::parse_text(kVectorX + node("e", "Softmax", {"x"}) + node("y", "Log", {"e"}));
  const Array x = array<float>({1, 2, 3});
  const Array compiled = convert(graph, {.outputs = {"y"}})(x), eager = convert(graph, {.outputs = {"y"}, .jit = false})(x);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(compiled.item<float>(i), eager.item<float>(i), 1e-6);
}

}  // namespace
}  // namespace tf2jax
