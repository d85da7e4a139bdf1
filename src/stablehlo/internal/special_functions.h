// Special functions in operations that StableHLO has: what consumers run that do not know them by name.
#pragma once
#include <span>

#include "tf2jax/ops/random.h"

namespace tf2jax::stablehlo::written_out {

// Operands of one floating type and shape. All are computed in f64, as the kernels of this library are, unless said
// otherwise.
Array lgamma(const Array& x);
Array digamma(const Array& x);
/// f32 and narrower types by a rational function in f32, as JAX does.
Array erf(const Array& x);
Array erfc(const Array& x);
Array erf_inv(const Array& x);
Array bessel_i0e(const Array& x);
Array bessel_i1e(const Array& x);
/// By its bits.
Array nextafter(const Array& x, const Array& y);
Array igamma(const Array& a, const Array& x);
Array igammac(const Array& a, const Array& x);
Array igamma_grad_a(const Array& a, const Array& x);
Array random_gamma_grad(const Array& a, const Array& x);
/// NaN where more than 20000 terms would be summed one by one, which is far to the left of 0.
Array zeta(const Array& x, const Array& q);
Array polygamma(const Array& n, const Array& x);
Array betainc(const Array& a, const Array& b, const Array& x);

// Of complex operands: with the signs, infinities and branch cuts of C's functions. c64 is computed in f64.
Array asin(const Array& z);
Array acos(const Array& z);
Array atan(const Array& z);
Array asinh(const Array& z);
Array acosh(const Array& z);
Array atanh(const Array& z);

/// What random_gamma draws, computed in the type of `alpha`, f32 at least. Keys are u32[…, 2].
Array gamma_samples(const Array& keys, const Array& alpha, const RandomGamma& params);

/// Horner's rule, highest power first.
Array polynomial(const Array& x, std::span<const double> coefficients);

}  // namespace tf2jax::stablehlo::written_out
