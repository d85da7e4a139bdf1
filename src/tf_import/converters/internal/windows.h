// Windows of pooling operations.
#pragma once
#include "tf2jax/ops/window.h"
#include "tf2jax/tf_import/node.h"

namespace tf2jax::tf_import {

/// A window with the same results over an operand of shape `x`, without the elements that lie in the padding always.
/// Requires: one entry per axis, sizes and strides positive, dilations likewise or absent.
/// Throws: ResourceExhaustedError when elements times results of one axis are more than Config::max_array_elements.
Window within_operand(const Shape& x, Window window);

}  // namespace tf2jax::tf_import
