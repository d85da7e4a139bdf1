// Special functions beyond the elementary ones: incomplete gamma and beta, zeta, polygamma, Bessel.
#pragma once
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

const Primitive& igamma_p();
const Primitive& igammac_p();
const Primitive& igamma_grad_a_p();
const Primitive& polygamma_p();
const Primitive& zeta_p();
const Primitive& regularized_incomplete_beta_p();
const Primitive& bessel_i0e_p();
const Primitive& bessel_i1e_p();
/// The primitives of special.cpp.
void append_special_primitives(std::vector<Primitive>& out);

// Operands are floating (integers become so), broadcast and promote.

/// Regularised lower incomplete gamma function P(a, x), and the upper one, 1 - P. Gradient: in a and x.
Array igamma(const Array& a, const Array& x);
/// The regularised upper incomplete gamma function, 1 - P(a, x), accurate where it is small.
Array igammac(const Array& a, const Array& x);
/// The derivative of P(a, x) in a. Not differentiable.
Array igamma_grad_a(const Array& a, const Array& x);
/// Derivative of order n of digamma. Gradient: in x only.
Array polygamma(const Array& n, const Array& x);
/// Hurwitz zeta function, the sum of (q + k)^-x. Gradient: with respect to q.
Array zeta(const Array& x, const Array& q);
/// Regularised incomplete beta function I_x(a, b). Gradient: in x only.
Array betainc(const Array& a, const Array& b, const Array& x);
/// Modified Bessel functions of order 0 and 1, times exp(-|x|).
Array bessel_i0e(const Array& x);
/// The modified Bessel function of order 1, times exp(-|x|).
Array bessel_i1e(const Array& x);

}  // namespace tf2jax
