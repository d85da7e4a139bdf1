// Numbering of nodes and planning of evaluation orders.
#include "tf2jax/tf_import/internal/scope.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

namespace tf2jax::tf_import {

namespace tf = tensorflow;

Scope::Scope(const FunctionLibrary& library) : library_(library) {
  for (const auto& n : library.graph().proto().node()) nodes_.push_back(&n);
  index();
}

Scope::Scope(const FunctionLibrary& library, const tf::FunctionDef& function)
    : library_(library), function_(&function), name_(function.signature().name()) {
  for (const auto& n : function.node_def()) nodes_.push_back(&n);
  for (int i = 0; i < function.signature().input_arg_size(); ++i)
    arguments_.emplace(function.signature().input_arg(i).name(), i);
  index();
}

void Scope::index() {
  by_name_.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const bool fresh = by_name_.emplace(nodes_[i]->name(), static_cast<int>(i)).second;
    check(fresh, "{}: two nodes are named '{}'.", library_.graph().source(), nodes_[i]->name());
  }
}

int Scope::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? -1 : it->second;
}

TensorRef Scope::resolve(std::string_view reference, std::string_view user, std::string_view name) const {
  const auto unknown = [&] {
    raise<ValueError>("{}{}: '{}' is needed by {}{}, but there is no such tensor.", library_.graph().source(),
                      name_.empty() ? "" : fmt::format(", function '{}'", name_), reference, user,
                      name.empty() ? "" : fmt::format(" '{}'", name));
  };
  const auto index = [&](std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 0) unknown();
    return value;
  };
  const auto first = reference.find(':');
  const auto base = reference.substr(0, first);
  const int id = find(base);
  if (id < 0) {
    const auto argument = arguments_.find(base);
    if (argument == arguments_.end()) unknown();
    return {-1 - argument->second, 0};
  }
  if (first == std::string_view::npos) return {id, 0};
  const auto second = reference.find(':', first + 1);
  if (second == std::string_view::npos) return {id, index(reference.substr(first + 1))};
  const auto range = library_.output(node(id), reference.substr(first + 1, second - first - 1));
  const int offset = index(reference.substr(second + 1));
  if (offset >= std::numeric_limits<int>::max() - range.start) unknown();
  return {id, static_cast<int>(range.start) + offset};
}

std::vector<TensorRef> Scope::returns() const {
  std::vector<TensorRef> refs;
  for (const auto& output : function_->signature().output_arg()) {
    const auto it = function_->ret().find(output.name());
    check(it != function_->ret().end(), "{}: function '{}' does not say what its output '{}' is.",
          library_.graph().source(), name_, output.name());
    refs.push_back(resolve(it->second, "output", output.name()));
  }
  return refs;
}

namespace {

// The first plan finds the nodes that are needed: the effects that control edges lead to, and what outputs and these
// take. Where there are effects, a second one orders all of them along control edges: a variable is read before it is
// changed where the graph says so, though nothing that is changed depends on what was read.
class Planner {
 public:
  Planner(const Scope& scope, Plan& plan, const PlanQueries& queries, const Plan* first = nullptr)
      : scope_(scope), plan_(plan), queries_(queries) {
    state_.resize(scope.size());
    settled_.resize(scope.size());
    ordered_.resize(scope.size());
    for (std::size_t i = 0; !first && i < scope.size(); ++i)
      ordered_[i] = queries_.has_effect(scope.node(static_cast<int>(i)));
    if (first)
      for (const PlanStep& step : first->steps) ordered_[step.node] = true;
    any_ordered_ = std::ranges::find(ordered_, true) != ordered_.end();
  }

  void need(TensorRef ref) {
    if (ref.node >= 0 && !plan_.fed.contains(ref)) visit(ref.node);
  }

  // What is ordered before `name` is done.
  void need_before(const std::string& name) {
    std::set<int> searched;
    for (const int id : ordered_before(name, searched)) visit(id);
    settle(searched);
  }

  void need_node(int id) { visit(id); }

 private:
  struct Frame {
    int node;
    std::vector<int> needs;  // what control edges order before it first
    std::set<int> searched;  // where that was looked for
    std::size_t before = 0, next = 0;
    PlanStep step;
  };
  enum class State : std::uint8_t { fresh, open, done };

  // What is searched stays out of later searches once what was found there is done, or every control edge of a long
  // graph would search all that comes before it.
  void settle(std::set<int>& searched) {
    for (const int id : searched) settled_[id] = true;
    searched.clear();
  }

