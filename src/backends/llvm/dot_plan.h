// How a dot reads its operands in place: transposes, reshapes, slices and broadcasts become strides.
#pragma once
#include "tf2jax/backends/llvm/fusion.h"

namespace tf2jax::compiler {

/// Requires: the axes of each operand come in runs (see GraphBuilder::rewrite_dot).
DotPlan plan_dot(const Graph& graph, const GraphOp& op, const Dims& out_strides);
/// True when a result with these strides can be written by one product.
bool is_dot_layout(const Graph& graph, const GraphOp& op, const Dims& out_strides);
/// True when the axes, in this order, step through memory evenly in a row-major value of these sizes.
bool is_run(const Axes& axes, const Dims& dims);

}  // namespace tf2jax::compiler
