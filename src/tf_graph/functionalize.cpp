// TF1 control flow as functional operations.
#include "tf2jax/tf_graph/functionalize.h"

#include <algorithm>

#include "tf2jax/tf_graph/internal/graph_piece.h"

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

// How many inputs name each node.
std::map<std::string, std::int64_t> uses_of(const GraphPiece& piece) {
  std::map<std::string, std::int64_t> uses;
  for (const auto& [name, node] : piece.nodes) {
    uses.try_emplace(name, 0);
    for (const auto& text : node.input()) ++uses[InputRef::parse(text).node];
  }
  return uses;
}

// What only the old control flow read would count as results of the graph. `before`: the uses that there were.
void remove_leftovers(GraphPiece& piece, const std::map<std::string, std::int64_t>& before) {
  auto uses = uses_of(piece);
  const auto is_left = [&](const std::string& name) {
    const auto old = before.find(name);
    return piece.find(name) && uses[name] == 0 && old != before.end() && old->second > 0;
  };
  std::vector<std::string> left;
  for (const auto& [name, node] : piece.nodes)
    if (is_left(name)) left.push_back(name);
  while (!left.empty()) {
    const auto node = piece.nodes.extract(left.back());
    left.pop_back();
    if (node.empty()) continue;
    for (const auto& text : node.mapped().input()) {
      const std::string from = InputRef::parse(text).node;
      if (--uses[from] == 0 && is_left(from)) left.push_back(from);
    }
  }
}

// Files may have nodes without what their operation reads.
void check_inputs(const tf::NodeDef& node) {
  static const std::map<std::string_view, int> kInputs{
      {"Switch", 2}, {"Merge", 1}, {"Enter", 1}, {"Exit", 1}, {"NextIteration", 1}, {"LoopCond", 1}, {"_SwitchN", 2}};
  std::string_view op = node.op();
  if (op.starts_with("Ref")) op.remove_prefix(3);
  const auto row = kInputs.find(op);
  if (row == kInputs.end()) return;
  int given = 0;
  while (given < node.input_size() && !node.input(given).starts_with('^')) ++given;
  check(given >= row->second, "functionalize: node '{}' ({}) has {} inputs; expected at least {}.", node.name(),
        node.op(), given, row->second);
}

}  // namespace

Graph functionalize(const Graph& graph) {
  const auto& old = graph.proto();
  const auto is_merge = [](const tf::NodeDef& n) { return n.op() == "Merge" || n.op() == "RefMerge"; };
  if (std::ranges::none_of(old.node(), is_merge)) return graph;
  GraphPiece piece;
  for (const auto& node : old.node()) {
    check_inputs(node);
    const bool fresh = piece.nodes.emplace(node.name(), node).second;
    check(fresh, "{}: two nodes are named '{}'.", graph.source(), node.name());
  }
  const auto before = uses_of(piece);
  auto proto = std::make_shared<tf::GraphDef>(old);
  const bool loops = functionalize_loops(piece, *proto->mutable_library());
  const bool conditions = functionalize_conditions(piece, *proto->mutable_library());
  if (!loops && !conditions) return graph;
  remove_leftovers(piece, before);
  proto->clear_node();
  for (const auto& name : piece.in_order()) *proto->add_node() = piece.nodes.at(name);
  return Graph(std::move(proto), graph.source());
}

}  // namespace tf2jax
