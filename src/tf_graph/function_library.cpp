// Functions, gradients and operation definitions of one graph.
#include "tf2jax/tf_graph/function_library.h"

#include <fmt/format.h>

#include "tf2jax/tf_graph/internal/op_table.h"
#include "tf2jax/tf_graph/internal/protos.h"

namespace tf2jax {

namespace tf = tensorflow;

FunctionLibrary::FunctionLibrary(const Graph& graph, std::shared_ptr<const tf::OpList> ops)
    : graph_(graph), stored_ops_(std::move(ops)) {
  const auto& library = graph_.proto().library();
  for (const auto& f : library.function()) {
    const bool fresh = functions_.emplace(f.signature().name(), &f).second;
    check(fresh, "{}: two library functions are named '{}'.", graph_.source(), f.signature().name());
  }
  for (const auto& g : library.registered_gradients()) gradients_[g.registered_op_type()] = g.gradient_func();
  if (library.gradient_size() > 0) {
    std::string found;  // as Python prints the list
    for (const auto& g : library.gradient())
      found += fmt::format("{}function_name: \"{}\"\ngradient_func: \"{}\"\n", found.empty() ? "" : ", ",
                           g.function_name(), g.gradient_func());
    raise<ValueError>("graph: GradientDef not currently supported, found [{}] in {}.", found, graph_.source());
  }
  if (stored_ops_) {
    for (const auto& op : stored_ops_->op()) ops_.emplace(op.name(), &op);
  }
}

const tf::FunctionDef* FunctionLibrary::find(std::string_view name) const {
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : it->second;
}

const std::string* FunctionLibrary::gradient(std::string_view op_type) const {
  const auto it = gradients_.find(op_type);
  return it == gradients_.end() ? nullptr : &it->second;
}

const tf::OpDef* FunctionLibrary::op(std::string_view name) const {
  const auto it = ops_.find(name);
  return it == ops_.end() ? detail::builtin_op(name) : it->second;
}

const tf::AttrValue* FunctionLibrary::attr_default(std::string_view op_name, std::string_view attr) const {
  for (const tf::OpDef* definition : {op(op_name), detail::builtin_op(op_name)}) {
    if (!definition) continue;
    for (const auto& a : definition->attr()) {
      if (a.name() == attr && a.has_default_value()) return &a.default_value();
    }
  }
  return nullptr;
}

OutputRange FunctionLibrary::output(const tf::NodeDef& node, std::string_view output) const {
  if (const auto* function = find(node.op())) {
    for (int i = 0; i < function->signature().output_arg_size(); ++i) {
      if (function->signature().output_arg(i).name() == output) return {i, 1};
    }
    raise<ValueError>("node '{}': function '{}' has no output '{}'.", node.name(), node.op(), output);
  }
  const tf::OpDef* definition = op(node.op());
  // Almost every operation has one output; a file never names it other than by its only name.
  if (!definition || definition->output_arg_size() == 0) return {0, 1};
  OutputRange range;
  constexpr std::int64_t kMaxOutputs = std::int64_t{1} << 20;
  for (const auto& arg : definition->output_arg()) {
    range.count = 1;
    if (!arg.number_attr().empty()) {
      const auto it = node.attr().find(arg.number_attr());
      check(it != node.attr().end(), "node '{}' ({}): attribute '{}' is missing.", node.name(), node.op(),
            arg.number_attr());
      check(it->second.i() >= 0 && it->second.i() <= kMaxOutputs,
            "node '{}' ({}): attribute '{}' is {}; expected 0 to {}.", node.name(), node.op(), arg.number_attr(),
            it->second.i(), kMaxOutputs);
      range.count = it->second.i();
    } else if (!arg.type_list_attr().empty()) {
      const auto it = node.attr().find(arg.type_list_attr());
      range.count = it == node.attr().end() ? 0 : it->second.list().type_size();
    }
    if (arg.name() == output) return range;
    range.start += range.count;
  }
  if (definition->output_arg_size() == 1) return {0, range.count};
  raise<ValueError>("node '{}' ({}): there is no output named '{}'.", node.name(), node.op(), output);
}

}  // namespace tf2jax
