// Common subexpression elimination.
#pragma once
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// The program in which equal applications to equal operands are computed once; effectful ones stay. Equal means the
/// same primitive, equal params and the same variables or bit-equal literals. Nested programs are left as they are.
Jaxpr cse(const Jaxpr& jaxpr);

}  // namespace tf2jax
