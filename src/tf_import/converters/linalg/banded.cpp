// Systems with tridiagonal and banded matrices, and square roots of matrices.
#include "tf2jax/control/scan.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

// x with its elements along an axis moved by one, zeros where none come from.
Array shifted(const Array& x, std::int64_t axis, bool forward) {
  std::vector<PadAxis> by(x.rank(), PadAxis{0, 0, 0});
  by[axis < 0 ? axis + x.rank() : axis] = forward ? PadAxis{1, -1, 0} : PadAxis{-1, 1, 0};
  return pad(x, zeros({}, x.dtype()), by);
}

// The coefficients of one row of a system, from its first column on, and its right side [..., k].
struct SystemRow {
  Array first, second, third, right;
};

// Elimination with the larger of two pivots, then substitution backwards: LAPACK's gtsv.
Array solve_tridiagonal(const Array& upper, const Array& main, const Array& lower, const Array& right, bool pivots) {
  // Rows along axis 0; coefficients [m, ..., 1].
  const auto by_row = [](const Array& x) { return expand_dims(moveaxis(x, -1, 0), {-1}); };
  // The last element above the diagonal and the first below it count for nothing.
  const auto u = by_row(shifted(shifted(upper, -1, true), -1, false)), d = by_row(main), l = by_row(lower),
             r = moveaxis(right, -2, 0);
  const std::int64_t m = d.shape()[0].value();
  const auto row = [](const Array& x, std::int64_t i) { return squeeze(slice_in_dim(x, i, i + 1, 1, 0), {0}); };
  const auto rest = [&](const Array& x) { return slice_in_dim(x, 1, m, 1, 0); };
  const Arrays out = scan_flat(
      [&](const Arrays& v) {
        const SystemRow now{v[0], v[1], zeros_like(v[1]), v[2]}, next{v[3], v[4], v[5], v[6]};
        const Array swap = pivots ? greater(abs(next.first), abs(now.first)) : full(now.first.shape(), false);
        const auto pick = [&](const Array& a, const Array& b) { return where(swap, b, a); };
        const SystemRow top{pick(now.first, next.first), pick(now.second, next.second), pick(now.third, next.third),
                            pick(now.right, next.right)};
        const SystemRow low{pick(next.first, now.first), pick(next.second, now.second), pick(next.third, now.third),
                            pick(next.right, now.right)};
        const Array factor = divide(low.first, top.first);
        return Arrays{sub(low.second, mul(factor, top.second)),
                      sub(low.third, mul(factor, top.third)),
                      sub(low.right, mul(factor, top.right)),
                      top.first,
                      top.second,
                      top.third,
                      top.right};
      },
      {row(d, 0), row(u, 0), row(r, 0)}, {rest(l), rest(d), rest(u), rest(r)}, m - 1);
  const Array last = divide(out[2], out[0]);
  const Arrays back = scan_flat(
      [](const Arrays& v) {  // the two unknowns behind; a row
        const Array x = divide(sub(sub(v[5], mul(v[3], v[0])), mul(v[4], v[1])), v[2]);
        return Arrays{x, v[0], x};
      },
      {last, zeros_like(last)}, {out[3], out[4], out[5], out[6]}, m - 1, true);
  return moveaxis(concatenate({back[2], expand_dims(last, {0})}, 0), 0, -2);
}

Array row_of(const Array& x, std::int64_t i) { return squeeze(slice_in_dim(x, i, i + 1, 1, -2), {-2}); }

// Inputs: diagonals [..., 3, m], the upper one first, and right sides [..., m, k].
Values tridiagonal_solve(Node& n) {
  n.ignore({"perturb_singular"});
  const Array diagonals = n.array(0, 2), right = n.array(1, 2);
  check<ShapeError>(identical(diagonals.shape()[diagonals.rank() - 2], Dim(3)) &&
                        identical(diagonals.shape().back(), right.shape()[right.rank() - 2]) &&
                        right.rank() == diagonals.rank(),
                    "{}: expected three diagonals and right sides of as many rows. Got {} and {}.", n.op(),
                    diagonals.aval(), right.aval());
  if (right.size() == 0) return {right};
  return {solve_tridiagonal(row_of(diagonals, 0), row_of(diagonals, 1), row_of(diagonals, 2), right,
                            n.attr_or<bool>("partial_pivoting", true))};
}

// Inputs: upper, main and lower diagonal [..., 1, m], and a matrix [..., m, k].
Values tridiagonal_product(Node& n) {
  const Array x = n.array(3, 2);
  const auto column = [&](std::size_t i) { return swapaxes(n.array(i, 2), -1, -2); };
  const Array upper = column(0), main = column(1), lower = column(2);
  return {
      add(add(mul(upper, shifted(x, x.rank() - 2, false)), mul(main, x)), mul(lower, shifted(x, x.rank() - 2, true)))};
}

// Inputs: bands [..., k, m] and right sides [..., m, r]. The main diagonal is the first band of a lower matrix and the
// last of an upper one; element i of a band stands in row i.
Values banded_triangular_solve(Node& n) {
  const Array bands = n.array(0, 2), right = n.array(1, 2);
  const bool lower = n.attr_or<bool>("lower", true), adjoint = n.attr_or<bool>("adjoint", false);
  const std::int64_t count = bands.shape()[bands.rank() - 2].value();
  const Dim size = bands.shape().back();
  Shape shape(bands.shape().begin(), bands.shape().end() - 2);
  shape.insert(shape.end(), {size, size});
  const Array offset = sub(iota(i32, {size, size}, 1), iota(i32, {size, size}, 0));
  Array matrix = zeros(shape, bands.dtype());
  for (std::int64_t k = 0; k < count; ++k) {
    const Array on = equal(offset, static_cast<int>(lower ? -k : count - 1 - k));
    matrix = where(on, broadcast_to(expand_dims(row_of(bands, k), {-1}), shape), matrix);
  }
  const auto [a, b] = with_common_batch(n, matrix, right);
  return {triangular_solve(
      a, b, {.lower = lower, .transpose_a = adjoint, .conjugate_a = adjoint && is_complex(bands.dtype())})};
}

// Denman and Beavers' iteration (Higham, Functions of Matrices, 6.29), which converges quadratically to the principal
// square root; the steps suffice for condition numbers that a float or a double can express.
constexpr int kRootSteps = 40;

Values matrix_square_root(Node& n) {
  const Array a = n.array(0, 2);
  const Array one = broadcast_to(eye(a.shape().back().value(), {}, a.dtype()), a.shape());
  const Arrays out =
      scan_flat([](const Arrays& v) { return Arrays{mul(0.5, add(v[0], inv(v[1]))), mul(0.5, add(v[1], inv(v[0])))}; },
                {a, one}, {}, kRootSteps);
  return {out[0]};
}

}  // namespace

void add_banded_operations(ConverterTable& table) {
  table.add("TridiagonalSolve", tridiagonal_solve);
  table.add("TridiagonalMatMul", tridiagonal_product);
  table.add("BandedTriangularSolve", banded_triangular_solve);
  table.add("MatrixSquareRoot", matrix_square_root);
}

}  // namespace tf2jax::tf_import
