// The inlined elementary functions, by family. Bounds are the largest error measured over the tests' sweeps, in units
// in the last place (ulp); where there is no other source the polynomials are minimax fits (Remez' exchange) of our
// own.
#pragma once
#include <numbers>

#include "tf2jax/compiler/codegen/math/internal/math.h"

namespace tf2jax::codegen {

// Of floats or doubles.
Vec exp_of(const Vec& x);
Vec exp2_of(const Vec& x);
Vec expm1_of(const Vec& x);
Vec tanh_of(const Vec& x);
Vec logistic_of(const Vec& x);
Vec log_of(const Vec& x);
Vec log1p_of(const Vec& x);
Vec log2_of(const Vec& x);
Vec sin_of(const Vec& x);
Vec cos_of(const Vec& x);
Vec sinh_of(const Vec& x);
Vec cosh_of(const Vec& x);
Vec tan_of(const Vec& x);
/// fmod of doubles.
Vec rem_of(const Vec& x, const Vec& y);

// Of floats.
Vec asin_of(const Vec& x);
Vec acos_of(const Vec& x);
Vec atan_of(const Vec& x);
Vec atan2_of(const Vec& y, const Vec& x);
Vec erf_of(const Vec& x);
Vec erfc_of(const Vec& x);
Vec erf_inv_of(const Vec& x);
Vec asinh_of(const Vec& x);
Vec acosh_of(const Vec& x);
Vec atanh_of(const Vec& x);
Vec cbrt_of(const Vec& x);
Vec pow_of(const Vec& x, const Vec& y);

// Of doubles. tan: |x| up to 1e9, beyond that tan_of.
Vec tan_of_double(const Vec& x);
Vec asin_of_double(const Vec& x);
Vec acos_of_double(const Vec& x);
Vec atan_of_double(const Vec& x);
Vec atan2_of_double(const Vec& y, const Vec& x);
Vec asinh_of_double(const Vec& x);
Vec acosh_of_double(const Vec& x);
Vec atanh_of_double(const Vec& x);
Vec cbrt_of_double(const Vec& x);
Vec pow_of_double(const Vec& x, const Vec& y);
Vec erf_of_double(const Vec& x);
Vec erfc_of_double(const Vec& x);

/// exp(x) for finite x whose result does not underflow below the subnormals or overflow by much; NaN passes.
Vec exp_in_range(const Vec& x);
/// 2^(high + low) of doubles for |high| up to 1100 and low below an ulp of it.
Vec exp2_sum(const Vec& high, const Vec& low);
/// log(x) for positive finite x.
Vec log_positive(const Vec& x);
/// log(1 + r + low) + e ln2 of doubles, for r in [sqrt(1/2) - 1, sqrt(2) - 1] and low of the size of rounding errors.
Vec log_sum(const Vec& r, const Vec& e, const Vec& low);

/// The integer nearest to a small x * factor, as a float, and the word that ends in its lowest bits.
struct Rounded {
  Vec value;
  Vec word;
};
Rounded nearest(const Vec& x, double factor, double shift = 0.0);

inline Vec widen(const Vec& x) { return cast(x, x.ir().b.getDoubleTy(), llvm::Instruction::FPExt); }
inline Vec narrow(const Vec& x) { return cast(x, x.ir().b.getFloatTy(), llvm::Instruction::FPTrunc); }

}  // namespace tf2jax::codegen
