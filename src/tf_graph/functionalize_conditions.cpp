// Switch and Merge of TF1 conditions as If nodes, _SwitchN and Merge as Case nodes. A node runs where the switches
// before it let it: its state says which way each predicate has to be. Merge joins states that differ in one predicate.
#include "tf2jax/tf_graph/internal/graph_piece.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "tf2jax/base/config.h"

namespace tf2jax::detail {

namespace tf = tensorflow;

namespace {

using State = std::map<std::string, int>;  // by predicate, the output of its switches
constexpr std::size_t kMostStates = std::numeric_limits<std::size_t>::max();

bool is_indexed(const tf::NodeDef& node) { return node.op() == "_SwitchN"; }
bool is_switch(const tf::NodeDef& node) {
  return node.op() == "Switch" || node.op() == "RefSwitch" || is_indexed(node);
}
bool is_merge(const tf::NodeDef& node) { return node.op() == "Merge" || node.op() == "RefMerge"; }
int num_data_inputs(const tf::NodeDef& node) {
  return static_cast<int>(
      std::ranges::count_if(node.input(), [](const std::string& text) { return !text.starts_with('^'); }));
}

class Conditions {
 public:
  Conditions(GraphPiece& piece, tf::FunctionDefLibrary& library) : piece_(piece), library_(library) {}

  bool run() {
    if (std::ranges::none_of(piece_.nodes, [](const auto& n) { return is_merge(n.second); })) return false;
    order_ = piece_.in_order();
    find_states();
    // The innermost first. Merges of one condition are one If; those of one level do not read one another.
    using Group = std::tuple<std::size_t, int, std::string, State>;
    std::map<Group, std::vector<std::string>> groups;
    for (const auto& name : order_)
      if (const auto p = predicates_.find(name); p != predicates_.end()) {
        const State& outer = states_.at(name);
        groups[{kMostStates - outer.size(), levels_.at(name), p->second, outer}].push_back(name);
      }
    for (const auto& [key, group] : groups) put_condition(group);
    return !groups.empty();
  }

 private:
  State state_of(const InputRef& ref) const {
    const auto it = states_.find(ref.node);
    State out = it == states_.end() ? State{} : it->second;
    const auto* node = piece_.find(ref.node);
    if (node && is_switch(*node) && !ref.is_control) out[predicate(*node)] = ref.output;
    return out;
  }
  // The predicate that decides which input of a merge comes: each asks it to be something else. Empty: there is none.
  // Of several, as cases of one branch inside one another have, the one that is known under most conditions.
  std::string decided_by(const std::vector<State>& sides) const {
    std::string innermost;
    std::size_t most = 0;
    for (const auto& [p, value] : sides[0]) {
      std::set<int> values;
      for (const State& side : sides)
        if (const auto it = side.find(p); it != side.end()) values.insert(it->second);
      const auto of_one = one_way_.contains(p);
      if (values.size() != sides.size() || !(sides.size() > 1 || of_one)) continue;
      const std::size_t conditions = state_of(InputRef::parse(p)).size();
      if (innermost.empty() || conditions > most) innermost = p, most = conditions;
    }
    return innermost;
  }
  std::string predicate(const tf::NodeDef& node) const { return piece_.origin(InputRef::parse(node.input(1))).text(); }

  void find_states() {
    for (const auto& name : order_) {
      const tf::NodeDef& node = piece_.nodes.at(name);
      State state;
      if (is_indexed(node)) {
        const auto ways = node.attr().find("num_outs");
        indexed_.insert(predicate(node));
        if (ways != node.attr().end() && ways->second.i() == 1) one_way_.insert(predicate(node));
      }
      if (is_merge(node)) {
        std::vector<State> sides;
        for (int i = 0; i < num_data_inputs(node); ++i) sides.push_back(state_of(InputRef::parse(node.input(i))));
        for (const State& side : sides) state.insert(side.begin(), side.end());
        if (const std::string p = decided_by(sides); !p.empty()) {
          predicates_[name] = p;
          state.erase(p);
        }
      } else {
        for (const auto& text : node.input()) {
          const State theirs = state_of(InputRef::parse(text));
          state.insert(theirs.begin(), theirs.end());
        }
      }
      check<ResourceExhaustedError>(static_cast<std::int64_t>(state.size()) <= config().max_function_depth,
                                    "functionalize: node '{}' lies in more than {} conditions. Raise "
                                    "Config::max_function_depth if it should.",
                                    name, config().max_function_depth);
      states_[name] = std::move(state);
      int level = 0;
      for (const auto& text : node.input())
        if (const auto it = levels_.find(InputRef::parse(text).node); it != levels_.end())
          level = std::max(level, it->second);
      levels_[name] = level + (predicates_.contains(name) ? 1 : 0);
    }
  }

