// Running loop programs statement by statement: the judge of plans, without a code generator.
#pragma once
#include "tf2jax/backends/llvm/loop_program.h"

namespace tf2jax::loops {

/// Runs iterations [0, range) of a kernel, one element at a time. Much slower than compiled code, and it checks what that
/// takes for granted: that every access lies inside its buffer, and that no iteration or lane touches what another one
/// that may run beside it has written.
/// Throws: InternalError naming the statement.
void simulate(const Kernel& kernel, void* const* buffers, std::int64_t range);

}  // namespace tf2jax::loops
