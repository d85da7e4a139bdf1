// Activations and losses as JAX defines them.
#pragma once
#include "tf2jax/trace/array.h"

namespace tf2jax::tf_import::nn {

Array relu(const Array& x);   // derivative 0 at 0
Array relu6(const Array& x);
Array elu(const Array& x);
Array selu(const Array& x);
Array softplus(const Array& x);
Array softmax(const Array& x);       // along the last axis
Array log_softmax(const Array& x);

}  // namespace tf2jax::tf_import::nn
