// How a dot reads its operands in place: transposes, reshapes, slices and broadcasts become strides.
#pragma once
#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

/// Requires: the axes of each operand come in runs (see rewrite/dot.cpp).
DotLayout dot_layout(const Graph& graph, const GraphOp& op, const Dims& out_strides);
/// True when a result with these strides can be written by one product.
bool is_dot_layout(const Graph& graph, const GraphOp& op, const Dims& out_strides);

}  // namespace tf2jax::compiler
