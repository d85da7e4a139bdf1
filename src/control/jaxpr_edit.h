// Small edits of programs that control-flow rules need: reordering and ignoring inputs and outputs.
#pragma once
#include <optional>
#include <vector>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

using Order = std::vector<std::size_t>;

/// The program with input i taken from position in_order[i] of the original inputs, outputs likewise. An empty order
/// keeps the inputs, a missing one the outputs. Outputs may be dropped or repeated.
Jaxpr reorder(const Jaxpr& jaxpr, const Order& in_order, const std::optional<Order>& out_order = {});
/// The program with further inputs, which it ignores, at the end.
Jaxpr ignore_inputs(const Jaxpr& jaxpr, const Avals& extra);

}  // namespace tf2jax
