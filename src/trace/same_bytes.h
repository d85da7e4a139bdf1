// Equality of constants.
#pragma once
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// Both concrete, with the same dtype, shape and bytes: -0 differs from 0, a NaN equals itself.
bool same_bytes(const Array& a, const Array& b);

}  // namespace tf2jax
