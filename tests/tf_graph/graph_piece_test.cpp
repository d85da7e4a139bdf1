// Nodes on their way into functions.
#include <gtest/gtest.h>
#include <tf2jax/tf_graph/graph.h>

#include "tf2jax/tf_graph/internal/graph_piece.h"

namespace tf2jax {
namespace {

using detail::FunctionMaker;
using detail::GraphPiece;
using detail::InputRef;

GraphPiece piece(const std::string& text) {
  const Graph graph = Graph::parse_text(text);
  GraphPiece out;
  for (const auto& node : graph.proto().node()) out.nodes[node.name()] = node;
  return out;
}
const char* const kChain = R"(
  node { name: "x" op: "Placeholder" }
  node { name: "s" op: "Split" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "i" op: "Identity" input: "s:1" }
  node { name: "j" op: "Identity" input: "i" }
  node { name: "a" op: "Mul" input: "j" input: "outside:2" input: "^x" })";

TEST(InputRef, IsReadAndWritten) {
  const InputRef first = InputRef::parse("n"), second = InputRef::parse("n:1"), in_function = InputRef::parse("n:y:3"),
                 control = InputRef::parse("^n");
  EXPECT_EQ(first.output, 0);
  EXPECT_EQ(second.output, 1);
  EXPECT_EQ(in_function.node, "n");
  EXPECT_EQ(in_function.output, 3);
  EXPECT_TRUE(control.is_control);
  EXPECT_EQ(control.node, "n");
  EXPECT_EQ(first.text(), "n");
  EXPECT_EQ(second.text(), "n:1");
  EXPECT_EQ(control.text(), "^n");
}

TEST(GraphPiece, OrdersNodesAfterWhatTheyRead) {
  EXPECT_EQ(piece(kChain).in_order(), (std::vector<std::string>{"x", "s", "i", "j", "a"}));
  const auto loop = piece(R"(
    node { name: "a" op: "Merge" input: "z" }
    node { name: "z" op: "NextIteration" input: "a" })");
  EXPECT_EQ(loop.in_order(), (std::vector<std::string>{"a", "z"}));
  EXPECT_TRUE(GraphPiece{}.in_order().empty());
}

TEST(GraphPiece, KeepsNodesOfOtherCycles) {
  const auto order = piece(R"(node { name: "b" op: "Neg" input: "a" } node { name: "a" op: "Neg" input: "b" }
                              node { name: "c" op: "NoOp" })")
                         .in_order();
  EXPECT_EQ(order, (std::vector<std::string>{"c", "a", "b"}));
}

TEST(GraphPiece, FindsTensorsBehindIdentities) {
  const auto p = piece(kChain);
  EXPECT_EQ(p.origin(InputRef::parse("j")).text(), "s:1");
  EXPECT_EQ(p.origin(InputRef::parse("x")).text(), "x");
  EXPECT_EQ(p.origin(InputRef::parse("outside:2")).text(), "outside:2");
  EXPECT_TRUE(p.is("s", "Split"));
  EXPECT_FALSE(p.is("t", "Split"));
  EXPECT_EQ(p.find("t"), nullptr);
}

TEST(GraphPiece, NamesThatNoNodeHas) {
  const auto p = piece(R"(node { name: "n" op: "NoOp" } node { name: "n_1" op: "NoOp" })");
  EXPECT_EQ(p.fresh("m"), "m");
  EXPECT_EQ(p.fresh("n"), "n_2");
}

TEST(FunctionMaker, TakesWhatATensorNeeds) {
  const auto p = piece(kChain);
  FunctionMaker maker(p);
  const auto stop = [](const InputRef& ref) -> FunctionMaker::Stop {
    if (ref.node == "outside" || ref.node == "s") return {true, ref.text()};
    return {};
  };
  const std::string result = maker.add("a", stop);
  EXPECT_EQ(maker.arguments().size(), 2u);
  const auto f = maker.finish("f", {"outside:2", "unused", "s:1"}, {result});
  EXPECT_EQ(f.signature().name(), "f");
  EXPECT_EQ(f.signature().input_arg_size(), 3);
  ASSERT_EQ(f.node_def_size(), 4);  // i, j, a and what its control edge waits for; not the split
  for (const auto& node : f.node_def()) {
    if (node.name() == "i") {
      EXPECT_EQ(node.input(0), f.signature().input_arg(2).name());
    }
    if (node.name() == "a") {
      ASSERT_EQ(node.input_size(), 3);
      EXPECT_EQ(node.input(0), "j");
      EXPECT_EQ(node.input(2), "^x");
      EXPECT_EQ(node.input(1), f.signature().input_arg(0).name());
    }
  }
  EXPECT_EQ(f.ret().at(f.signature().output_arg(0).name()), "a");
}

TEST(FunctionMaker, ArgumentsHaveNamesOfTheirOwn) {
  const auto p = piece(R"(
    node { name: "x0" op: "Neg" input: "outside" }
    node { name: "argument_0" op: "Neg" input: "x0" })");
  FunctionMaker maker(p);
  const std::string result = maker.add(
      "argument_0", [](const InputRef& ref) -> FunctionMaker::Stop { return {ref.node == "outside", ref.text()}; });
  const auto f = maker.finish("f", {"outside"}, {result});
  const std::string argument = f.signature().input_arg(0).name();
  EXPECT_EQ(f.ret().at(f.signature().output_arg(0).name()), "argument_0");
  for (const auto& node : f.node_def()) {
    EXPECT_NE(node.name(), argument);
    EXPECT_EQ(node.input(0), node.name() == "x0" ? argument : "x0");
  }
}

TEST(FunctionMaker, TheSameSourceIsOneArgument) {
  const GraphPiece p;
  FunctionMaker maker(p);
  EXPECT_EQ(maker.argument("a"), maker.argument("a"));
  EXPECT_NE(maker.argument("a"), maker.argument("b"));
  EXPECT_EQ(maker.arguments(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tf2jax
