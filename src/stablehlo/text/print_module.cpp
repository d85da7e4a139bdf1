// Modules, functions, regions and the names of values as MLIR text.
#include "tf2jax/stablehlo/internal/text_printer.h"
#include "tf2jax/stablehlo/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tf2jax::stablehlo {
namespace {

std::string type_list(const std::vector<TypePtr>& types, const std::vector<AttrPtr>& attributes) {
  std::string out;
  for (std::size_t i = 0; i < types.size(); ++i) {
    out += (i ? ", " : "") + types[i]->to_string();
    if (i < attributes.size() && attributes[i] && !attributes[i]->entries.empty())
      out += " " + dictionary_text(attributes[i]->entries);
  }
  return out;
}

bool any_attribute(const std::vector<AttrPtr>& attributes) {
  return std::ranges::any_of(attributes, [](const AttrPtr& a) { return a && !a->entries.empty(); });
}

// "%c" for constants of integers, "%cst" for others.
std::string_view hint(const Op& op, const Type& result) {
  if (op.name != "constant") return "";
  const auto dtype = result.dtype();
  return dtype && is_inexact(*dtype) ? "%cst" : "%c";
}

// Operations whose results MLIR names one by one.
struct ResultNames {
  std::string_view op;
  std::array<std::string_view, 3> names;
};
constexpr std::array<ResultNames, 4> kResultNames{
    {{"rng_bit_generator", {"%output_state", "%output"}},
     {"chlo.top_k", {"%values", "%indices"}},
     {"batch_norm_training", {"%output", "%batch_mean", "%batch_var"}},
     {"batch_norm_grad", {"%grad_operand", "%grad_scale", "%grad_offset"}}}};

}  // namespace

std::string TextPrinter::unique(const std::string& base) {
  std::string out = base;
  while (!scope_.taken.insert(out).second) out = fmt::format("{}_{}", base, scope_.next_suffix++);
  return out;
}

// All values of a region have names before those of regions inside.
void TextPrinter::name_region(const Region& r, std::string_view kind) {
  for (const ValueId v : r.arguments)
    names_[as_index(v)] = kind == "while" ? unique("%iterArg") : unique(fmt::format("%arg{}", scope_.next_argument++));
  for (const Op& op : r.ops) {
    if (op.results.empty()) continue;
    const auto own = std::ranges::find(kResultNames, std::string_view(op.name), &ResultNames::op);
    const std::size_t count = op.results.size();
    if (own != kResultNames.end() && count > 1 && count <= own->names.size() && !own->names[count - 1].empty()) {
      for (std::size_t i = 0; i < op.results.size(); ++i)
        names_[as_index(op.results[i])] = unique(std::string(own->names[i]));
      continue;
    }
    const std::string_view named = hint(op, type(op.results[0]));
    const std::string base = named.empty() ? fmt::format("%{}", scope_.next_value++) : unique(std::string(named));
    for (std::size_t i = 0; i < op.results.size(); ++i)
      names_[as_index(op.results[i])] = op.results.size() > 1 ? fmt::format("{}#{}", base, i) : base;
  }
}

void TextPrinter::line(const std::string& text) { out_ += std::string(2 * depth_, ' ') + text + "\n"; }

void TextPrinter::ops(const Region& r) {
  ++depth_;
  for (const Op& op : r.ops) operation(op);
  --depth_;
}

// A region's lines; `kind` is the operation that it belongs to.
void TextPrinter::block(const Region& r, std::string_view kind) {
  const Scope outer = scope_;
  name_region(r, kind);
  if (!r.arguments.empty() && kind != "while" && kind != "reduce") {
    std::string arguments;
    for (const ValueId v : r.arguments)
      arguments += fmt::format("{}{}: {}", arguments.empty() ? "" : ", ", name(v), type(v).to_string());
    line(fmt::format("^bb0({}):", arguments));
  }
  ops(r);
  scope_ = outer;
}

std::string TextPrinter::operand_list(const std::vector<ValueId>& values) const {
  std::string out;
  for (const ValueId v : values) out += (out.empty() ? "" : ", ") + name(v);
  return out;
}

std::string TextPrinter::types(const std::vector<ValueId>& values) const {
  std::string out;
  for (const ValueId v : values) out += (out.empty() ? "" : ", ") + type(v).to_string();
  return out;
}

std::string TextPrinter::signature(const Op& op) const {
  const bool one = op.results.size() == 1;
  return fmt::format("({}) -> {}{}{}", types(op.operands), one ? "" : "(", types(op.results), one ? "" : ")");
}

std::string TextPrinter::short_signature(const Op& op) const {
  if (op.results.size() != 1) return signature(op);
  const std::string result = type(op.results[0]).to_string();
  const bool same = std::ranges::all_of(op.operands, [&](ValueId v) { return type(v).to_string() == result; });
  return same ? result : signature(op);
}

// "%0 = ", "%0:2 = ", "%values, %indices = ".
std::string TextPrinter::results(const Op& op) const {
  if (op.results.empty()) return "";
  const std::string first = name(op.results[0]);
  if (first.find('#') == std::string::npos) return operand_list(op.results) + " = ";
  return fmt::format("{}:{} = ", first.substr(0, first.find('#')), op.results.size());
}

void TextPrinter::function(const Function& f) {
  function_ = &f;
  names_.assign(f.types.size(), "");
  scope_ = {};
  name_region(f.body, "func");
  std::string inputs;
  for (std::size_t i = 0; i < f.inputs.size(); ++i) {
    inputs += fmt::format("{}{}: {}", i ? ", " : "", name(f.body.arguments[i]), f.inputs[i]->to_string());
    if (i < f.input_attributes.size() && f.input_attributes[i] && !f.input_attributes[i]->entries.empty())
      inputs += " " + dictionary_text(f.input_attributes[i]->entries);
  }
  const bool braces = f.outputs.size() != 1 || any_attribute(f.output_attributes);
  std::string outputs = type_list(f.outputs, f.output_attributes);
  if (braces) outputs = "(" + outputs + ")";
  line(fmt::format("func.func {} {}({}){} {{", f.is_public ? "public" : "private", symbol_text(f.name), inputs,
                   f.outputs.empty() ? "" : " -> " + outputs));
  ops(f.body);
  line("}");
}

std::string TextPrinter::print() {
  std::vector<std::pair<std::string, AttrPtr>> attributes = module_.attributes;
  std::erase_if(attributes, [](const auto& e) { return e.first == "sym_name"; });
  const auto integer = [](std::int64_t v) {
    Attr a;
    a.kind = Attr::Kind::integer;
    a.integer = v;
    Type t;
    t.kind = Type::Kind::scalar;
    t.element = "i32";
    a.type = std::make_shared<const Type>(std::move(t));
    return std::make_shared<const Attr>(std::move(a));
  };
  for (const char* counted : {"mhlo.num_partitions", "mhlo.num_replicas"})
    if (std::ranges::find(attributes, counted, [](const auto& e) { return e.first; }) == attributes.end())
      attributes.emplace_back(counted, integer(1));
  std::ranges::sort(attributes, {}, [](const auto& e) { return e.first; });
  const std::string name = module_.name.empty() ? "" : symbol_text(module_.name) + " ";
  line(fmt::format("module {}attributes {} {{", name, dictionary_text(attributes)));
  ++depth_;
  for (const Function& f : module_.functions) function(f);
  --depth_;
  line("}");
  return std::move(out_);
}

std::string print_module(const Module& module) { return TextPrinter(module).print(); }

}  // namespace tf2jax::stablehlo
