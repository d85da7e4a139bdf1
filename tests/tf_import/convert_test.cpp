#include "tf2jax/tf_import/convert.h"

#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/transforms/grad.h"
#include "tf2jax/transforms/jit.h"
#include "tf2jax/transforms/make_jaxpr.h"
#include "tf2jax/transforms/vmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

TEST(Convert, EvaluatesElementwiseGraph) {
  const auto f = import(kVectorX + constant("c", "dtype: DT_FLOAT tensor_shape { } float_val: 2") +
                        node("m", "Mul", {"x", "c:0"}) + node("y", "Sin", {"m"}));
  const Array y = f(array<float>({0, 0.5f, 1}));
  EXPECT_NEAR(y.item<float>(1), std::sin(1.0f), 1e-6);
  EXPECT_NEAR(Array(grad([&](const Array& x) { return sum(f(x)); })(array<float>({0, 0.5f, 1}))).item<float>(2),
              2 * std::cos(2.0f), 1e-5);
}

TEST(Convert, UnneededNodesNeverMatter) {
  const auto f = import(kScalarX + node("bad", "NoSuchOp", {"nowhere"}) + node("y", "Neg", {"x"}));
  EXPECT_EQ(Array(f(3.0f)).item<float>(), -3.0f);
}

TEST(Convert, AnyTensorMayBeAnInput) {
  const auto f =
      import(placeholder("s", "", "DT_STRING") + node("decoded", "DecodeWav", {"s"}) + node("y", "Square", {"decoded"}),
             {"y:0"}, {"decoded:0"});
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 9.0f);
}

TEST(Convert, ShapeArithmeticStaysOnTheHost) {
  const auto f = import(
      placeholder("x", "dim { size: -1 } dim { size: 4 }") + node("s", "Shape", {"x"}) +
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
  const auto text = message_of<UnsupportedOpError>(
      [] { import(kScalarX + node("a", "OddOp", {"x"}) + node("b", "OtherOp", {"a"}) + node("y", "OddOp", {"b"})); });
  EXPECT_THAT(text,
              HasSubstr("2 operations are not supported: 'OddOp' (2 nodes, first 'a'), 'OtherOp' (1 node, first 'b')"));
  EXPECT_THAT(text, HasSubstr("Unsupported operations in graph: ['OddOp', 'OtherOp']"));
}

TEST(Convert, UnknownWritesBehindControlEdgesAreReported) {
  const std::string text = message_of<UnsupportedOpError>(
      [] { import(kScalarX + node("w", "ResourceApplyAdagradDA", {"x"}) + node("y", "Identity", {"x", "^w"})); });
  EXPECT_THAT(text, HasSubstr("'ResourceApplyAdagradDA' (1 node, first 'w')"));
}

TEST(Convert, RegisteredOperationsAreUsed) {
  register_operation("TestScaledSin", [](Node& n) { return Values{sin(n.array(0)) * n.attr<float>("scale")}; });
  const auto f = import(kScalarX + node("y", "TestScaledSin", {"x"}, "attr { key: \"scale\" value { f: 3 } }"));
  EXPECT_NEAR(Array(f(1.0f)).item<float>(), 3 * std::sin(1.0f), 1e-6);
}

TEST(Convert, UnreadAttributesAreErrors) {
  const auto text = message_of<ImportError>(
      [] { import(kScalarX + node("y", "Neg", {"x"}, "attr { key: \"foo\" value { i: 3 } }"))(1.0f); });
  EXPECT_THAT(text, HasSubstr("Unexpected attr(s) when parsing Neg: y\n  `foo=i: 3`"));
}

TEST(Convert, CyclesAreErrors) {
  EXPECT_THAT(message_of<ValueError>([] { import(node("a", "Neg", {"y"}) + node("y", "Neg", {"a"})); }),
              HasSubstr("cycle through node"));
}

TEST(Convert, EndlessCallsAreErrors) {
  const std::string body =
      "node_def { name: \"c\" op: \"PartitionedCall\" input: \"x\" attr { key: \"f\" value { func { name: \"f\" } } } "
      "attr { key: \"Tout\" value { list { type: DT_FLOAT } } } }";
  const auto f =
      import(kScalarX + node("y", "PartitionedCall", {"x"}, "attr { key: \"f\" value { func { name: \"f\" } } }") +
             "library { function { signature { name: \"f\" input_arg { name: \"x\" type: DT_FLOAT } output_arg { name: "
             "\"r\" type: DT_FLOAT } } " +
             body + " ret { key: \"r\" value: \"c:output:0\" } } }");
  EXPECT_THAT(message_of<ValueError>([&] { f(1.0f); }), HasSubstr("called by itself"));
}

TEST(Convert, LongChainsNeedNoStack) {
  std::string text = kScalarX;
  for (int i = 0; i < 20000; ++i)
    text += node(i == 19999 ? "y" : fmt::format("n{}", i), "Identity", {i == 0 ? "x" : fmt::format("n{}", i - 1)});
  EXPECT_EQ(Array(import(text)(2.0f)).item<float>(), 2.0f);
}

// Each node also waits for the one before it, in a graph that has effects.
TEST(Convert, LongChainsOfControlEdgesAreSearchedOnce) {
  std::string text =
      kScalarX +
      node("v", "VariableV2", {},
           "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
      node("n0", "AssignAdd", {"v", "x"});
  for (int i = 1; i < 20000; ++i) {
    const std::string before = fmt::format("n{}", i - 1);
    text += node(i == 19999 ? "y" : fmt::format("n{}", i), "Identity", {before, "^" + before});
  }
  const auto [apply, params] =
      convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "v", array<float>(1.0f), false}}});
  const auto [out, next] = apply(params, 2.5f);
  EXPECT_EQ(out.array().item<float>(), 3.5f);
  EXPECT_EQ(next.at("v").value().item<float>(), 3.5f);
}

