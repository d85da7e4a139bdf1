// Nodes by name, references to tensors, and the order of evaluation.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/internal/scope.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using namespace tf_import;

const PlanQueries kNothing{[](const auto& n) { return n.op() == "Write"; },
                           [](const auto&) { return std::vector<std::string>(); }};
std::string order(const Scope& s, const Plan& p) {
  std::string text;
  for (const PlanStep& step : p.steps) text += s.node(step.node).name();
  return text;
}

TEST(Scope, ReferencesOfEveryForm) {
  const FunctionLibrary library(Graph::parse_text(node("a", "TopKV2", {}) + node("b", "Neg", {"a"})));
  const Scope s(library);
  EXPECT_EQ(s.size(), 2u);
  EXPECT_EQ(s.find("b"), 1);
  EXPECT_EQ(s.find("c"), -1);
  EXPECT_EQ(s.resolve("a", "test"), (TensorRef{0, 0}));
  EXPECT_EQ(s.resolve("a:1", "test"), (TensorRef{0, 1}));
  EXPECT_EQ(s.resolve("a:indices:0", "test"), (TensorRef{0, 1}));
  for (const char* bad : {"c", "a:", "a:x", "a:-1", "a:99999999999", "a:indices:x"})
    EXPECT_THROW(s.resolve(bad, "test"), ValueError) << bad;
}

TEST(Scope, ArgumentsOfFunctionsComeBeforeNodes) {
  const FunctionLibrary library(
      Graph::parse_text("library { function { signature { name: \"f\" input_arg { name: \"p\" type: DT_FLOAT } "
                        "input_arg { name: \"q\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } "
                        "node_def { name: \"n\" op: \"Neg\" input: \"q\" } ret { key: \"r\" value: \"n:y:0\" } } }"));
  const Scope s(library, *library.find("f"));
  EXPECT_EQ(s.num_arguments(), 2u);
  EXPECT_EQ(s.resolve("q", "test"), (TensorRef{-2, 0}));
  EXPECT_EQ(s.returns(), (std::vector<TensorRef>{{0, 0}}));
}

TEST(MakePlan, TakesWhatOutputsNeedInOrder) {
  const FunctionLibrary library(Graph::parse_text(node("d", "Add", {"b", "c"}) + node("b", "Neg", {"a"}) +
                                                  node("c", "Neg", {"a"}) + node("a", "Const", {}) +
                                                  node("e", "Neg", {"d"})));
  const Scope s(library);
  const std::string all = order(s, make_plan(s, {s.resolve("d", "test")}, {}, kNothing));
  EXPECT_TRUE(all == "abcd" || all == "acbd") << all;
  EXPECT_EQ(order(s, make_plan(s, {s.resolve("d", "test")}, {{s.resolve("b", "test"), 0}, {s.resolve("c", "test"), 1}},
                               kNothing)),
            "d");
  EXPECT_EQ(order(s, make_plan(s, {}, {}, kNothing)), "");
}

TEST(MakePlan, EffectsBehindControlEdgesAreDone) {
  const FunctionLibrary library(Graph::parse_text(node("a", "Const", {}) + node("w", "Write", {"a"}) +
                                                  node("m", "NoOp", {"^w"}) + node("y", "Neg", {"a", "^m"})));
  const Scope s(library);
  EXPECT_EQ(order(s, make_plan(s, {s.resolve("y", "test")}, {}, kNothing)), "awy");
}

// "w" changes what "r" reads, and takes nothing of it; "n" is needed by nothing.
TEST(MakePlan, ReadsBeforeAnEffectAreDoneBeforeIt) {
  const FunctionLibrary library(Graph::parse_text(node("a", "Const", {}) + node("r", "Read", {}) +
                                                  node("n", "Neg", {"^r"}) + node("w", "Write", {"a", "^n"}) +
                                                  node("y", "Add", {"w", "r"})));
  const Scope s(library);
  EXPECT_EQ(order(s, make_plan(s, {s.resolve("y", "test")}, {}, kNothing)), "rawy");
}

TEST(MakePlan, CyclesAndDuplicatesAreRefused) {
  const FunctionLibrary library(Graph::parse_text(node("a", "Neg", {"b"}) + node("b", "Neg", {"a"})));
  const Scope s(library);
  expect_error<ValueError>([&] { make_plan(s, {s.resolve("a", "test")}, {}, kNothing); }, "cycle through node");
  const FunctionLibrary twice(Graph::parse_text(node("a", "Const", {}) + node("a", "Const", {})));
  expect_error<ValueError>([&] { Scope{twice}; }, "two nodes are named 'a'");
}

TEST(CalledFunctions, AreThoseOfAttributesAndOfTheOperation) {
  const Graph g = Graph::parse_text(node("y", "If", {},
                                         "attr { key: \"then_branch\" value { func { name: \"t\" } } } attr { key: "
                                         "\"_gradient\" value { func { name: \"hidden\" } } }"));
  const FunctionLibrary library(g);
  EXPECT_EQ(called_functions(library, g.proto().node(0)), std::vector<std::string>{"t"});
}

}  // namespace
}  // namespace tf2jax
