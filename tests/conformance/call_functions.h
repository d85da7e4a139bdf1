// The C++ functions that calls of JAX's Python functions stand for.
#pragma once
#include "expression.h"

namespace conformance {

/// jax.numpy, jax.nn, jax.lax and the like: the function of the library of that name. Calls throw Unsupported for
/// arguments that it does not take. Nothing where the library has no such function.
std::optional<Value> public_function(const std::string& name);

}  // namespace conformance