TEST(ConvertErrors, NameTheArgument) {
  const auto f = import(kVectorX + node("y", "Neg", {"x"}));
  EXPECT_THAT(message_of<ValueError>([&] { f(ones({4})); }),
              HasSubstr("Found incompatible input shape: (4,), expected (3,) for argument at (0, 0)."));
  EXPECT_THAT(message_of<MissingInputError>([&] { f(); }), HasSubstr("Some input(s) are missing"));
  EXPECT_THAT(message_of<TypeError>([&] { f(ones({3}), kw("z", 1.0f)); }),
              HasSubstr("got an unexpected keyword argument 'z'"));
  EXPECT_THAT(message_of<TypeError>([&] { f(ones({3}), ones({3})); }),
              HasSubstr("too many positional arguments. Got 2"));
  const auto loose = override_config(&Config::strict_shape_check, false);
  EXPECT_EQ(Array(f(ones({4}))).size(), 4);
  const auto strict = override_config(&Config::strict_dtype_check, true);
  EXPECT_THAT(message_of<ValueError>([&] { f(ones({3}, i32)); }),
              HasSubstr("Found incompatible input dtype: int32, expected <dtype: 'float32'>"));
}

TEST(ConvertErrors, NameFileAndTensor) {
  EXPECT_THROW(convert("/nonexistent/model"), IoError);
  EXPECT_THAT(message_of<LookupError>([] { import(kScalarX, {"nope"}); }), HasSubstr("'nope'"));
  EXPECT_THAT(message_of<ValueError>([] { import(kScalarX + node("y", "Neg", {"gone"})); }),
              HasSubstr("'gone' is needed by node 'y'"));
  EXPECT_THAT(message_of<ImportError>([] {
                import(kVectorX + placeholder("b", "dim { size: 2 }") + node("y", "Add", {"x", "b"}))(ones({3}),
                                                                                                      ones({2}));
              }),
              HasSubstr("import 'y' (Add)"));
}

TEST(ConvertVariables, ThreadThroughAsParams) {
  const std::string text =
      kScalarX +
      node("v", "VarHandleOp", {},
           "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
      node("r", "ReadVariableOp", {"v"}) + node("y", "Mul", {"x", "r"});
  const auto f =
      convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "scale", array<float>(3.0f), true}}});
  EXPECT_EQ(Array(f(2.0f)).item<float>(), 6.0f);
  const auto [apply, params] = f;
  EXPECT_TRUE(params.at("scale").trainable());
  const auto g = grad([&apply = apply](const Variables& p, const Array& x) { return apply(p, x).first.array(); })(
      params, Array(2.0f));
  EXPECT_EQ(g.at("scale").value().item<float>(), 2.0f);
  EXPECT_THAT(message_of<ValueError>([&apply = apply] { apply(Variables(), 2.0f); }),
              HasSubstr("Some parameters are missing, ['scale']."));
  EXPECT_THAT(message_of<ValueError>([&] {
                convert_functional(Graph::parse_text(text),
                                   {.outputs = {"y"}, .captures = {{"v", "scale", array<float>(3.0f), true}}});
              }),
              HasSubstr("Expected function to have no captured variables"));
}

