// Positions that gathers and scatters read and write at, in one form.
#pragma once
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/gather.h"

namespace tf2jax::jax2tf {

/// Where windows start: axes that are walked together with the indices have become components of the index vectors.
struct Positions {
  Tensor vectors;         // i32[batch…, component]
  Axes map;               // the operand axis of each component
  Axes gone;              // operand axes that windows do not keep, ascending
  std::int64_t rank = 0;  // of the batch
  Shape batch() const { return {vectors.shape.begin(), vectors.shape.end() - 1}; }
};
/// Positions as i32: those that it lacks become others that are as far outside.
Tensor narrowed(Lowering& c, const Tensor& positions);
/// `dims` in the words of a scatter.
Positions positions(Lowering& c, const Tensor& indices, const ScatterDims& dims);
/// Indices that keep a window of `window` inside `operand`, and a bool[batch…] that says which were inside.
Tensor clamped(Lowering& c, const Positions& at, const Shape& operand, const Shape& window);
Tensor inside(Lowering& c, const Positions& at, const Shape& operand, const Shape& window);

}  // namespace tf2jax::jax2tf
