// Graph: a program prepared for compilation. Calls are inlined, common subexpressions shared, dead operations dropped,
// operations rewritten into the few kinds that the planner knows.
#pragma once
#include <unordered_map>

#include "tf2jax/compiler/loops/program.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::compiler {

using ValueId = std::int32_t;
using OpId = std::int32_t;

enum class OpKind : std::uint8_t {
  // pulled into loops
  elementwise,
  broadcast,
  reshape,
  transpose,
  slice,
  reverse,
  pad,
  windows,
  concatenate,
  iota,
  dynamic_slice,
  gather,
  cumulative,
  scatter,
  reduce,
  // places in memory: complex numbers and keys as pairs of their parts or back, and two values as such pairs
  reinterpret,
  interleave,
  // steps of their own
  dot,
  convolution,
  update_slice,
  scan,
  while_loop,
  branch,
  call,
};
inline bool is_place(OpKind kind) { return kind == OpKind::reinterpret || kind == OpKind::interleave; }
/// The types that loops compute with.
inline bool has_loop_type(DType d) { return !is_complex(d) && d != DType::float0 && d != DType::key; }
/// Complex numbers and keys are pairs of these.
inline bool is_pair(DType d) { return is_complex(d) || d == DType::key; }
inline DType part_dtype(DType d) { return d == DType::key ? DType::u32 : real_dtype(d); }
inline bool is_fusible(OpKind kind) { return kind <= OpKind::reduce; }

struct GraphValue {
  Aval aval;
  Dims dims;
  OpId op = -1;  // who computes it; -1: an input or a constant
  std::int32_t result = 0;
  Array constant;  // set for constants
  std::vector<OpId> users;
  std::int32_t times_output = 0;
  std::int64_t elements() const { return num_elements(dims); }
  bool is_constant() const { return constant.has_value(); }
};

struct GraphOp {
  Primitive primitive;  // what `call` runs, and what explains the others
  EquationParams params;
  OpKind kind;
  loops::Op scalar = loops::Op::constant;  // elementwise, reduce, cumulative and scatter (constant: it replaces)
  std::vector<ValueId> in, out;
  bool in_memory = false;  // its results are, though its readers might compute them
};

struct Graph {
  std::vector<GraphValue> values;
  std::vector<GraphOp> ops;  // in order of dependence
  std::vector<ValueId> inputs, outputs;

  const GraphValue& value(ValueId v) const { return values[v]; }
  const GraphOp& op(OpId o) const { return ops[o]; }
  /// The op that computes v, or null.
  const GraphOp* producer(ValueId v) const { return value(v).op < 0 ? nullptr : &op(value(v).op); }
};

/// Drops operations that nothing needs, and lists again who computes and uses what.
void prune(Graph& graph);

/// The text of a graph, a line a value: "%3:f32[128] = reduce max %2". Inputs and constants come first.
std::string to_string(const Graph& graph);
/// What an operation does, and to which values: "reduce max %2".
std::string op_text(const GraphOp& op);

}  // namespace tf2jax::compiler
