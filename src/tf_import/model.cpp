// Planning of function bodies and the check for unsupported operations.
#include "tf2jax/tf_import/internal/model.h"

#include <algorithm>
#include <deque>
#include <set>

namespace tf2jax::tf_import {

namespace tf = tensorflow;

namespace {

constexpr std::string_view kEffects[] = {
    "Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp",
    "ScatterUpdate", "ScatterAdd", "ScatterSub", "ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterUpdate",
    "ResourceApplyGradientDescent", "ApplyGradientDescent", "ResourceApplyAdam", "ResourceApplyMomentum"};

struct Missing {
  std::size_t nodes = 0;
  std::string first;
};

}  // namespace

bool is_random(std::string_view op) {
  static constexpr std::string_view kRandom[] = {"RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal",
                                                 "RandomShuffle", "Multinomial", "RandomGamma", "RandomPoissonV2"};
  return std::ranges::find(kRandom, op) != std::end(kRandom);
}

Model::Model(std::string where, const FunctionLibrary& functions)
    : source(std::move(where)), library(functions), config(tf2jax::config()), converters(current_converters()) {}

bool Model::function_has_effect(const std::string& name, std::size_t depth) const {
  const std::lock_guard lock(mutex_);
  if (const auto it = effects_.find(name); it != effects_.end()) return it->second;
  effects_[name] = false;   // a function that calls itself adds nothing new
  const auto* function = library.find(name);
  if (!function || depth > 64) return false;
  bool effect = false;
  for (const auto& node : function->node_def()) {
    effect = effect || std::ranges::find(kEffects, node.op()) != std::end(kEffects);
    for (const auto& callee : called_functions(library, node)) effect = effect || function_has_effect(callee, depth + 1);
  }
  return effects_[name] = effect;
}

bool Model::has_effect(const tf::NodeDef& node) const {
  if (std::ranges::find(kEffects, node.op()) != std::end(kEffects)) return true;
  const auto callees = called_functions(library, node);
  return std::ranges::any_of(callees, [&](const auto& f) { return function_has_effect(f, 0); });
}

PlanQueries Model::queries(const std::string& function) const {
  return {.has_effect = [this](const tf::NodeDef& node) { return has_effect(node); },
          .extra_inputs = [this, function](const tf::NodeDef& node) {
            std::vector<std::string> tensors;
            const auto it = node.attr().find("_gradient_op_type");
            if (it == node.attr().end()) return tensors;
            const auto rule = gradients.find(it->second.s());
            if (rule == gradients.end()) return tensors;
            for (const auto& capture : rule->second.captures) {
              if (!capture.tensor.empty() && (capture.function == function || capture.function == "*")) tensors.push_back(capture.tensor);
            }
            return tensors;
          }};
}

std::shared_ptr<const Body> Model::body(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  auto& slot = bodies_[name];
  if (slot) return slot;
  const auto* function = library.find(name);
  check(function != nullptr, "{}: there is no function '{}'", source, name);
  Scope scope(library, *function);
  auto outputs = scope.returns();
  auto plan = make_plan(scope, std::move(outputs), {}, queries(name));
  return slot = std::make_shared<const Body>(Body{std::move(scope), std::move(plan)});
}

Body Model::main(std::vector<std::string> outputs, const std::vector<std::string>& inputs) const {
  Scope scope(library);
  std::vector<TensorRef> refs;
  for (const auto& output : outputs) refs.push_back(scope.resolve(output, "the outputs"));
  std::map<TensorRef, int> fed;
  for (std::size_t i = 0; i < inputs.size(); ++i) fed[scope.resolve(inputs[i], "the inputs")] = static_cast<int>(i);
  auto plan = make_plan(scope, std::move(refs), std::move(fed), queries(""));
  return {std::move(scope), std::move(plan)};
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
    list += fmt::format("{}'{}' ({} node{}, first '{}')", list.empty() ? "" : ", ", op, m.nodes, m.nodes == 1 ? "" : "s", m.first);
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", op);
  }
  raise<UnsupportedOpError>(
      "convert '{}': {} operation{} not supported: {}.\n  Unsupported operations in graph: [{}]\n  "
      "Register converters with register_operation, or ask for outputs that do not need them.",
      source, missing.size(), missing.size() == 1 ? " is" : "s are", list, names);
}

}  // namespace tf2jax::tf_import
