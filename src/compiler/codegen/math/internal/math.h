// The elementary functions on vectors, inlined as polynomials or called in the C library.
#pragma once
#include <span>

#include "tf2jax/compiler/codegen/math/internal/vec.h"
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::codegen {

/// `op`, one of exp … erfc without the integer ones, of floats or doubles.
Vec elementary(loops::Op op, const Vec& x);
/// pow, atan2 or rem (the remainder of truncating division).
Vec elementary(loops::Op op, const Vec& x, const Vec& y);

/// One of hash_first, hash_second and hash_both of words.
Vec hash(loops::Op op, const Vec& k0, const Vec& k1, const Vec& counter);

/// Calls the C library once per lane.
Vec call_libm(loops::Op op, const Vec& x);
Vec call_libm(loops::Op op, const Vec& x, const Vec& y);

/// Functions that emitted code may call: their names and addresses.
struct RuntimeSymbol {
  std::string name;
  void* address;
};
std::span<const RuntimeSymbol> runtime_symbols();

/// x * 2^n, rounded once, for integral n in [-300, 300] (f32: float n; f64: up to 2100) and |x| in [1/4, 4].
Vec scale(const Vec& x, const Vec& n);
/// x / y within an ulp, for y in [1, 4].
Vec quotient(const Vec& x, const Vec& y);
struct Frexp {
  Vec mantissa;  // in [sqrt(1/2), sqrt(2))
  Vec exponent;  // as a float
};
/// x = mantissa * 2^exponent for positive finite x, subnormal or not; anything for the others.
Frexp split(const Vec& x);

}  // namespace tf2jax::codegen
