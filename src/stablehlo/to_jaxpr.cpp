// The program of a module's entry.
#include "tf2jax/stablehlo/to_jaxpr.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/stablehlo/internal/narrow_types.h"
#include "tf2jax/stablehlo/internal/table.h"

#include <fmt/format.h>

#include <set>

namespace tf2jax::stablehlo {
namespace {

class UnknownOps {
 public:
  UnknownOps(const Module& module, const TranslateOptions& options) : module_(module), options_(options) {}

  // Those of a function and of all that it calls, in turn: how deep calls go is the file's to say.
  void visit(const Function& function) {
    add(function);
    for (std::size_t i = 0; i < reached_.size(); ++i) visit(reached_[i]->body);
  }
  std::map<std::string, int> found;

 private:
  void add(const Function& function) {
    if (seen_.insert(&function).second) reached_.push_back(&function);
  }
  void visit(const Region& region) {
    for (const Op& op : region.ops) visit(op);
  }
  void visit(const Op& op) {
    if (op.name != "return" && !find_row(op.name)) ++found[op.name];
    const Attr* target = op.name == "custom_call" ? op.find("call_target_name") : nullptr;
    if (target && !find_custom_call(target->text) && !options_.custom_calls.contains(target->text))
      ++found[fmt::format("custom_call @{}", target->text)];
    for (const char* callee : {"callee", "decomposition"}) {
      const Attr* a = op.find(callee);
      const auto it = a ? module_.by_name.find(a->text) : module_.by_name.end();
      if (it != module_.by_name.end()) add(module_.functions[it->second]);
    }
    for (const Region& r : op.regions) visit(r);
  }

  const Module& module_;
  const TranslateOptions& options_;
  std::set<const Function*> seen_;
  std::vector<const Function*> reached_;
};

}  // namespace

std::map<std::string, int> unknown_operations(const Module& module, const TranslateOptions& options) {
  UnknownOps all(module, options);
  all.visit(module.entry());
  return std::move(all.found);
}

Avals input_avals(const Module& module, const TranslateOptions& options) {
  const Function& entry = module.entry();
  Avals out;
  for (std::size_t i = options.known_operands.size(); i < entry.inputs.size(); ++i) {
    const Type& type = *entry.inputs[i];
    if (type.kind == Type::Kind::token) {
      out.push_back({DType::bool_, {Dim(0)}, false});
      continue;
    }
    const auto dtype = type.dtype();
    check<DtypeError>(dtype.has_value() && type.kind == Type::Kind::tensor,
                      "stablehlo: input {} has a type that arrays do not have. Got {}.", i, type.to_string());
    check<ValueError>(!type.is_dynamic(), "stablehlo: input {} has open sizes. Got {}; expected sizes that are known.",
                      i, type.to_string());
    out.push_back({*dtype, symbolic(type.dims), false});
  }
  return out;
}

Jaxpr to_jaxpr(const Module& module, const Avals& inputs, const TranslateOptions& options) {
  const auto unknown = unknown_operations(module, options);
  std::string names;
  for (const auto& [name, count] : unknown) names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", name, count);
  check<NotImplementedError>(unknown.empty(), "stablehlo: these operations are not supported: {}.", names);
  for (const TypePtr& t : module.entry().outputs)
    check<NotImplementedError>(
        !t || !narrow_type(*t),
        "stablehlo: results of this type are not supported. Got {}; expected one that arrays have.", t->to_string());
  Translator translator(module, options);
  const FlatFn entry = [&](const Arrays& xs) {
    Arrays all = options.known_operands;
    all.insert(all.end(), xs.begin(), xs.end());
    return translator.run(module.entry(), all);
  };
  Avals strong;
  for (const Aval& a : inputs) strong.push_back(a.strong());
  return with_errors("stablehlo", [&] { return stage(entry, strong); });
}

}  // namespace tf2jax::stablehlo
