// The C++ functions that calls of JAX's Python functions stand for.
#pragma once
#include "expression.h"

namespace conformance {

/// jax.numpy, jax.nn, jax.lax and the like: the function of the library of that name. Calls throw Unsupported for
/// arguments that it does not take. Nothing where the library has no such function.
std::optional<Value> public_function(const std::string& name);
/// The result of calling it, one array. Throws: Unsupported where the library has no such function.
tf2jax::Array call_public(const std::string& name, const Arguments& arguments);

}  // namespace conformance
