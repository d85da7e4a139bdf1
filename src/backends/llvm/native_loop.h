// Native loops: scans and while loops over few scalars as one kernel.
#pragma once
#include <variant>

#include "tf2jax/backends/llvm/graph.h"

namespace tf2jax::compiler {

struct NativeLoop {
  loops::Kernel kernel;
  std::vector<std::variant<ValueId, Array>> buffers;   // values of the graph around it, or constants; in the order of the kernel's
};

/// The kernel of a scan or while loop. Empty where the body computes too much, or something that is not a loop.
std::optional<NativeLoop> lower_native_loop(const Graph& graph, const GraphOp& op);

}  // namespace tf2jax::compiler
