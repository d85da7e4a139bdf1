// From a program to its graph.
#pragma once
#include "tf2jax/compiler/graph/graph.h"

namespace tf2jax::compiler {

/// Builds the graph of a program whose constants and sizes are concrete.
/// Throws: UnexpectedTracerError for traced constants.
Graph build_graph(const Jaxpr& jaxpr);

}  // namespace tf2jax::compiler
