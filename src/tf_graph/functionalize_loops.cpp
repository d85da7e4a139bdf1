// Frames of TF1 loops as While nodes. Source: "TensorFlow control flow implementation", 2017: each variable of a loop
// is Enter -> Merge -> Switch -> body -> NextIteration, and leaves through Exit.
#include "tf2jax/tf_graph/internal/graph_piece.h"

#include <algorithm>

#include "tf2jax/base/config.h"

namespace tf2jax::detail {

namespace tf = tensorflow;

namespace {

bool is_op(const tf::NodeDef& node, std::string_view op) {
  return node.op() == op || node.op() == "Ref" + std::string(op);
}

// Before the name of an argument that does not change: no node has a space in its name.
const std::string kEnters = "enter ";

struct LoopVariable {
  std::string enter, merge, switch_node, next, exit;
};

class Loops {
 public:
  Loops(GraphPiece& piece, tf::FunctionDefLibrary& library) : piece_(piece), library_(library) {}

  bool run() {
    find_frames();
    std::vector<std::pair<int, std::string>> by_depth;
    for (const auto& [frame, parent] : parents_) {
      int depth = 0;
      for (auto it = parents_.find(frame); it != parents_.end(); it = parents_.find(it->second)) ++depth;
      by_depth.emplace_back(-depth, frame);
    }
    std::ranges::sort(by_depth);
    bool changed = false;
    for (const auto& [depth, frame] : by_depth) changed = replace(frame) || changed;
    return changed;
  }

 private:
  // The frame that each node runs in: that of its inputs, which Enter opens and Exit leaves.
  void find_frames() {
    for (const auto& name : piece_.in_order()) {
      const tf::NodeDef& node = piece_.nodes.at(name);
      std::string frame;
      for (const auto& text : node.input()) {
        const auto from = frames_.find(InputRef::parse(text).node);
        if (from == frames_.end()) continue;
        std::string theirs = from->second;
        if (is_op(piece_.nodes.at(from->first), "Exit")) theirs = parent(theirs);
        if (depth(theirs) > depth(frame)) frame = theirs;
      }
      if (is_op(node, "Enter")) {
        const auto name_attr = node.attr().find("frame_name");
        const std::string own = name_attr == node.attr().end() ? name : name_attr->second.s();
        if (own != frame && depth(frame) >= depth(parent(own))) enclose(own, frame);
        frame = own;
      }
      frames_[name] = frame;
      members_[frame].push_back(name);
    }
  }
  void enclose(const std::string& frame, const std::string& parent) {
    const std::int64_t limit = config().max_function_depth;
    check<ResourceExhaustedError>(depth(parent) < limit,
                                  "functionalize: frame '{}' lies {} frames deep. Raise Config::max_function_depth if "
                                  "it should.",
                                  frame, limit);
    for (std::string outer = parent; !outer.empty(); outer = this->parent(outer))
      check(outer != frame, "functionalize: the frames '{}' and '{}' enclose one another.", frame, parent);
    parents_[frame] = parent;
  }
  std::string parent(const std::string& frame) const {
    const auto it = parents_.find(frame);
    return it == parents_.end() ? "" : it->second;
  }
  int depth(std::string frame) const {
    int n = 0;
    for (; !frame.empty(); frame = parent(frame)) ++n;
    return n;
  }

  std::vector<std::string> nodes_of(const std::string& frame) const {
    const auto it = members_.find(frame);
    std::vector<std::string> out = it == members_.end() ? std::vector<std::string>{} : it->second;
    std::erase_if(out, [&](const std::string& name) { return !piece_.find(name) || frames_.at(name) != frame; });
    return out;
  }

  std::vector<LoopVariable> variables_of(const std::vector<std::string>& nodes) const {
    std::map<std::string, LoopVariable> by_merge;
    for (const auto& name : nodes) {
      const tf::NodeDef& node = piece_.nodes.at(name);
      if (!is_op(node, "Merge") || node.input_size() < 2) continue;
      LoopVariable v{.enter = "", .merge = name, .switch_node = "", .next = "", .exit = ""};
      for (int i : {0, 1}) {
        const std::string from = InputRef::parse(node.input(i)).node;
        const auto* source = piece_.find(from);
        if (source && is_op(*source, "Enter")) v.enter = from;
        if (source && is_op(*source, "NextIteration")) v.next = from;
      }
      if (!v.enter.empty() && !v.next.empty()) by_merge[name] = v;
    }
    for (const auto& name : nodes) {
      const tf::NodeDef& node = piece_.nodes.at(name);
      if (!is_op(node, "Switch")) continue;
      const auto it = by_merge.find(piece_.origin(InputRef::parse(node.input(0))).node);
      const std::string condition = piece_.origin(InputRef::parse(node.input(1))).node;
      if (it != by_merge.end() && piece_.is(condition, "LoopCond")) it->second.switch_node = name;
    }
    std::map<std::string, LoopVariable*> by_switch;
    for (auto& [merge, v] : by_merge) by_switch[v.switch_node] = &v;
    for (const auto& name : nodes) {
      const tf::NodeDef& node = piece_.nodes.at(name);
      if (!is_op(node, "Exit")) continue;
      const auto v = by_switch.find(piece_.origin(InputRef::parse(node.input(0))).node);
      if (v != by_switch.end()) v->second->exit = name;
    }
    std::vector<LoopVariable> out;
    for (auto& [merge, v] : by_merge) out.push_back(std::move(v));
    return out;
  }

