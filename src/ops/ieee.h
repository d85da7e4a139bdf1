// NumPy-like functions about the parts of floating-point numbers: signs, infinities, NaN, and sums without overflow.
// Operands broadcast and promote as those of elementwise.h.
#pragma once
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// True where the sign is negative, that of -0 and NaN included. Integers: x < 0; bools: false. Derivative 0.
/// Throws: DtypeError for complex numbers.
Array signbit(const Array& x);
/// |x| with the sign of y; integers become floating. Gradient: in x. Throws: DtypeError for complex numbers.
Array copysign(const Array& x, const Array& y);
/// 0 where x is negative, 1 where it is positive, h where it is zero, NaN where it is NaN; integers become floating.
Array heaviside(const Array& x, const Array& h);
/// The larger (smaller) of x and y; NaN loses.
Array fmax(const Array& x, const Array& y);
Array fmin(const Array& x, const Array& y);
/// NaN becomes `nan`, infinities the largest numbers of the dtype, of complex numbers in either part. Integers and
/// bools stay. Derivative 0 where something was put in place.
Array nan_to_num(const Array& x, double nan = 0.0);
/// sqrt(x^2 + y^2) without overflow; infinite where either is. Integers become floating. Throws: DtypeError for complex
/// numbers.
Array hypot(const Array& x, const Array& y);
/// log(e^x + e^y) without overflow, of complex numbers with its imaginary part in [-pi, pi); logaddexp2: log2(2^x +
/// 2^y) of real ones. Integers become floating.
Array logaddexp(const Array& x, const Array& y);
Array logaddexp2(const Array& x, const Array& y);
/// log(logistic(x)) without overflow.
Array log_sigmoid(const Array& x);
/// The argument of complex numbers in [-pi, pi]; of real ones 0 or pi, in f32 (f64 with Config::enable_x64) as in JAX.
Array angle(const Array& x);

}  // namespace tf2jax
