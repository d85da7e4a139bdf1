// LU factorisation, and what is computed from it.
#include "tf2jax/ops/dot.h"

#include <algorithm>
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/linalg/internal/matrices.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

using namespace matrices;

namespace {

// The rows of each matrix in the order that a vector of the stack gives.
Array rows_in_order(const Array& x, const Array& order) {
  const std::int64_t stack = x.rank() - 2;
  if (std::ranges::any_of(x.shape(), [](Dim d) { return identical(d, Dim(0)); })) return x;
  GatherDims d;
  d.offset_dims = {stack + 1};
  d.collapsed_slice_dims = d.start_index_map = {stack};
  d.operand_batching_dims = d.start_indices_batching_dims = iota_axes(stack);
  Dims window(x.rank(), 1);
  window.back() = x.shape().back().value();
  return gather(x, expand_dims(order, {-1}), d, window, {.mode = GatherScatterMode::promise_in_bounds});
}

// A matrix with zeros behind its rows or columns.
Array with_zeros(const Array& a, std::int64_t axis, std::int64_t count) {
  std::vector<PadAxis> padding(a.rank(), PadAxis{0, 0, 0});
  padding[axis].high = count;
  return pad(a, rules::scalar_of(a.dtype(), 0), padding);
}

// The factors of m x n as square matrices, completed by the identity.
Array lower_of(const Array& lu, std::int64_t m, std::int64_t k) {
  const std::int64_t axis = lu.rank() - 1;
  return with_zeros(tril(slice_in_dim(lu, 0, k, 1, axis), -1), axis, m - k) + identity(m, lu.dtype());
}
Array upper_of(const Array& lu, std::int64_t n, std::int64_t k) {
  const std::int64_t axis = lu.rank() - 2;
  const Array ones_behind =
      rules::as_dtype(greater_equal(iota(DType::i32, {Dim(n)}, 0), static_cast<std::int32_t>(k)), lu.dtype());
  return with_zeros(triu(slice_in_dim(lu, 0, k, 1, axis)), axis, n - k) + identity(n, lu.dtype()) * ones_behind;
}

// dL = L tril(M, -1) and dU = triu(M) U, M = L^-1 P dA U^-1.
JvpResult lu_jvp(std::span<const Array> x, std::span<const Tangent> t, const NoParams&) {
  const Arrays out = lu_p().bind({x[0]});
  Tangents tangents{Tangent::zero(out[0].aval()), Tangent::zero(out[1].aval()), Tangent::zero(out[2].aval())};
  if (t[0].is_zero()) return {out, tangents};
  const auto [rows, columns] = matrix_size(x[0].aval());
  const std::int64_t m = rows.value(), n = columns.value(), k = std::min(m, n);
  const Array l = lower_of(out[0], m, k), u = upper_of(out[0], n, k);
  const Array left = triangular_solve(l, rows_in_order(t[0].value(), out[2]), {.unit_diagonal = true});
  const Array inner = triangular_solve(u, left, {.left_side = false, .lower = false});
  const Array dl = matmul(l, tril(inner, -1)), du = matmul(triu(inner), u);
  tangents[0] = Tangent(dl + du);
  return {out, tangents};
}

Avals lu_aval(std::span<const Aval> x, const NoParams&) {
  check_matrix("lu", x[0]);
  const auto [m, n] = matrix_size(x[0]);
  Shape pivots = stack_shape(x[0]), permutation = pivots;
  pivots.push_back(min(m, n));
  permutation.push_back(m);
  return {x[0].strong(), Aval{DType::i32, pivots, false}, Aval{DType::i32, permutation, false}};
}

// The sign of the permutation that the swaps of rows make.
Array swaps_sign(const Array& pivots, DType dtype) {
  const Array moved = not_equal(pivots, iota(DType::i32, pivots.shape(), pivots.rank() - 1));
  const Array odd = rem(reduce_sum(astype(moved, DType::i32), {pivots.rank() - 1}), 2);
  return rules::as_dtype(sub(1, mul(2, odd)), dtype);
}

}  // namespace

const Primitive& lu_p() {
  static const Primitive p = make_primitive({
      .name = "lu",
      .operands = 1,
      .aval = lu_aval,
      .jvp = lu_jvp,
      .batch = batch_leading(lu_p),
  });
  return p;
}

LuFactors lu(const Array& a) {
  const Array x = to_inexact(a);
  const Arrays out = lu_p().bind({x});
  return {out[0], out[1], out[2]};
}

Array solve(const Array& a, const Array& b) {
  const Array all[] = {to_inexact(a), to_inexact(b)};
  const DType dtype = result_type(all).dtype;
  const Array matrix = rules::as_dtype(all[0], dtype), right = rules::as_dtype(all[1], dtype);
  check_square("solve", matrix.aval());
  check<ShapeError>(right.rank() > 0, "solve: the right side must have an axis. Got {} and {}.", a.aval(), b.aval());
  const bool is_vector = right.rank() == 1;
  const Array columns = is_vector ? expand_dims(right, {1}) : right;
  check<ShapeError>(
      definitely_equal(matrix_size(columns.aval()).first, matrix_size(matrix.aval()).first).value_or(false),
      "solve: the right side must have as many rows as the matrix. Got {} and {}.", a.aval(), b.aval());
  const Shape stacks[] = {stack_shape(matrix.aval()), stack_shape(columns.aval())};
  const Shape stack = broadcast_shapes(stacks, "solve");
  const auto widened = [&](const Array& x) {
    Shape shape = stack;
    shape.insert(shape.end(), x.shape().end() - 2, x.shape().end());
    return broadcast_to(x, shape);
  };
  const LuFactors f = lu(widened(matrix));
  const Array y = triangular_solve(f.lu, rows_in_order(widened(columns), f.permutation), {.unit_diagonal = true});
  const Array x = triangular_solve(f.lu, y, {.lower = false});
  return is_vector ? squeeze(x, {-1}) : x;
}

Array inv(const Array& a) {
  const Array x = to_inexact(a);
  check_square("inv", x.aval());
  return solve(x, broadcast_to(identity(matrix_size(x.aval()).first, x.dtype()), x.shape()));
}

Array det(const Array& a) {
  const Array x = to_inexact(a);
  check_square("det", x.aval());
  const LuFactors f = lu(x);
  return swaps_sign(f.pivots, x.dtype()) * prod(diagonals(f.lu), {-1});
}

std::pair<Array, Array> slogdet(const Array& a) {
  const Array x = to_inexact(a);
  check_square("slogdet", x.aval());
  const LuFactors f = lu(x);
  const Array d = diagonals(f.lu);
  return {swaps_sign(f.pivots, x.dtype()) * prod(sign(d), {-1}), sum(log(abs(d)), -1)};
}

}  // namespace tf2jax
