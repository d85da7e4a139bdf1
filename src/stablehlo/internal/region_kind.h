// What a small region computes: the combining functions that StableHLO writes out where primitives have names.
#pragma once
#include <string>
#include <string_view>

#include "tf2jax/stablehlo/internal/translator.h"

namespace tf2jax::stablehlo {

/// The region as a text in which values are named by their place: "compare.GT(a0,a2);or(r0,r1);return(r1)". Two regions
/// with one text compute the same. Values from outside are `?`, each its own.
std::string signature(const Module& module, const Region& region);

enum class Combiner : std::uint8_t { none, add, multiply, maximum, minimum, and_, or_, xor_, subtract, second };

/// What a region of two scalars returns; `none` when it is something else. Bools are added by `or`.
Combiner combiner_of(const Module& module, const Region& region, DType dtype);
/// Whether combining with a known scalar changes nothing.
bool is_identity(Combiner combiner, const Array& scalar);
/// The two combined, element by element.
Array combine(Combiner combiner, const Array& x, const Array& y);

}  // namespace tf2jax::stablehlo
