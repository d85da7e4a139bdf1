// Running loop programs statement by statement: the judge of plans, without a code generator.
#pragma once
#include <optional>

#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::loops {

/// Runs iterations [0, range) of a kernel, one element at a time. Much slower than compiled code, and it checks what
/// that takes for granted: that every access lies inside its buffer, and that no iteration or lane touches what another
/// one that may run beside it has written. Throws: InternalError naming the statement.
void simulate(const Kernel& kernel, void* const* buffers, std::int64_t range);

/// How often each element of each buffer is written, without data: loops and the masks on their variables are followed,
/// both sides of branches are taken, loops of unknown length run once. `memory`: what names the memory of each buffer
/// (-1 for scratch); a buffer that is only read may share one with a written buffer if it is read before. Nothing where
/// the kernel has too many accesses to count them. Throws: InternalError as `simulate`.
std::optional<std::vector<std::vector<std::int32_t>>> count_writes(const Kernel& kernel,
                                                                   const std::vector<std::int64_t>& memory);

}  // namespace tf2jax::loops
