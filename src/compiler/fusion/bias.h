// What products and convolutions add to their results themselves.
#pragma once
#include <optional>

#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

/// The parameters of a convolution for the library; empty where only the eager kernel has its types.
std::optional<kernels::ConvSpec> conv_spec(const Graph& graph, const GraphOp& op, bool constant_rhs);

/// The product or convolution with constant weights to which `sum` only adds a vector along the last axis, an input or
/// a constant. Its result must not be read by anything else. Products with other weights go to sgemm, which has no
/// bias: those that have one take up to a third longer.
std::optional<std::pair<OpId, Bias>> find_bias(const Graph& graph, const GraphOp& sum);

}  // namespace tf2jax::compiler