  bool replace(const std::string& frame) {
    const std::vector<std::string> nodes = nodes_of(frame);
    const std::vector<LoopVariable> variables = variables_of(nodes);
    const auto condition = std::ranges::find_if(nodes, [&](const auto& n) { return piece_.is(n, "LoopCond"); });
    if (condition == nodes.end() || variables.empty()) return false;
    const auto incomplete = [](const LoopVariable& v) { return v.switch_node.empty(); };
    if (std::ranges::any_of(variables, incomplete)) return false;

    // Arguments: the variables by their merges, then what does not change by what enters the frame.
    FunctionMaker test(piece_), body(piece_);
    std::map<std::string, std::string> of_merge, of_switch;
    std::vector<std::string> inputs;
    for (const auto& v : variables) {
      of_merge[v.merge] = of_switch[v.switch_node] = v.merge;
      body.argument(v.merge);
      inputs.push_back(piece_.nodes.at(v.enter).input(0));
    }
    const std::set<std::string> own(nodes.begin(), nodes.end());
    const auto stop = [&](const InputRef& ref) -> FunctionMaker::Stop {
      if (ref.is_control) {
        if (!own.contains(ref.node)) return {true, piece_.find(ref.node) ? ref.node : ""};
        const bool is_frame = of_merge.contains(ref.node) || of_switch.contains(ref.node) || ref.node == *condition ||
                              is_op(piece_.nodes.at(ref.node), "Enter");
        return {is_frame, ""};
      }
      if (const auto it = of_merge.find(ref.node); it != of_merge.end()) return {true, it->second};
      if (const auto it = of_switch.find(ref.node); it != of_switch.end() && ref.output == 1) return {true, it->second};
      const auto* node = piece_.find(ref.node);
      if (node && own.contains(ref.node) && is_op(*node, "Enter")) return {true, kEnters + node->input(0)};
      return own.contains(ref.node) ? FunctionMaker::Stop{} : FunctionMaker::Stop{true, kEnters + ref.text()};
    };
    std::vector<std::string> next;
    const std::string holds = test.add(piece_.nodes.at(*condition).input(0), stop);
    for (const auto& v : variables) {
      const tf::NodeDef& last = piece_.nodes.at(v.next);
      next.push_back(body.add(last.input(0), stop));
      for (const auto& text : last.input())
        if (const InputRef edge = InputRef::parse(text); edge.is_control) body.add_control(edge, stop);
    }
    for (const auto& source : test.arguments()) body.argument(source);
    const std::vector<std::string> all = body.arguments();
    for (std::size_t i = variables.size(); i < all.size(); ++i) {
      inputs.push_back(all[i].substr(kEnters.size()));
      next.push_back(body.argument(all[i]));
    }
    functionalize_conditions(test.inside(), library_);
    functionalize_conditions(body.inside(), library_);
    const int number = library_.function_size();
    for (const FunctionMaker* f : {&test, &body})
      for (const auto& name : f->waits_for()) inputs.push_back("^" + name);
    put_while(frame, variables, test.finish(fmt::format("{}/condition_{}", frame, number), all, {holds}),
              body.finish(fmt::format("{}/body_{}", frame, number), all, next), inputs);
    for (const auto& name : nodes)
      if (frames_.at(name) == frame) piece_.nodes.erase(name);  // exits are the parent's now
    return true;
  }

  void put_while(const std::string& frame, const std::vector<LoopVariable>& variables, tf::FunctionDef test,
                 tf::FunctionDef body, const std::vector<std::string>& inputs) {
    tf::NodeDef loop;
    loop.set_name(piece_.fresh(frame + "/While"));
    loop.set_op("While");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      loop.add_input(inputs[i]);
      if (inputs[i].starts_with('^')) continue;
      const auto type = i < variables.size() ? type_attr(piece_.nodes.at(variables[i].enter)) : tf::DT_INVALID;
      (*loop.mutable_attr())["T"].mutable_list()->add_type(type);
    }
    (*loop.mutable_attr())["cond"].mutable_func()->set_name(test.signature().name());
    (*loop.mutable_attr())["body"].mutable_func()->set_name(body.signature().name());
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].exit.empty()) continue;
      const auto type = type_attr(piece_.nodes.at(variables[i].enter));
      piece_.nodes[variables[i].exit] =
          identity_node(variables[i].exit, InputRef{loop.name(), static_cast<int>(i), false}.text(), type);
      frames_[variables[i].exit] = parent(frame);
      members_[parent(frame)].push_back(variables[i].exit);
    }
    frames_[loop.name()] = parent(frame);
    members_[parent(frame)].push_back(loop.name());
    piece_.nodes[loop.name()] = std::move(loop);
    *library_.add_function() = std::move(test);
    *library_.add_function() = std::move(body);
  }

  GraphPiece& piece_;
  tf::FunctionDefLibrary& library_;
  std::map<std::string, std::string> frames_, parents_;
  std::map<std::string, std::vector<std::string>> members_;  // of frames
};

}  // namespace

bool functionalize_loops(GraphPiece& piece, tf::FunctionDefLibrary& library) { return Loops(piece, library).run(); }

}  // namespace tf2jax::detail
