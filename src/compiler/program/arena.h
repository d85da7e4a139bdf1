// Placing values in the arena.
#pragma once
#include "tf2jax/compiler/program/program.h"

namespace tf2jax::compiler {

/// Gives every arena slot its offset; slots whose lives do not overlap share memory. Returns the arena's size in bytes.
std::int64_t plan_arena(std::vector<Program::Slot>& slots);

}  // namespace tf2jax::compiler
