// The jaxpr interpreter: runs a program equation by equation through the eager kernels.
#pragma once
#include "tf2jax/trace/backend.h"

namespace tf2jax::cpu {

/// Prepares a program once (kernels resolved, last uses known) and runs it many times.
std::shared_ptr<const Executable> make_interpreter(const Jaxpr& jaxpr, const Backend& backend);

}  // namespace tf2jax::cpu
