// Stochastic arithmetic: a program repeated with errors of a rounding or two after each operation, by which one tells
// what rounding decides (Vignes, "A stochastic arithmetic for reliable scientific computation", 1993).
#pragma once
#include <tf2jax/tf2jax.h>

#include "draw.h"

namespace tf2jax::fuzz {

/// Primitives whose zeros have the sign that the order of their terms gives them: sums, and extremes.
bool is_sum(const Primitive& p);
/// The outputs of the program, op by op, with errors.
Arrays noisy(const Jaxpr& program, const Arrays& inputs, Draw& draw);

}  // namespace tf2jax::fuzz
