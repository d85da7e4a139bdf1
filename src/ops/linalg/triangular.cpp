// Solving with triangular matrices.
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg/internal/matrices.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

using namespace matrices;

namespace {

Avals triangular_aval(std::span<const Aval> x, const TriangularSolve& p) {
  rules::same_dtype("triangular_solve", x);
  check_square("triangular_solve", x[0], true);  // halves compute in float
  const std::size_t r = x[0].shape.size();
  const bool fits =
      x[1].shape.size() == r &&
      identical(Shape(x[0].shape.begin(), x[0].shape.end() - 2), Shape(x[1].shape.begin(), x[1].shape.end() - 2)) &&
      definitely_equal(x[1].shape[p.left_side ? r - 2 : r - 1], x[0].shape[r - 1]).value_or(false);
  check<ShapeError>(fits, "triangular_solve: the shapes do not fit. Got a {} and b {} with left_side {}.", x[0], x[1],
                    p.left_side);
  return {x[1].strong()};
}

// op(a) x = b: op(a) dx = db - op(da) x, with da restricted to the triangle that is read.
JvpResult triangular_jvp(std::span<const Array> x, std::span<const Tangent> t, const TriangularSolve& p) {
  const Array y = triangular_solve_p().bind1({x[0], x[1]}, p);
  Tangent rhs = t[1];
  if (!t[0].is_zero()) {
    Array da = p.lower ? tril(t[0].value(), p.unit_diagonal ? -1 : 0) : triu(t[0].value(), p.unit_diagonal ? 1 : 0);
    if (p.transpose_a) da = swapaxes(da, -1, -2);
    if (p.conjugate_a && is_complex(da.dtype())) da = conj(da);
    rhs = rules::add_tangents(rhs, Tangent(neg(p.left_side ? matmul(da, y) : matmul(y, da))));
  }
  if (rhs.is_zero()) return {{y}, {Tangent::zero(y.aval())}};
  return {{y}, {Tangent(triangular_solve_p().bind1({x[0], rhs.value()}, p))}};
}

Tangents triangular_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const TriangularSolve& p) {
  if (ct[0].is_zero()) return {Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
  if (x[0].is_linear()) raise<InternalError>("triangular_solve: the matrix depends on a linear input.");
  TriangularSolve q = p;  // the transposed system, without a further conjugation
  q.transpose_a = !p.transpose_a;
  return {Tangent::zero(x[0].aval), Tangent(triangular_solve_p().bind1({*x[0].known, ct[0].value()}, q))};
}

}  // namespace

const Primitive& triangular_solve_p() {
  static const Primitive p = make_primitive<TriangularSolve>({
      .name = "triangular_solve",
      .operands = 2,
      .aval = triangular_aval,
      .jvp = triangular_jvp,
      .transpose = triangular_transpose,
      .batch = batch_leading(triangular_solve_p),
  });
  return p;
}

Array triangular_solve(const Array& a, const Array& b, const TriangularSolve& options) {
  return triangular_solve_p().bind1({a, b}, options);
}

}  // namespace tf2jax
