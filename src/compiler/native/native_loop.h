// Native loops: scans and while loops with small bodies as one kernel.
#pragma once
#include <optional>
#include <variant>

#include "tf2jax/compiler/graph/graph.h"

namespace tf2jax::compiler {

struct NativeLoop {
  loops::Kernel kernel;
  std::vector<std::variant<ValueId, Array>>
      buffers;  // values of the graph around it, or constants; in the order of the kernel's
};

/// The kernel of a scan or while loop. Empty where the body computes too much, or something that is not a loop.
/// `lanes`: elements of a vector.
std::optional<NativeLoop> lower_native_loop(const Graph& graph, const GraphOp& op, int lanes);

/// The two kinds: bodies written out element by element with carries in registers, and nests over carries in memory.
std::optional<NativeLoop> lower_scalar_loop(const Graph& graph, const GraphOp& op);
std::optional<NativeLoop> lower_vector_loop(const Graph& graph, const GraphOp& op, int lanes);

}  // namespace tf2jax::compiler
