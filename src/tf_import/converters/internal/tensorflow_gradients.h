// The derivatives of Config::gradient_convention = tf.
#pragma once
#include "tf2jax/tf_import/converter.h"

namespace tf2jax::tf_import {

/// Gives the operations in `table` that have another gradient in TensorFlow that one, while the convention is tf.
void add_tensorflow_gradients(ConverterTable& table);

/// `x`; under the convention tf the cotangents of complex numbers are conjugated, since a gradient of TensorFlow's is
/// the conjugate of JAX's. Forward mode through complex numbers is then refused.
Array at_gradient_boundary(const Array& x);

}  // namespace tf2jax::tf_import
