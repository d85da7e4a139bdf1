// TF1 control flow as functional operations.
#include "tf2jax/tf_graph/functionalize.h"

#include <algorithm>
#include <optional>

#include "tf2jax/tf_graph/function_library.h"
#include "tf2jax/tf_graph/internal/graph_piece.h"

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

// How many inputs, and results of a function, name each node.
std::map<std::string, std::int64_t> uses_of(const GraphPiece& piece, const std::vector<std::string>& results) {
  std::map<std::string, std::int64_t> uses;
  for (const auto& text : results) ++uses[InputRef::parse(text).node];
  for (const auto& [name, node] : piece.nodes) {
    uses.try_emplace(name, 0);
    for (const auto& text : node.input()) ++uses[InputRef::parse(text).node];
  }
  return uses;
}

// What only the old control flow read would count as results of the graph. `before`: the uses that there were.
void remove_leftovers(GraphPiece& piece, const std::map<std::string, std::int64_t>& before,
                      const std::vector<std::string>& results) {
  auto uses = uses_of(piece, results);
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

bool is_merge(const tf::NodeDef& n) { return n.op() == "Merge" || n.op() == "RefMerge"; }

void add_node(GraphPiece& piece, tf::NodeDef node, std::string_view where) {
  check_inputs(node);
  const std::string name = node.name();
  const bool fresh = piece.nodes.emplace(name, std::move(node)).second;
  check(fresh, "{}: two nodes are named '{}'.", where, name);
}

// The nodes without TF1's control flow; whether there was any. `results` are tensors that stay.
bool replace_control_flow(GraphPiece& piece, tf::FunctionDefLibrary& library, const std::vector<std::string>& results) {
  const auto before = uses_of(piece, results);
  const bool loops = functionalize_loops(piece, library), conditions = functionalize_conditions(piece, library);
  if (loops || conditions) remove_leftovers(piece, before, results);
  return loops || conditions;
}

// "node:output:1" of a function as "node:2", which says the same and needs no names of outputs.
std::string flat_reference(const FunctionLibrary& library, const GraphPiece& piece, const std::string& text) {
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return text;
  const tf::NodeDef* node = piece.find(text.substr(0, first));
  if (!node) return text;
  const auto range = library.output(*node, std::string_view(text).substr(first + 1, second - first - 1));
  return InputRef{node->name(), static_cast<int>(range.start) + InputRef::parse(text).output, false}.text();
}

// The body of a function without TF1's control flow: TensorFlow lowers that of bodies too.
void functionalize_body(const FunctionLibrary& library, tf::FunctionDef& f, tf::FunctionDefLibrary& functions) {
  GraphPiece piece;
  for (const auto& node : f.node_def()) add_node(piece, node, f.signature().name());
  std::vector<std::string> results;
  for (auto& [name, node] : piece.nodes)
    for (auto& input : *node.mutable_input()) input = flat_reference(library, piece, input);
  for (auto& [output, tensor] : *f.mutable_ret()) {
    tensor = flat_reference(library, piece, tensor);
    results.push_back(tensor);
  }
  for (const auto& [output, node] : f.control_ret()) results.push_back(node);
  if (!replace_control_flow(piece, functions, results)) return;
  f.clear_node_def();
  for (const auto& name : piece.in_order()) *f.add_node_def() = piece.nodes.at(name);
}

}  // namespace

Graph functionalize(const Graph& graph) {
  const auto& old = graph.proto();
  const bool in_main = std::ranges::any_of(old.node(), is_merge);
  const auto has_merge = [](const tf::FunctionDef& f) { return std::ranges::any_of(f.node_def(), is_merge); };
  if (!in_main && std::ranges::none_of(old.library().function(), has_merge)) return graph;
  auto proto = std::make_shared<tf::GraphDef>(old);
  tf::FunctionDefLibrary& functions = *proto->mutable_library();
  std::optional<FunctionLibrary> library;
  for (int i = 0; i < old.library().function_size(); ++i) {
    if (!has_merge(old.library().function(i))) continue;
    if (!library) library.emplace(graph);
    tf::FunctionDef body = old.library().function(i);
    functionalize_body(*library, body, functions);
    *functions.mutable_function(i) = std::move(body);
  }
  if (in_main) {
    GraphPiece piece;
    for (const auto& node : old.node()) add_node(piece, node, graph.source());
    if (replace_control_flow(piece, functions, {})) {
      proto->clear_node();
      for (const auto& name : piece.in_order()) *proto->add_node() = piece.nodes.at(name);
    }
  }
  return Graph(std::move(proto), graph.source());
}

}  // namespace tf2jax
