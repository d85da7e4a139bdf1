// Planning of function bodies and the check for unsupported operations.
#include "tf2jax/tf_import/internal/model.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

namespace tf2jax::tf_import {

namespace tf = tensorflow;

namespace {

struct Missing {
  std::size_t nodes = 0;
  std::string first;
};

}  // namespace

Model::Model(std::string where, const FunctionLibrary& functions)
    : source(std::move(where)), library(functions), config(tf2jax::config()), converters(current_converters()) {}

namespace {

void add(FunctionFacts& to, const FunctionFacts& more) {
  to.has_effect = to.has_effect || more.has_effect;
  to.is_random = to.is_random || more.is_random;
  to.has_loop = to.has_loop || more.has_loop;
  to.grows_list = to.grows_list || more.grows_list;
  to.writes_array = to.writes_array || more.writes_array;
  to.nodes = std::min(to.nodes + more.nodes, kManyNodes);
}

}  // namespace

FunctionFacts Model::own_facts(const tf::NodeDef& node) const {
  const OpTraits& t = converters->traits(node.op());
  const auto resizes = node.attr().find("resize_if_index_out_of_bounds");
  const bool grows = t.grows_list || (resizes != node.attr().end() && resizes->second.b());
  return {t.has_effect, t.is_random, t.is_loop, grows, t.writes_array, 1};
}

Model::KnownFacts Model::open_facts(const std::string& name) const {
  KnownFacts known;
  if (const auto* function = library.find(name)) {
    for (const auto& node : function->node_def()) {
      add(known.facts, own_facts(node));
      for (auto& callee : called_functions(library, node)) known.callees.push_back(std::move(callee));
    }
  }
  return known;
}

// Callees first, without recursion: functions may call one another to any depth. A function that calls itself adds
// nothing new.
const FunctionFacts& Model::function_facts(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> stack{name};
  while (!stack.empty()) {
    const std::string top = stack.back();
    const auto it = facts_.find(top);
    if (it == facts_.end()) {
      const auto& known = facts_.emplace(top, open_facts(top)).first->second;
      for (const auto& callee : known.callees) {
        if (!facts_.contains(callee)) stack.push_back(callee);
      }
      continue;
    }
    stack.pop_back();
    KnownFacts& known = it->second;
    if (std::exchange(known.done, true)) continue;
    for (const auto& callee : known.callees) {
      if (const auto& called = facts_.at(callee); called.done && callee != top) add(known.facts, called.facts);
    }
  }
  return facts_.at(name).facts;
}

FunctionFacts Model::facts(const tf::NodeDef& node) const {
  FunctionFacts total = own_facts(node);
  for (const auto& callee : called_functions(library, node)) add(total, function_facts(callee));
  return total;
}

FunctionFacts Model::facts(const Body& body) const {
  FunctionFacts total;
  for (const auto& step : body.plan.steps) add(total, facts(body.scope.node(step.node)));
  return total;
}

bool Model::has_effect(const tf::NodeDef& node) const { return facts(node).has_effect; }
bool Model::is_random(const tf::NodeDef& node) const { return facts(node).is_random; }

void Model::check_expansion(const Body& body) const {
  const std::int64_t limit = tf2jax::config().max_expanded_nodes;
  if (facts(body).nodes <= limit) return;
  const auto nodes = [&](const PlanStep& step) { return facts(body.scope.node(step.node)).nodes; };
  const auto largest = std::ranges::max_element(body.plan.steps, {}, nodes);
  const auto& node = body.scope.node(largest->node);
  const auto count = nodes(*largest);
  raise<ResourceExhaustedError>(
      "import '{}' ({}): its functions call one another so often that {} nodes would be evaluated; at most {} are. "
      "Raise Config::max_expanded_nodes if it should be more.",
      node.name(), node.op(), count == kManyNodes ? "more than 2^60" : fmt::format("{}", count), limit);
}

Body Model::finished(Scope scope, Plan plan) const {
  Body body{std::move(scope), std::move(plan)};
  for (const auto& step : body.plan.steps) body.random_nodes += is_random(body.scope.node(step.node)) ? 1 : 0;
  if (!gradients.empty()) return body;  // gradient functions read values of other functions at any time
  body.uses.resize(body.scope.size());
  const auto count = [&](TensorRef ref) {
    if (ref.node >= 0) ++body.uses[ref.node];
  };
  for (const auto& step : body.plan.steps) std::ranges::for_each(step.inputs, count);
  std::ranges::for_each(body.plan.outputs, count);
  return body;
}

PlanQueries Model::queries(const std::string& function) const {
  return {.has_effect = [this](const tf::NodeDef& node) { return has_effect(node); },
          .extra_inputs =
              [this, function](const tf::NodeDef& node) {
                std::vector<std::string> tensors;
                const auto it = node.attr().find("_gradient_op_type");
                if (it == node.attr().end()) return tensors;
                const auto rule = gradients.find(it->second.s());
                if (rule == gradients.end()) return tensors;
                for (const auto& capture : rule->second.captures) {
                  if (!capture.tensor.empty() && (capture.function == function || capture.function == "*"))
                    tensors.push_back(capture.tensor);
                }
                return tensors;
              }};
}

std::shared_ptr<const Body> Model::body(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  auto& slot = bodies_[name];
  if (slot) return slot;
  const auto* function = library.find(name);
  check(function != nullptr, "{}: there is no function '{}'.", source, name);
  Scope scope(library, *function);
  auto outputs = scope.returns();
  auto plan = make_plan(scope, std::move(outputs), {}, queries(name));
  return slot = std::make_shared<const Body>(finished(std::move(scope), std::move(plan)));
}

Body Model::main(std::vector<std::string> outputs, const std::vector<std::string>& inputs) const {
  Scope scope(library);
  std::vector<TensorRef> refs;
  for (const auto& output : outputs) refs.push_back(scope.resolve(output, "the outputs"));
  std::map<TensorRef, int> fed;
  for (std::size_t i = 0; i < inputs.size(); ++i) fed[scope.resolve(inputs[i], "the inputs")] = static_cast<int>(i);
  auto plan = make_plan(scope, std::move(refs), std::move(fed), queries(""));
  return finished(std::move(scope), std::move(plan));
}

Body Model::effect(const std::string& node) const {
  Scope scope(library);
  Plan plan = make_plan(scope, {scope.resolve(node, "the tables")}, {}, queries(""));
  plan.outputs.clear();
  return finished(std::move(scope), std::move(plan));
}

void Model::check_supported(const Body& body) const {
  std::map<std::string, Missing> missing;
  std::set<std::string> seen;
  std::deque<std::string> functions;
  const auto scan = [&](const Body& b) {
    for (const auto& step : b.plan.steps) {
      const auto& node = b.scope.node(step.node);
      for (const auto& f : called_functions(library, node)) {
        if (library.find(f) && seen.insert(f).second) functions.push_back(f);
      }
      if (converters->find(node.op()) || library.find(node.op())) continue;
      auto& entry = missing[node.op()];
      if (entry.nodes++ == 0) entry.first = node.name();
    }
  };
  scan(body);
  for (; !functions.empty(); functions.pop_front()) scan(*this->body(functions.front()));
  if (missing.empty()) return;
  std::string list, names;
  for (const auto& [op, m] : missing) {
    list += fmt::format("{}'{}' ({} node{}, first '{}')", list.empty() ? "" : ", ", op, m.nodes,
                        m.nodes == 1 ? "" : "s", m.first);
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", op);
  }
  raise<UnsupportedOpError>(
      "convert '{}': {} operation{} not supported: {}.\n  Unsupported operations in graph: [{}]\n  "
      "Register converters with register_operation, or ask for outputs that do not need them.",
      source, missing.size(), missing.size() == 1 ? " is" : "s are", list, names);
}

}  // namespace tf2jax::tf_import
