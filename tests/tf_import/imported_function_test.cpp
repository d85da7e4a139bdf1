// Staging once for each kind of argument, with variables and configuration.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(ImportedFunction, IsStagedForEachTypeOfItsArguments) {
  int calls = 0;
  replace_operation("ImportedTestCounted", [&calls](Node& n) {
    ++calls;
    return Values{n.array(0) + 1.f};
  });
  const auto f = import(placeholder("x", "dim { size: -1 }") + node("y", "ImportedTestCounted", {"x"}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Array(f(ones({2}))).to_vector<float>(), (Floats{2, 2}));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Array(f(ones({3}))).size(), 3);
  EXPECT_EQ(calls, 2);
  f(ones({2}));
  EXPECT_EQ(calls, 2);
}

TEST(ImportedFunction, TracedArgumentsEvaluateItUnderTheTransform) {
  const auto f = import(kVectorX + node("y", "Square", {"x"}));
  const Array x = array<float>({1, 2, 3});
  EXPECT_EQ(grad([&](const Array& v) { return sum(Array(f(v))); })(x).to_vector<float>(), (Floats{2, 4, 6}));
  EXPECT_EQ(vmap([&](const Array& v) { return Array(f(v)); })(stack({x, x})).to_vector<float>(),
            (Floats{1, 4, 9, 1, 4, 9}));
  EXPECT_EQ(jit([&](const Array& v) { return Array(f(v)); })(x).to_vector<float>(), (Floats{1, 4, 9}));
}

TEST(ImportedFunction, KnownIntegersStayKnownBesideTracedArguments) {
  const auto f = import(placeholder("x", "dim { size: 5 }") + placeholder("n", "dim { size: 1 }", "DT_INT32") +
                            constant("zero", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0") +
                            constant("one", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1") +
                            node("more", "AddV2", {"n", "one"}) + node("s", "Slice", {"x", "zero", "more"}) +
                            node("y", "Square", {"s"}),
                        {"y"}, {"x", "n"});
  const Array x = array<float>({1, 2, 3, 4, 5}), n = array<std::int32_t>({2});
  EXPECT_EQ(f(x, n).array().to_vector<float>(), (Floats{1, 4, 9}));
  const auto loss = [&](const Array& v) { return sum(f(v, n).array()); };
  EXPECT_EQ(jit(grad(loss))(x).to_vector<float>(), (Floats{2, 4, 6, 0, 0}));
  EXPECT_EQ(vmap(loss)(stack({x, x})).to_vector<float>(), (Floats{14, 14}));
}

TEST(ImportedFunction, ParamsMayBeReplacedAndDifferentiated) {
  const std::string text =
      kScalarX +
      node("v", "VarHandleOp", {},
           "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
      node("r", "ReadVariableOp", {"v"}) + node("y", "Mul", {"x", "r"});
  const auto [apply, params] =
      convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "v", array<float>(3.0f), true}}});
  Variables other = params;
  other.set(Variable("v", array<float>(10.0f)));
  EXPECT_EQ(apply(other, 2.0f).first.array().item<float>(), 20);
  EXPECT_EQ(apply(params, 2.0f).first.array().item<float>(), 6);
}

TEST(ImportedFunction, NumbersOfOtherKindsAreConverted) {
  const auto f = import(kScalarX + node("y", "Neg", {"x"}));
  EXPECT_EQ(Array(f(2)).dtype(), f32);
  EXPECT_EQ(Array(f(array<float>(2.5f))).item<float>(), -2.5f);
}

// ---- strings

const std::string kText = placeholder("t", "dim { size: -1 }", "DT_STRING");
// How long each text is, times x.
const std::string kScaledLength = kText + kScalarX + node("n", "StringLength", {"t"}) +
                                  node("f", "Cast", {"n"},
                                       "attr { key: \"SrcT\" value { type: DT_INT32 } } "
                                       "attr { key: \"DstT\" value { type: DT_FLOAT } }") +
                                  node("y", "Mul", {"f", "x"});

TEST(ImportedFunction, TakesStringsBesideArrays) {
  const auto f = import(kScaledLength, {"y"}, {"t", "x"});
  EXPECT_EQ(f(strings({"ab", ""}), 2.f).array().to_vector<float>(), (Floats{4, 0}));
  EXPECT_EQ(f(strings({"abc"}), 2.f).array().to_vector<float>(), Floats{6});
  EXPECT_EQ(f(kw("x", 3.f), kw("t", strings({"a"}))).array().to_vector<float>(), Floats{3});
}

TEST(ImportedFunction, StringsAreConstantsOfTransforms) {
  const auto f = import(kScaledLength, {"y"}, {"t", "x"});
  const StringTensor texts = strings({"ab", "abc"});
  const auto total = [&](const Array& x) { return sum(f(texts, x).array() * x); };
  EXPECT_EQ(grad(total)(Array(2.f)).item<float>(), 20);
  EXPECT_EQ(jit(grad(total))(Array(2.f)).item<float>(), 20);
  EXPECT_EQ(vmap(total)(array<float>({1, 2})).to_vector<float>(), (Floats{5, 20}));
}

TEST(ImportedFunction, ReturnsStrings) {
  const auto f =
      import(kText + kScalarX + node("y", "StringUpper", {"t"}) + node("z", "Neg", {"x"}), {"y", "z"}, {"t", "x"});
  const Tree out = f(strings({"ab"}), 1.f);
  EXPECT_EQ(out["y"].strings(), strings({"AB"}));
  EXPECT_EQ(out["z"].array().item<float>(), -1);
  EXPECT_EQ(f.output("y")(strings({"c"}), 1.f).strings(), strings({"C"}));
}

TEST(ImportedFunction, ReturnsStringsThatItHolds) {
  const std::string label = constant("y", "dtype: DT_STRING tensor_shape { } string_val: \"label\"");
  const auto f = import(kScalarX + label + node("z", "Neg", {"x"}), {"y", "z"}, {"x"});
  for (int i = 0; i < 2; ++i) {
    const Tree out = f(static_cast<float>(i));
    EXPECT_EQ(out["y"].strings().values[0], "label");
    EXPECT_EQ(out["z"].array().item<float>(), -static_cast<float>(i));
  }
}

TEST(ImportedFunction, RefusesOtherKindsOfArguments) {
  const auto f = import(kScaledLength, {"y"}, {"t", "x"});
  expect_error<MissingInputError>([&] { f(kw("x", 1.f)); }, "\"t\": \"string[?]\"");
  expect_error<TypeError>([&] { f(ones({2}), 1.f); }, "Found numbers for argument at (0, 0), 't'");
  expect_error<TypeError>([&] { f(strings({"a"}), strings({"b"})); }, "Found strings for argument at (0, 1), 'x'");
  expect_error<ValueError>([&] { f("a", 1.f); }, "incompatible input shape: (), expected (None,)");
  expect_error<ShapeError>([&] { f(StringTensor{{3}, {"a"}}, 1.f); }, "do not fill their shape. Got 1 for string[3]");
}

}  // namespace
}  // namespace tf2jax
