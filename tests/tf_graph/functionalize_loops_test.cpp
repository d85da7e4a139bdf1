// Frames of TF1 loops as While: values by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_graph/functionalize.h>

#include "../tf_import/text_graph.h"

namespace tf2jax {
namespace {

const std::string kFloat = R"(attr { key: "T" value { type: DT_FLOAT } })",
                  kInt = R"(attr { key: "T" value { type: DT_INT32 } })";
std::string frame(const std::string& name) { return R"(attr { key: "frame_name" value { s: ")" + name + R"(" } })"; }
std::string integer(const std::string& name, int value) {
  return constant(name, "dtype: DT_INT32 tensor_shape { } int_val: " + std::to_string(value));
}
// for (i = 0; i < steps; ++i) x = x + v, where v does not change.
std::string loop(int steps) {
  return placeholder("x", "") + placeholder("v", "") + integer("zero", 0) + integer("one", 1) +
         integer("steps", steps) + node("ei", "Enter", {"zero"}, kInt + frame("f")) +
         node("ex", "Enter", {"x"}, kFloat + frame("f")) + node("ev", "Enter", {"v"}, kFloat + frame("f")) +
         node("es", "Enter", {"steps"}, kInt + frame("f")) + node("e1", "Enter", {"one"}, kInt + frame("f")) +
         node("mi", "Merge", {"ei", "ni"}, kInt) + node("mx", "Merge", {"ex", "nx"}, kFloat) +
         node("less", "Less", {"mi", "es"}, kInt) + node("c", "LoopCond", {"less"}) +
         node("si", "Switch", {"mi", "c"}, kInt) + node("sx", "Switch", {"mx", "c"}, kFloat) +
         node("i1", "AddV2", {"si:1", "e1"}, kInt) + node("x1", "AddV2", {"sx:1", "ev"}, kFloat) +
         node("ni", "NextIteration", {"i1"}, kInt) + node("nx", "NextIteration", {"x1"}, kFloat) +
         node("i", "Exit", {"si"}, kInt) + node("y", "Exit", {"sx"}, kFloat);
}

TEST(FunctionalizeLoops, CountTheirSteps) {
  for (const int steps : {0, 1, 4}) {
    const auto out = import_flat(loop(steps), {"y", "i"}, {"x", "v"})({Array(2.f), Array(10.f)});
    EXPECT_EQ(out[0].item<float>(), 2 + 10 * static_cast<float>(steps));
    EXPECT_EQ(out[1].item<int>(), steps);
  }
}

TEST(FunctionalizeLoops, BecomeWhileWithTwoFunctions) {
  const Graph g = functionalize(Graph::parse_text(loop(3)));
  const auto counts = g.op_counts();
  EXPECT_EQ(counts.at("While"), 1);
  for (const char* old : {"Enter", "Exit", "Merge", "Switch", "NextIteration", "LoopCond"})
    EXPECT_FALSE(counts.contains(old)) << old;
  EXPECT_EQ(g.functions().size(), 2u);
}

TEST(FunctionalizeLoops, AreDifferentiatedForwards) {
  // dy/dv = steps.
  const auto f = import_flat(loop(4), {"y"}, {"x", "v"});
  const auto [y, dy] =
      jvp([&](const Array& v) { return f({Array(2.f), v})[0]; }, std::tuple(Array(10.f)), std::tuple(Array(1.f)));
  EXPECT_EQ(y.item<float>(), 42);
  EXPECT_EQ(dy.item<float>(), 4);
}

TEST(FunctionalizeLoops, LoopsWithoutAConditionStay) {
  const std::string text = kScalarX + node("e", "Enter", {"x"}, kFloat + frame("f")) +
                           node("m", "Merge", {"e", "n"}, kFloat) + node("n", "NextIteration", {"m"}, kFloat);
  EXPECT_EQ(functionalize(Graph::parse_text(text)).op_counts().at("NextIteration"), 1);
}

}  // namespace
}  // namespace tf2jax
