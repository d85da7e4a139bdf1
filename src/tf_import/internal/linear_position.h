// Positions that a graph computes: how two of them differ.
#pragma once
#include <cstdint>
#include <optional>

#include "tf2jax/tf_import/internal/scope.h"

namespace tf2jax::tf_import {

/// factor * base + offset, where `base` is a scalar, or element `element` of a vector. Without factor: the offset
/// alone.
struct LinearPosition {
  TensorRef base;
  int element = -1;
  std::int64_t factor = 0, offset = 0;
};

/// What element `element` of an integer vector (-1: a scalar) is, through packing, sums with constants and products
/// with them. Tensors that are fed are what they are.
LinearPosition linear_position(const Scope& scope, const Plan& plan, TensorRef ref, int element);

/// b - a, where it does not depend on values. `element` as above, of both.
std::optional<std::int64_t> constant_distance(const Scope& scope, const Plan& plan, TensorRef a, TensorRef b,
                                              int element);

}  // namespace tf2jax::tf_import
