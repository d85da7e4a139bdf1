// Inlining of calls.
#pragma once
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// The program in which calls (jit, custom_jvp_call, custom_vjp_call, and checkpoint where it is not differentiated)
/// are replaced by what they call, at any depth. Bodies of control flow are left as they are. Throws:
/// ResourceExhaustedError past Config::max_expanded_nodes equations.
Jaxpr inline_calls(const Jaxpr& jaxpr);

}  // namespace tf2jax
