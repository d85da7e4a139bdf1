// The derivative of a gamma variate in its parameter.
#pragma once
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// dx/da of a draw x of the gamma distribution with parameter a whose place in the distribution is held fast:
/// -(dP/da) / (dP/dx) for P(a, x) = igamma. Operands of one floating type; NaN for a <= 0 and x < 0. Has no derivative
/// of its own, as in JAX. Source: Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", NeurIPS 2018.
const Primitive& random_gamma_grad_p();
Array random_gamma_grad(const Array& a, const Array& x);

}  // namespace tf2jax
