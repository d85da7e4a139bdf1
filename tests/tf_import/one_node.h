// Graphs of one operation.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tf2jax/tf_graph/graph_builder.h"
#include "tf2jax/tf_import/convert.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

struct Operand {
  Array value;
  bool traced = false;  // an argument; otherwise a constant of the graph
};

inline Operand argument(const Array& x) { return {x, true}; }
inline Operand fixed(const Array& x) { return {x, false}; }
inline std::vector<float> floats_of(const Tree& y) { return y.array().to_vector<float>(); }

/// The outputs "y:0", "y:1", … of the operation, which is called through jit or not.
inline Tree call_node(const std::string& op, const std::vector<Operand>& operands,
                      const std::map<std::string, AttributeValue>& attributes, bool jit = true,
                      const std::vector<std::string>& outputs = {"y"}) {
  GraphBuilder g;
  std::vector<std::string> tensors, inputs;
  CallArguments arguments;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const auto& [value, traced] = operands[i];
    const auto name = fmt::format("x{}", i);
    tensors.push_back(traced ? g.placeholder(name, value.dtype(), value.dims()) : g.constant(name, value));
    if (!traced) continue;
    inputs.push_back(name);
    arguments.positional.push_back(Tree(value));
  }
  g.node(op, "y", tensors, attributes);
  if (inputs.empty()) {
    inputs.push_back("unused");
    g.placeholder("unused", DType::f32, {});
    arguments.positional.push_back(Tree(Array(1.0f)));
  }
  const auto f = convert(g.graph(), {.inputs = inputs, .outputs = outputs, .jit = jit});
  if (op.find("Random") != op.npos || op == "Multinomial" || op.find("TruncatedNormal") != op.npos)
    arguments.key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
  return f.call(arguments);
}

}  // namespace tf2jax