  // The branch that runs where the predicate is `value`: what its switches let through are arguments.
  std::vector<std::string> fill(FunctionMaker& branch, const std::vector<std::string>& group, const std::string& p,
                                int value) const {
    const auto stop = [&](const InputRef& ref) -> FunctionMaker::Stop {
      const auto* node = piece_.find(ref.node);
      const bool is_outside = !node || !states_.contains(ref.node) || !states_.at(ref.node).contains(p);
      if (ref.is_control) return {is_outside, node && !is_switch(*node) ? ref.node : ""};
      if (node && is_switch(*node) && predicate(*node) == p) return {true, InputRef::parse(node->input(0)).text()};
      return {is_outside, ref.text()};
    };
    std::vector<std::string> results;
    for (const auto& merge : group) {
      const tf::NodeDef& node = piece_.nodes.at(merge);
      const int side = side_of(node, p, value);
      results.push_back(branch.add(node.input(side), stop));
      // The second output says which input came.
      tf::NodeDef index;
      index.set_name(piece_.fresh(merge + "/value_index"));
      index.set_op("Const");
      (*index.mutable_attr())["dtype"].set_type(tf::DT_INT32);
      auto* tensor = (*index.mutable_attr())["value"].mutable_tensor();
      tensor->set_dtype(tf::DT_INT32);
      tensor->mutable_tensor_shape();
      tensor->add_int_val(side);
      results.push_back(index.name());
      branch.add_node(std::move(index));
    }
    return results;
  }
  int side_of(const tf::NodeDef& merge, const std::string& p, int value) const {
    for (int i = 0; i < num_data_inputs(merge); ++i)
      if (state_of(InputRef::parse(merge.input(i))).at(p) == value) return i;
    raise<ValueError>("functionalize: node '{}' (Merge) has no input for way {} of '{}'; expected one for each.",
                      merge.name(), value, p);
  }

  void put_condition(const std::vector<std::string>& group) {
    const std::string p = predicates_.at(group[0]);
    const int ways = num_data_inputs(piece_.nodes.at(group[0]));
    std::vector<FunctionMaker> branches;
    std::vector<std::vector<std::string>> results;
    for (int way = 0; way < ways; ++way) {
      results.push_back(fill(branches.emplace_back(piece_), group, p, way));
      copied_ += static_cast<std::int64_t>(branches.back().inside().nodes.size());
    }
    check<ResourceExhaustedError>(copied_ <= config().max_expanded_nodes,
                                  "functionalize: the branches of all conditions have more than {} nodes. Raise "
                                  "Config::max_expanded_nodes if they should.",
                                  config().max_expanded_nodes);
    for (const FunctionMaker& branch : branches)
      for (const auto& source : branch.arguments()) branches[0].argument(source);
    const std::vector<std::string> all = branches[0].arguments();

    tf::NodeDef node = condition_node(group, p, all);
    for (const FunctionMaker& branch : branches)
      for (const auto& name : branch.waits_for()) node.add_input("^" + name);
    for (int way = 0; way < ways; ++way) {
      const std::string name = fmt::format("{}/branch{}_{}", node.name(), way, library_.function_size());
      *library_.add_function() = branches[way].finish(name, all, results[way]);
      if (indexed_.contains(p)) (*node.mutable_attr())["branches"].mutable_list()->add_func()->set_name(name);
      else (*node.mutable_attr())[way == 1 ? "then_branch" : "else_branch"].mutable_func()->set_name(name);
    }
    states_[node.name()] = states_.at(group[0]);
    piece_.nodes[node.name()] = std::move(node);
  }

  // The node without its branches, which the merges take their values from.
  tf::NodeDef condition_node(const std::vector<std::string>& group, const std::string& p,
                             const std::vector<std::string>& arguments) {
    const bool indexed = indexed_.contains(p);
    tf::NodeDef node;
    node.set_name(piece_.fresh(group[0] + (indexed ? "/Case" : "/If")));
    node.set_op(indexed ? "Case" : "If");
    node.add_input(p);
    if (!indexed) (*node.mutable_attr())["Tcond"].set_type(tf::DT_BOOL);
    auto* in = (*node.mutable_attr())["Tin"].mutable_list();
    for (const auto& source : arguments) {
      node.add_input(source);
      in->add_type(tf::DT_INVALID);
    }
    auto* out = (*node.mutable_attr())["Tout"].mutable_list();
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto type = type_attr(piece_.nodes.at(group[i]));
      out->add_type(type);
      out->add_type(tf::DT_INT32);
      tf::NodeDef merged;
      merged.set_name(group[i]);
      merged.set_op("IdentityN");
      for (const std::size_t k : {2 * i, 2 * i + 1})
        merged.add_input(InputRef{node.name(), static_cast<int>(k), false}.text());
      auto* types = (*merged.mutable_attr())["T"].mutable_list();
      types->add_type(type);
      types->add_type(tf::DT_INT32);
      piece_.nodes[group[i]] = std::move(merged);
    }
    return node;
  }

  GraphPiece& piece_;
  tf::FunctionDefLibrary& library_;
  std::vector<std::string> order_;
  std::map<std::string, State> states_;
  std::map<std::string, std::string> predicates_;  // of merges
  std::set<std::string> indexed_, one_way_;        // predicates of _SwitchN; those with one output
  std::map<std::string, int> levels_;              // merges on the longest way to a node
  std::int64_t copied_ = 0;                        // nodes in branches
};

}  // namespace

bool functionalize_conditions(GraphPiece& piece, tf::FunctionDefLibrary& library) {
  return Conditions(piece, library).run();
}

}  // namespace tf2jax::detail