TEST(ConvertVariables, AssignmentsComeBackAsNewParams) {
  const std::string text =
      kScalarX +
      node("v", "VariableV2", {},
           "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
      node("y", "AssignAdd", {"v", "x"});
  const auto [apply, params] =
      convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "counter", array<float>(1.0f), false}}});
  const auto [out, next] = apply(params, 2.5f);
  EXPECT_EQ(out.array().item<float>(), 3.5f);
  EXPECT_EQ(next.at("counter").value().item<float>(), 3.5f);
  EXPECT_EQ(params.at("counter").value().item<float>(), 1.0f);
}

TEST(Convert, Tf1LoopsAreReportedByTheirOperations) {
  const auto text = message_of<UnsupportedOpError>([] {
    import(kScalarX + node("e", "Enter", {"x"}) + node("m", "Merge", {"e", "n"}) + node("s", "Switch", {"m", "m"}) +
           node("n", "NextIteration", {"s:1"}) + node("y", "Exit", {"s"}));
  });
  EXPECT_THAT(text, HasSubstr("'Enter'"));
}

// f(x, options={"scale": …}, *, shift=0.5) -> (y, None) of a graph whose placeholders are x, s and b.
TEST(Convert, PlainGraphsMayHaveAStructure) {
  GraphBuilder g;
  const auto x = g.placeholder("x", f32, {2}), scale = g.placeholder("s", f32, Dims{}),
             shift = g.placeholder("b", f32, Dims{});
  g.node("AddV2", "y", {g.node("Mul", "m", {x, scale}, f32), shift}, f32);
  const auto tensor = [](const std::string& name) {
    StructuredValue v;
    v.kind = StructuredValue::Kind::tensor;
    v.tensor.name = name;
    return v;
  };
  const auto of = [](StructuredValue::Kind kind, std::vector<StructuredItem> items) {
    StructuredValue v;
    v.kind = kind;
    v.items = std::move(items);
    return v;
  };
  using Kind = StructuredValue::Kind;
  Signature signature;
  signature.name = "f";
  signature.parameters = {"x", "options", "shift"};
  signature.keyword_only = 1;
  signature.defaults["shift"].kind = Kind::real;
  signature.defaults["shift"].real = 0.5;
  signature.inputs =
      of(Kind::tuple, {{"", of(Kind::tuple, {{"", tensor("x")}, {"", of(Kind::dict, {{"scale", tensor("s")}})}})},
                       {"", of(Kind::dict, {{"shift", tensor("b")}})}});
  signature.outputs = of(Kind::tuple, {{"", tensor("y")}, {"", StructuredValue{}}});
  const auto f = convert(g.graph(), {.structure = signature});
  const std::map<std::string, Array> options{{"scale", Array(3.f)}};
  const Tree out = f(array<float>({1, 2}), options);
  expect_close(out.list().at(0).array(), {3.5f, 6.5f});
  EXPECT_EQ(out.list().at(1).kind(), Tree::Kind::none);
  expect_close(f(array<float>({1, 2}), options, kw("shift", Array(1.f))).list().at(0).array(), {4, 7});
  EXPECT_EQ(f.structured_inputs().tensors().at(0).dtype, f32);  // the placeholder's
  EXPECT_THROW(f(array<float>({1, 2})), MissingInputError);
  EXPECT_THROW(convert(g.graph(), {.outputs = {"y"}, .structure = signature}), ValueError);
  signature.inputs.items.pop_back();
  EXPECT_THROW(convert(g.graph(), {.structure = signature}), ValueError);
}

// A default is known where a program is traced: an axis must be.
TEST(Convert, DefaultsAreKnownInPrograms) {
  GraphBuilder g;
  const auto x = g.placeholder("x", f32, {2, 3}), axis = g.placeholder("axis", i32, Dims{});
  g.node("Sum", "y", {x, axis}, {{"T", f32}, {"Tidx", i32}});
  const auto f = convert(g.graph(), {.inputs = {"x", "axis"}, .outputs = {"y"}});
  Signature signature = f.signature();
  signature.defaults["axis"].kind = StructuredValue::Kind::integer;
  signature.defaults["axis"].integer = 1;
  const auto with_default = convert(g.graph(), {.structure = signature});
  const auto call = [&](const Array& v) { return with_default(v).array(); };
  expect_close(jit(call)(array<float>({{1, 2, 3}, {4, 5, 6}})), {6, 15});
}

TEST(Convert, OpByOpGivesTheSame) {
  const auto graph = Graph::parse_text(kVectorX + node("e", "Softmax", {"x"}) + node("y", "Log", {"e"}));
  const Array x = array<float>({1, 2, 3});
  const Array compiled = convert(graph, {.outputs = {"y"}})(x),
              eager = convert(graph, {.outputs = {"y"}, .jit = false})(x);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(compiled.item<float>(i), eager.item<float>(i), 1e-6);
}

}  // namespace
}  // namespace tf2jax
