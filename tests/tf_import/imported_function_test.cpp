// Staging once for each kind of argument, with variables and configuration.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(ImportedFunction, IsStagedForEachTypeOfItsArguments) {
  int calls = 0;
  register_operation("ImportedTestCounted", [&calls](Node& n) {
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

}  // namespace
}  // namespace tf2jax
