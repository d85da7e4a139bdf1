// Names of the functions that emitted code calls.
#pragma once
#include <string>

#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::codegen {

/// void(T* out, const T* x, [const T* y,] int64 n)
std::string runtime_name(loops::Op op, unsigned bits);
/// void(const char* kernel, int64 node or -1 - buffer, const int64* index, const bool* active, int64 lanes, int64
/// elements)
inline constexpr const char* kOutOfBounds = "tf2jax_out_of_bounds";

}  // namespace tf2jax::codegen
