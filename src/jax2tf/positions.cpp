// Index vectors: their type, batching axes as components, bounds.
#include "tf2jax/jax2tf/internal/positions.h"

#include <algorithm>
#include <limits>

namespace tf2jax::jax2tf {
// Numbers that i32 lacks are outside any operand, and stay so.
Tensor narrowed(Lowering& c, const Tensor& x) {
  constexpr double kTop = std::numeric_limits<std::int32_t>::max();
  if (x.dtype == i32 || itemsize(x.dtype) < 4) return c.cast(x, i32);
  Tensor y = c.binary("Minimum", x, c.scalar(x.dtype, static_cast<std::int64_t>(kTop)));
  if (x.dtype == i64) y = c.binary("Maximum", y, c.scalar(x.dtype, std::int64_t{-1}));
  return c.node("Cast", {y}, {i32, x.shape});
}

namespace {

Tensor limits(Lowering& c, const Positions& at, const Shape& operand, const Shape& window) {
  Shape last;
  for (const auto axis : at.map) last.push_back(operand[axis] - window[axis]);
  return c.sizes(last);
}

}  // namespace

Positions positions(Lowering& c, const Tensor& indices, const ScatterDims& dims) {
  Positions at;
  at.vectors = narrowed(c, indices);
  at.map = dims.scatter_dims_to_operand_dims;
  at.gone = dims.inserted_window_dims;
  at.rank = static_cast<std::int64_t>(indices.shape.size()) - 1;
  Tensors columns{at.vectors};
  Shape column = at.batch();
  column.emplace_back(1);
  for (std::size_t k = 0; k < dims.operand_batching_dims.size(); ++k) {
    columns.push_back(c.iota(i32, column, dims.scatter_indices_batching_dims[k]));
    at.map.push_back(dims.operand_batching_dims[k]);
    at.gone.push_back(dims.operand_batching_dims[k]);
  }
  at.vectors = c.concat(columns, at.rank);
  std::ranges::sort(at.gone);
  return at;
}

Tensor clamped(Lowering& c, const Positions& at, const Shape& operand, const Shape& window) {
  if (at.map.empty()) return at.vectors;
  const Tensor low = c.binary("Minimum", at.vectors, limits(c, at, operand, window));
  return c.binary("Maximum", low, c.index(0));
}

Tensor inside(Lowering& c, const Positions& at, const Shape& operand, const Shape& window) {
  if (at.map.empty()) return c.broadcast(c.constant(Array(true)), at.batch());
  const Tensor low = c.compare("GreaterEqual", at.vectors, c.index(0));
  const Tensor high = c.compare("LessEqual", at.vectors, limits(c, at, operand, window));
  const Tensor both = c.binary("LogicalAnd", low, high);
  return c.node("All", {both, c.ints({at.rank})}, {bool_, at.batch()}, {{"keep_dims", false}});
}

}  // namespace tf2jax::jax2tf
