// Positions that a graph computes: what is known of them where they are traced.
#pragma once
#include <cstdint>
#include <optional>

#include "tf2jax/tf_import/internal/scope.h"

namespace tf2jax::tf_import {

/// b - a of two integer tensors, or of element `element` of both vectors (-1: scalars), where it does not depend on
/// values: each is followed through packing, sums with constants and products with them. Tensors that are fed are what
/// they are.
std::optional<std::int64_t> constant_distance(const Scope& scope, const Plan& plan, TensorRef a, TensorRef b,
                                              int element);

/// Element `element` of a vector of integers (-1: a scalar), where it does not depend on values: a number that is
/// packed with traced ones.
std::optional<std::int64_t> constant_element(const Scope& scope, const Plan& plan, TensorRef x, int element);

}  // namespace tf2jax::tf_import
