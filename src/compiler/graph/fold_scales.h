// Folding affine chains into constant weights.
#pragma once
#include "tf2jax/compiler/graph/graph.h"

namespace tf2jax::compiler {

/// Folds multiplications and additions by constants of each feature into the constant weights of the product or
/// convolution they follow: conv(x, w) * s + b becomes conv(x, w s) + b. True when it did: operations that nothing
/// needs any more and stale lists of users are left then.
bool fold_scales(Graph& graph);

}  // namespace tf2jax::compiler
