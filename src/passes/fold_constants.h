// Constant folding.
#pragma once
#include <optional>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

constexpr std::int64_t kLargestFolded = std::int64_t{1} << 24;  // elements of a constant made while compiling

/// The result of an equation with one result whose operands are all known, where it is small: no larger than an operand
/// or 4096 elements. Nothing for effects, control flow, and numbers that are everywhere the same, which are cheaper to
/// know than to read.
std::optional<Array> fold_equation(const Primitive& primitive, const EquationParams& params,
                                   std::span<const Array> operands, const Avals& results);

/// The program in which what depends on constants alone is a constant, where `fold_equation` says so.
Jaxpr fold_constants(const Jaxpr& jaxpr);

}  // namespace tf2jax
