// How long kernels take, roughly: enough to decide on threads.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::compiler {

/// Iterations of a kernel's parallel index space that are worth a thread.
std::int64_t grain_of(const loops::Kernel& kernel, int lanes);
/// Whether a kernel runs on several threads.
bool is_parallel(const loops::Kernel& kernel, int lanes);

}  // namespace tf2jax::compiler
