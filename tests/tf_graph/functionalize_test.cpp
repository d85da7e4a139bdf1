// Graphs with the control flow of TF1 as graphs with While and If.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_graph/functionalize.h>

#include "../support.h"
#include "../tf_import/text_graph.h"

namespace tf2jax {
namespace {

const std::string kType = R"(attr { key: "T" value { type: DT_FLOAT } })";
const std::string kChoice = kScalarX + placeholder("p", "", "DT_BOOL") + node("s", "Switch", {"x", "p"}, kType) +
                            node("a", "Neg", {"s:1"}, kType) + node("b", "Square", {"s"}, kType) +
                            node("m", "Merge", {"a", "b"}, kType) + node("y", "Neg", {"m"}, kType);

TEST(Functionalize, LeavesOtherGraphsAsTheyAre) {
  const Graph g = Graph::parse_text(kScalarX + node("y", "Neg", {"x"}, kType));
  EXPECT_EQ(functionalize(g).serialize(), g.serialize());
}

TEST(Functionalize, NothingOfTheOldControlFlowIsLeft) {
  const Graph g = functionalize(Graph::parse_text(kChoice));
  const auto counts = g.op_counts();
  EXPECT_FALSE(counts.contains("Switch"));
  EXPECT_FALSE(counts.contains("Merge"));
  EXPECT_EQ(counts.at("If"), 1);
  EXPECT_EQ(counts.at("Placeholder"), 2);
  EXPECT_EQ(g.functions().size(), 2u);
}

TEST(Functionalize, ResultsKeepTheirNames) {
  for (const std::string name : {"m", "y"}) {
    const auto f = import_flat(kChoice, {name}, {"x", "p"});
    const float sign = name == "y" ? -1 : 1;
    EXPECT_EQ(f({Array(3.f), Array(true)})[0].item<float>(), sign * -3);
    EXPECT_EQ(f({Array(3.f), Array(false)})[0].item<float>(), sign * 9);
  }
}

TEST(Functionalize, NodesOfOneNameAreRefused) {
  const std::string twice = node("m", "Merge", {"x", "x"}) + node("m", "Merge", {"x", "x"});
  expect_error<ValueError>([&] { functionalize(Graph::parse_text(twice)); }, "two nodes are named 'm'");
}

TEST(Functionalize, OtherFormsStay) {
  // A merge of what no switch let through.
  const Graph g = Graph::parse_text(kScalarX + node("m", "Merge", {"x", "x"}, kType));
  EXPECT_EQ(functionalize(g).op_counts().at("Merge"), 1);
}

}  // namespace
}  // namespace tf2jax