  std::vector<int> ordered_before(const std::string& name, std::set<int>& searched) {
    std::vector<int> found;
    if (!any_ordered_) return found;
    std::vector<int> stack;
    const auto push = [&](std::string_view input) {
      const auto base = input.substr(input.starts_with('^') ? 1 : 0);
      const int id = scope_.find(base.substr(0, base.find(':')));
      if (id >= 0 && !settled_[id] && searched.insert(id).second) stack.push_back(id);
    };
    push(name);
    while (!stack.empty()) {
      const int id = stack.back();
      stack.pop_back();
      if (ordered_[id]) {
        found.push_back(id);  // what comes before it is its own concern
        continue;
      }
      for (const auto& input : scope_.node(id).input())
        if (!closes_loop(id, input)) push(input);
    }
    std::ranges::sort(found);
    return found;
  }

  // The edge that closes a TF1 loop; such loops are reported by their operations, not as cycles.
  bool closes_loop(int id, std::string_view input) const {
    if (scope_.node(id).op() != "Merge") return false;
    const int from = scope_.find(input.substr(0, input.find(':')));
    return from >= 0 && scope_.node(from).op() == "NextIteration";
  }

  Frame open(int id) {
    const auto& node = scope_.node(id);
    Frame frame{id, {}, {}, 0, 0, {id, {}, {}, !called_functions(scope_.library(), node).empty()}};
    const auto add = [&](TensorRef ref) {
      if (ref.node >= 0 && !plan_.fed.contains(ref)) frame.needs.push_back(ref.node);
    };
    std::vector<int> before;
    for (const auto& input : node.input()) {
      if (input.starts_with('^')) {
        const auto found = ordered_before(input, frame.searched);
        before.insert(before.end(), found.begin(), found.end());
        continue;
      }
      frame.step.inputs.push_back(scope_.resolve(input, "node", node.name()));
      const auto ref = frame.step.inputs.back();
      if (!closes_loop(id, input)) add(ref);
    }
    for (const auto& reference : queries_.extra_inputs(node)) {
      frame.step.extra.push_back(scope_.resolve(reference, "the gradient of node", node.name()));
      add(frame.step.extra.back());
    }
    frame.before = before.size();
    frame.needs.insert(frame.needs.begin(), before.begin(), before.end());
    return frame;
  }

  // Depth first without recursion: graphs may be chains of any length.
  void visit(int root) {
    if (state(root) == State::done) return;
    std::vector<Frame> stack;
    stack.push_back(open(root));
    state(root) = State::open;
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next >= top.before) settle(top.searched);
      if (top.next < top.needs.size()) {
        const int next = top.needs[top.next++];
        if (state(next) == State::done) continue;
        check(state(next) == State::fresh, "graph: there is a cycle through node '{}'{}.", scope_.node(next).name(),
              scope_.name().empty() ? "" : fmt::format(" of function '{}'", scope_.name()));
        state(next) = State::open;
        stack.push_back(open(next));
        continue;
      }
      state(top.node) = State::done;
      plan_.steps.push_back(std::move(top.step));
      stack.pop_back();
    }
  }

  State& state(int id) { return state_[id]; }

  const Scope& scope_;
  Plan& plan_;
  const PlanQueries& queries_;
  std::vector<State> state_;
  std::vector<bool> ordered_, settled_;
  bool any_ordered_ = false;
};

void fill(Planner& planner, const Scope& scope, const Plan& plan) {
  for (const auto ref : plan.outputs) planner.need(ref);
  if (!scope.function()) return;
  std::vector<std::string> last;
  for (const auto& [key, node] : scope.function()->control_ret()) last.push_back(node);
  std::ranges::sort(last);
  for (const auto& node : last) planner.need_before(node);
}

}  // namespace

Plan make_plan(const Scope& scope, std::vector<TensorRef> outputs, std::map<TensorRef, int> fed,
               const PlanQueries& queries) {
  Plan plan;
  plan.outputs = std::move(outputs);
  plan.fed = std::move(fed);
  Planner planner(scope, plan, queries);
  fill(planner, scope, plan);
  const bool changes =
      std::ranges::any_of(plan.steps, [&](const PlanStep& step) { return queries.has_effect(scope.node(step.node)); });
  if (!changes) return plan;
  Plan ordered{{}, plan.outputs, plan.fed};
  Planner again(scope, ordered, queries, &plan);
  fill(again, scope, ordered);
  for (const PlanStep& step : plan.steps) again.need_node(step.node);
  return ordered;
}

std::vector<std::string> called_functions(const FunctionLibrary& library, const tf::NodeDef& node) {
  std::vector<std::string> names;
  for (const auto& [key, value] : node.attr()) {
    if (key.starts_with('_')) continue;
    if (value.has_func()) names.push_back(value.func().name());
    for (const auto& f : value.list().func()) names.push_back(f.name());
  }
  if (library.find(node.op())) names.push_back(node.op());
  std::ranges::sort(names);
  return names;
}

}  // namespace tf2jax::tf_import
