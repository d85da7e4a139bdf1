// Products of tiny matrices as loops.
#pragma once
#include "tf2jax/compiler/graph/graph.h"

namespace tf2jax::compiler {

/// Writes products of (batches of) tiny matrices as sums of products of elements, which join the loops around them.
/// Calling a library for each takes longer than the product.
void expand_tiny_products(Graph& graph);

}  // namespace tf2jax::compiler
