// Nodes on their way into functions.
#include "tf2jax/tf_graph/internal/graph_piece.h"

#include <algorithm>
#include <charconv>
#include <deque>

namespace tf2jax::detail {

namespace tf = tensorflow;

InputRef InputRef::parse(std::string_view text) {
  if (text.starts_with('^')) return {std::string(text.substr(1)), -1, true};
  const auto colon = text.find(':');
  InputRef ref{std::string(text.substr(0, colon)), 0, false};
  if (colon == std::string_view::npos) return ref;
  const auto digits = text.substr(text.rfind(':') + 1);  // in functions "node:output:0", of single outputs
  std::from_chars(digits.data(), digits.data() + digits.size(), ref.output);
  return ref;
}
std::string InputRef::text() const {
  if (is_control) return "^" + node;
  return output == 0 ? node : fmt::format("{}:{}", node, output);
}

const tf::NodeDef* GraphPiece::find(const std::string& name) const {
  const auto it = nodes.find(name);
  return it == nodes.end() ? nullptr : &it->second;
}
bool GraphPiece::is(const std::string& name, std::string_view op) const {
  const auto* node = find(name);
  return node && node->op() == op;
}

std::vector<std::string> GraphPiece::in_order() const {
  std::map<std::string, std::size_t> waits;
  std::map<std::string, std::vector<std::string>> users;
  std::deque<std::string> ready;
  for (const auto& [name, node] : nodes) {
    std::size_t count = 0;
    for (const auto& text : node.input()) {
      const auto from = InputRef::parse(text).node;
      if (!find(from) || is(from, "NextIteration") || is(from, "RefNextIteration")) continue;
      users[from].push_back(name);
      ++count;
    }
    waits[name] = count;
    if (count == 0) ready.push_back(name);
  }
  std::vector<std::string> order;
  for (; !ready.empty(); ready.pop_front()) {
    order.push_back(ready.front());
    for (const auto& user : users[ready.front()])
      if (--waits[user] == 0) ready.push_back(user);
  }
  if (order.size() == nodes.size()) return order;
  const std::set<std::string> sorted(order.begin(), order.end());  // the rest lies on cycles
  for (const auto& [name, node] : nodes)
    if (!sorted.contains(name)) order.push_back(name);
  return order;
}

std::string GraphPiece::fresh(const std::string& base) const {
  std::string name = base;
  for (int i = 1; nodes.contains(name); ++i) name = fmt::format("{}_{}", base, i);
  return name;
}

InputRef GraphPiece::origin(InputRef ref) const {
  for (std::size_t steps = 0; steps < nodes.size(); ++steps) {  // they may form a ring
    const auto* node = find(ref.node);
    if (!node || node->op() != "Identity" || node->input_size() == 0) break;
    const InputRef next = InputRef::parse(node->input(0));
    if (next.is_control) break;
    ref = next;
  }
  return ref;
}

std::string FunctionMaker::argument(const std::string& source) {
  const auto [it, fresh] = names_.try_emplace(source, piece_.fresh(fmt::format("argument_{}", arguments_.size())));
  if (fresh) arguments_.push_back(source);
  return it->second;
}

std::string FunctionMaker::add(const std::string& target, const StopAt& stop) {
  const InputRef root = InputRef::parse(target);
  const Stop at = stop(root);
  if (at.is_argument) return argument(at.source);
  fill({root.node}, stop);
  return root.text();
}

bool FunctionMaker::is_inside(const InputRef& edge, const StopAt& stop) {
  const Stop at = stop(edge);
  if (at.is_argument && !at.source.empty()) waits_for_.insert(at.source);
  return !at.is_argument;
}

void FunctionMaker::add_control(const InputRef& edge, const StopAt& stop) {
  if (!is_inside(edge, stop)) return;
  fill({edge.node}, stop);
  last_.insert(edge.node);
}

// Copies nodes and what they need.
void FunctionMaker::fill(std::vector<std::string> open, const StopAt& stop) {
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    if (inside_.nodes.contains(name)) continue;
    const tf::NodeDef& node = piece_.nodes.at(name);
    tf::NodeDef copy = node;
    copy.clear_input();
    for (const auto& text : node.input()) {
      const InputRef ref = InputRef::parse(text);
      if (ref.is_control) {
        if (!is_inside(ref, stop)) continue;
        copy.add_input(text);
      } else if (const Stop at = stop(ref); at.is_argument) {
        copy.add_input(argument(at.source));
        continue;
      } else {
        copy.add_input(ref.text());
      }
      open.push_back(ref.node);
    }
    inside_.nodes[name] = std::move(copy);
  }
}

tf::FunctionDef FunctionMaker::finish(const std::string& name, const std::vector<std::string>& all,
                                      const std::vector<std::string>& results) const {
  tf::FunctionDef f;
  f.mutable_signature()->set_name(name);
  std::map<std::string, std::string> renamed;  // arguments have the order of `all`
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string argument = inside_.fresh(fmt::format("x{}", i));
    f.mutable_signature()->add_input_arg()->set_name(argument);
    if (const auto it = names_.find(all[i]); it != names_.end()) renamed[it->second] = argument;
  }
  const auto now = [&](const std::string& text) {
    const auto it = renamed.find(text);
    return it == renamed.end() ? text : it->second;
  };
  for (const auto& [key, node] : inside_.nodes) {
    auto* copy = f.add_node_def();
    *copy = node;
    for (auto& input : *copy->mutable_input()) input = now(input);
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string output = fmt::format("y{}", i);
    f.mutable_signature()->add_output_arg()->set_name(output);
    (*f.mutable_ret())[output] = now(results[i]);
  }
  for (const auto& name : last_) (*f.mutable_control_ret())[name] = name;
  return f;
}

tf::DataType type_attr(const tf::NodeDef& node, const char* name) {
  const auto it = node.attr().find(name);
  return it == node.attr().end() ? tf::DT_INVALID : base_type(it->second.type());
}

tf::NodeDef identity_node(const std::string& name, const std::string& input, tf::DataType type) {
  tf::NodeDef node;
  node.set_name(name);
  node.set_op("Identity");
  node.add_input(input);
  (*node.mutable_attr())["T"].set_type(type);
  return node;
}

}  // namespace tf2jax::detail
