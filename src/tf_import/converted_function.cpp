// ConvertedFunction and what it tells about itself.
#include "tf2jax/tf_import/converted_function.h"

#include "tf2jax/tf_import/internal/imported_function.h"

#include <algorithm>
#include <deque>
#include <ostream>
#include <set>

namespace tf2jax {

std::string Signature::to_string() const {
  std::string text = name + "(";
  bool first = true;
  const auto add = [&](const std::string& parameter, const StructuredValue& v) {
    text += (first ? "" : ", ") + parameter + ": " + v.to_string();
    first = false;
  };
  const auto& args = inputs.items.at(0).second;
  for (std::size_t i = 0; i < args.items.size(); ++i)
    add(i < parameters.size() ? parameters[i] : fmt::format("args_{}", i), args.items[i].second);
  const auto& kwargs = inputs.items.at(1).second;
  if (!kwargs.items.empty()) {
    text += first ? "*" : ", *";
    first = false;
  }
  for (const auto& [key, v] : kwargs.items) add(key, v);
  return text + ") -> " + outputs.to_string();
}

std::ostream& operator<<(std::ostream& os, const Signature& signature) { return os << signature.to_string() << '\n'; }

std::string OpCounts::to_string() const {
  std::vector<std::pair<std::string, std::int64_t>> rows(begin(), end());
  std::ranges::stable_sort(rows, std::greater<>{}, &std::pair<std::string, std::int64_t>::second);
  std::string text;
  for (const auto& [op, n] : rows) text += fmt::format("{:6}  {}\n", n, op);
  return text;
}

std::ostream& operator<<(std::ostream& os, const OpCounts& counts) { return os << counts.to_string(); }

std::pair<Tree, Variables> ApplyFunction::call(const Variables& params, const CallArguments& args) const {
  return f_->call(params, args);
}

ConvertedFunction::ConvertedFunction(std::shared_ptr<const tf_import::ImportedFunction> f,
                                     std::optional<std::string> output)
    : f_(std::move(f)), output_(std::move(output)) {}

Tree ConvertedFunction::call(const CallArguments& args) const {
  Tree outputs = f_->call(f_->params, args).first;
  if (!output_) return outputs;
  return outputs.kind() == Tree::Kind::dict ? outputs[*output_] : outputs[std::stoi(*output_)];
}

ConvertedFunction ConvertedFunction::output(const std::string& name) const {
  const auto& structure = f_->signature.outputs;
  std::string names;
  for (std::size_t i = 0; i < structure.items.size(); ++i) {
    const bool named =
        structure.kind == StructuredValue::Kind::dict || structure.kind == StructuredValue::Kind::named_tuple;
    const auto key = named ? structure.items[i].first : fmt::format("{}", i);
    if (key == name) return ConvertedFunction(f_, name);
    names += (names.empty() ? "'" : ", '") + key + "'";
  }
  raise<LookupError>("{}: there is no output '{}'. There are: {}.", signature().name, name,
                     names.empty() ? "one unnamed output" : names);
}

const Signature& ConvertedFunction::signature() const { return f_->signature; }
const Variables& ConvertedFunction::params() const { return f_->params; }

OpCounts ConvertedFunction::op_counts() const {
  OpCounts counts;
  std::set<std::string> seen;
  std::deque<std::string> functions;
  const auto scan = [&](const tf_import::Body& body) {
    for (const auto& step : body.plan.steps) {
      const auto& node = body.scope.node(step.node);
      ++counts[node.op()];
      for (const auto& f : tf_import::called_functions(f_->model->library, node)) {
        if (f_->model->library.find(f) && seen.insert(f).second) functions.push_back(f);
      }
    }
  };
  scan(*f_->body);
  for (; !functions.empty(); functions.pop_front()) scan(*f_->model->body(functions.front()));
  return counts;
}

std::vector<std::string> ConvertedFunction::ops() const {
  std::vector<std::string> names;
  for (const auto& [op, n] : op_counts()) names.push_back(op);
  return names;
}

}  // namespace tf2jax
