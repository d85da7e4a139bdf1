// The text of a graph.
#include <fmt/format.h>

#include "tf2jax/compiler/graph/graph.h"
#include "tf2jax/compiler/loops/op_names.h"

namespace tf2jax::compiler {

namespace {

constexpr std::string_view kKindNames[] = {
    "elementwise", "broadcast", "reshape",       "transpose",    "slice",      "reverse",    "pad",    "windows",
    "concatenate", "iota",      "dynamic_slice", "gather",       "cumulative", "scatter",    "reduce", "reinterpret",
    "interleave",  "dot",       "convolution",   "update_slice", "scan",       "while_loop", "branch", "call"};
static_assert(std::size(kKindNames) == static_cast<std::size_t>(OpKind::call) + 1);

std::string leaf_text(const GraphValue& v) {
  if (!v.is_constant()) return "input";
  return v.elements() == 1 ? "constant " + to_string(v.constant) : "constant";
}

}  // namespace

std::string op_text(const GraphOp& op) {
  std::string out;
  if (op.kind == OpKind::call) out = op.primitive.name();
  else if (op.kind != OpKind::elementwise) out = kKindNames[static_cast<std::size_t>(op.kind)];
  if (op.scalar != loops::Op::constant) out += (out.empty() ? "" : " ") + std::string(loops::op_name(op.scalar));
  for (const ValueId v : op.in) out += fmt::format(" %{}", v);
  return out;
}

std::string to_string(const Graph& graph) {
  std::string out;
  for (ValueId v = 0; v < static_cast<ValueId>(graph.values.size()); ++v) {
    const GraphValue& value = graph.value(v);
    const bool used = !value.users.empty() || value.times_output > 0;
    if (value.op < 0 && used) out += fmt::format("%{}:{} = {}\n", v, value.aval, leaf_text(value));
  }
  for (const GraphOp& op : graph.ops) {
    for (std::size_t i = 0; i < op.out.size(); ++i)
      out += fmt::format("{}%{}:{}", i ? " " : "", op.out[i], graph.value(op.out[i]).aval);
    out += " = " + op_text(op) + "\n";
  }
  out += "in (";
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) out += fmt::format("{}%{}", i ? ", " : "", graph.outputs[i]);
  return out + ")\n";
}

}  // namespace tf2jax::compiler
