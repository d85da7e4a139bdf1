// The simplifications that need no backend, together.
#pragma once
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// A program with the same results, bit for bit, and fewer equations: calls inlined, constants folded, identities,
/// equal equations and dead ones gone. Inputs and effects stay. For what runs or writes programs equation by equation;
/// the compiler's graph does each step as it is built. Throws: ResourceExhaustedError past Config::max_expanded_nodes
/// equations.
Jaxpr simplify(const Jaxpr& jaxpr);

}  // namespace tf2jax
