// Factorisations and triangular solves with their rules.
#include "tf2jax/ops/linalg.h"

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

Array adjoint(const Array& a) {
  const Array t = swapaxes(a, -1, -2);
  return is_complex(a.dtype()) ? conj(t) : t;
}

void check_square(std::string_view name, const Aval& a, bool halves = false) {
  rules::check_dtype(name, a.dtype, kind::inexact);
  check<DtypeError>(halves || itemsize(real_dtype(a.dtype)) >= 4, "{}: dtype {} is not supported. Convert to float32 or float64.", name, a.dtype);
  const std::size_t r = a.shape.size();
  check<ShapeError>(r >= 2 && definitely_equal(a.shape[r - 1], a.shape[r - 2]).value_or(false), "{}: the last two axes must be square. Got {}.", name, a);
}

// Leading axes are batch axes of the primitive itself.
BatchResult batch_leading(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes, Dim size, const EquationParams& params) {
  Arrays in;
  for (std::size_t i = 0; i < x.size(); ++i) in.push_back(x.size() == 1 ? rules::mapped_to_front(x[i], axes[i]) : rules::to_front(x[i], axes[i], size));
  BatchResult out{self.bind(in, params), {}};
  out.axes.assign(out.values.size(), 0);
  return out;
}

// Lower triangle with half the diagonal: the derivative of L in L^-1 dA L^-H.
Array half_lower(const Array& m) {
  const Shape matrix(m.shape().end() - 2, m.shape().end());
  const Array diagonal = broadcast_to(equal(iota(DType::i32, matrix, 0), iota(DType::i32, matrix, 1)), m.shape());
  const Array lower = tril(m);
  return select(diagonal, lower * 0.5, lower);
}

JvpResult cholesky_jvp(std::span<const Array> x, std::span<const Tangent> t, const NoParams&) {
  const Array factor = cholesky_p().bind1({x[0]});
  if (t[0].is_zero()) return {{factor}, {Tangent::zero(factor.aval())}};
  const Array l = tril(factor);   // the primitive leaves the operand's entries above the diagonal
  // Only the lower triangle is read, so its tangent stands for the Hermitian matrix it completes to.
  const Array strict = tril(t[0].value(), -1), diagonal = tril(t[0].value()) - strict;
  const Array hermitian = strict + adjoint(strict) + (diagonal + adjoint(diagonal)) * 0.5;
  const Array right = triangular_solve(l, hermitian, {.left_side = false, .transpose_a = true, .conjugate_a = is_complex(l.dtype())});
  return {{factor}, {Tangent(matmul(l, half_lower(triangular_solve(l, right))))}};
}

Avals triangular_aval(std::span<const Aval> x, const TriangularSolve& p) {
  rules::same_dtype("triangular_solve", x);
  check_square("triangular_solve", x[0], true);   // halves compute in float
  const std::size_t r = x[0].shape.size();
  const bool fits = x[1].shape.size() == r && identical(Shape(x[0].shape.begin(), x[0].shape.end() - 2), Shape(x[1].shape.begin(), x[1].shape.end() - 2)) &&
                    definitely_equal(x[1].shape[p.left_side ? r - 2 : r - 1], x[0].shape[r - 1]).value_or(false);
  check<ShapeError>(fits, "triangular_solve: incompatible shapes for arguments. Got a {} and b {} with left_side={}.", x[0], x[1], p.left_side);
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
  TriangularSolve q = p;   // the transposed system, without a further conjugation
  q.transpose_a = !p.transpose_a;
  return {Tangent::zero(x[0].aval), Tangent(triangular_solve_p().bind1({*x[0].known, ct[0].value()}, q))};
}

JvpResult eigh_jvp(std::span<const Array> x, std::span<const Tangent> t, const SymmetricEigen& p) {
  const Arrays vw = eigh_p().bind(x, p);
  const Array &v = vw[0], &w = vw[1];
  if (t[0].is_zero()) return {vw, {Tangent::zero(v.aval()), Tangent::zero(w.aval())}};
  const std::int64_t n = w.shape().back().value();
  const Array identity = rules::as_dtype(eye(n, {}, DType::bool_), w.dtype());
  // F_ij = 1 / (w_j - w_i) off the diagonal, 0 on it.
  const Array differences = expand_dims(w, {-2}) - expand_dims(w, {-1}) + identity;
  const Array weights = div(1.0, differences) - identity;
  const Array symmetric = (t[0].value() + adjoint(t[0].value())) * 0.5;
  const Array inner = matmul(adjoint(v), matmul(symmetric, v));
  const Array dv = matmul(v, rules::as_dtype(weights, v.dtype()) * inner);
  const Array on_diagonal = real(inner) * identity;
  return {vw, {Tangent(dv), Tangent(einsum("...ij->...i", {on_diagonal}))}};
}

}  // namespace

const Primitive& cholesky_p() {
  static const Primitive p = make_primitive({
      .name = "cholesky", .operands = 1,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        check_square("cholesky", x[0]);
        return {x[0].strong()};
      },
      .jvp = cholesky_jvp,
      .batch = [](auto x, auto axes, Dim n, const NoParams& params) { return batch_leading(cholesky_p(), x, axes, n, params); },
  });
  return p;
}

const Primitive& triangular_solve_p() {
  static const Primitive p = make_primitive<TriangularSolve>({
      .name = "triangular_solve", .operands = 2,
      .aval = triangular_aval,
      .jvp = triangular_jvp,
      .transpose = triangular_transpose,
      .batch = [](auto x, auto axes, Dim n, const TriangularSolve& params) { return batch_leading(triangular_solve_p(), x, axes, n, params); },
  });
  return p;
}

const Primitive& eigh_p() {
  static const Primitive p = make_primitive<SymmetricEigen>({
      .name = "eigh", .operands = 1,
      .aval = [](std::span<const Aval> x, const SymmetricEigen& p) -> Avals {
        check_square("eigh", x[0]);
        check<NotImplementedError>(p.subset_by_index == "None", "eigh: subset_by_index is not implemented.");
        return {x[0].strong(), Aval{real_dtype(x[0].dtype), Shape(x[0].shape.begin(), x[0].shape.end() - 1), false}};
      },
      .jvp = eigh_jvp,
      .batch = [](auto x, auto axes, Dim n, const SymmetricEigen& params) { return batch_leading(eigh_p(), x, axes, n, params); },
  });
  return p;
}

Array cholesky(const Array& a) {
  check_square("cholesky", to_inexact(a).aval(), true);
  const Array x = to_inexact(a);
  return tril(cholesky_p().bind1({(x + adjoint(x)) * 0.5}));
}
Array triangular_solve(const Array& a, const Array& b, const TriangularSolve& options) { return triangular_solve_p().bind1({a, b}, options); }
std::pair<Array, Array> eigh(const Array& a, bool symmetrize) {
  check_square("eigh", to_inexact(a).aval(), true);
  const Array x = to_inexact(a);
  const Arrays out = eigh_p().bind({symmetrize ? (x + adjoint(x)) * 0.5 : x}, SymmetricEigen{});
  return {out[0], out[1]};
}

void append_linalg_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p : {cholesky_p, triangular_solve_p, eigh_p}) out.push_back(p());
}

}  // namespace tf2jax
