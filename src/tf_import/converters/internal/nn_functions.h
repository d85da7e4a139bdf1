// Activations whose derivatives at special points matter.
#pragma once
#include "tf2jax/trace/array.h"

namespace tf2jax::tf_import::nn {

/// max(x, 0) with derivative 0 at 0; NaN stays NaN.
Array relu(const Array& x);
/// log(1 + exp(x)); the derivative is the sigmoid, at infinities too.
Array softplus(const Array& x);

/// x where the condition holds, else 0.
Array kept(const Array& condition, const Array& x);

}  // namespace tf2jax::tf_import::nn
