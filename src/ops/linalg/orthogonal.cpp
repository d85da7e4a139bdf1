// Factorisations with orthonormal factors, and eigenvalues of general matrices.
#include <limits>

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg/internal/matrices.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

using namespace matrices;

namespace {

Shape with_sizes(Shape stack, const Dim& rows, const Dim& columns) {
  stack.push_back(rows);
  stack.push_back(columns);
  return stack;
}
Shape with_size(Shape stack, const Dim& size) {
  stack.push_back(size);
  return stack;
}

Avals qr_aval(std::span<const Aval> x, const QrParams& p) {
  check_matrix("qr", x[0]);
  const auto [m, n] = matrix_size(x[0]);
  const Dim k = p.full_matrices ? m : min(m, n);
  const Shape stack = stack_shape(x[0]);
  Avals out{Aval{x[0].dtype, with_sizes(stack, m, k), false}, Aval{x[0].dtype, with_sizes(stack, k, n), false}};
  if (p.pivoting) out.push_back(Aval{DType::i32, with_size(stack, n), false});
  return out;
}

// With M = Q^H dA R^-1: dQ = Q (D - M) + dA R^-1 and dR = (M - D) R, D the skew Hermitian matrix whose part below the
// diagonal is that of M.
JvpResult qr_jvp(std::span<const Array> x, std::span<const Tangent> t, const QrParams& p) {
  const Arrays out = qr_p().bind({x[0]}, p);
  Tangents tangents;
  for (const Array& y : out) tangents.push_back(Tangent::zero(y.aval()));
  if (t[0].is_zero()) return {out, tangents};
  const auto [m, n] = matrix_size(x[0].aval());
  check<NotImplementedError>(
      definitely_ge(m, n).value_or(false) && (!p.full_matrices || identical(m, n)) && !p.pivoting,
      "qr: the derivative needs at least as many rows as columns, no pivoting, and full_matrices only for square "
      "matrices. Got {}.",
      x[0].aval());
  const Array &q = out[0], &r = out[1];
  const Array dx = triangular_solve(r, t[0].value(), {.left_side = false, .lower = false});
  const Array inner = matmul(adjoint(q), dx), below = tril(inner, -1);
  Array skew = below - adjoint(below);
  if (is_complex(inner.dtype())) {  // the diagonal of R stays real
    const Array imaginary = complex(zeros_like(real(inner)), imag(inner));
    skew = skew + imaginary * identity(n, inner.dtype());
  }
  tangents[0] = Tangent(matmul(q, skew - inner) + dx);
  tangents[1] = Tangent(matmul(inner - skew, r));
  return {out, tangents};
}

Avals svd_aval(std::span<const Aval> x, const SvdParams& p) {
  check_matrix("svd", x[0]);
  check<NotImplementedError>(p.subset_by_index == "None", "svd: subset_by_index is not implemented. Got {}.",
                             p.subset_by_index);
  const auto [m, n] = matrix_size(x[0]);
  const Dim k = min(m, n);
  const Shape stack = stack_shape(x[0]);
  Avals out{Aval{real_dtype(x[0].dtype), with_size(stack, k), false}};
  if (!p.compute_uv) return out;
  out.push_back(Aval{x[0].dtype, with_sizes(stack, m, p.full_matrices ? m : k), false});
  out.push_back(Aval{x[0].dtype, with_sizes(stack, p.full_matrices ? n : k, n), false});
  return out;
}

JvpResult svd_jvp(std::span<const Array> x, std::span<const Tangent> t, const SvdParams& p) {
  const Arrays out = svd_p().bind({x[0]}, p);
  Tangents tangents;
  for (const Array& y : out) tangents.push_back(Tangent::zero(y.aval()));
  if (t[0].is_zero()) return {out, tangents};
  const auto [rows, columns] = matrix_size(x[0].aval());
  check<NotImplementedError>(!p.compute_uv || !p.full_matrices || identical(rows, columns),
                             "svd: the derivative of full matrices is not implemented. Got {}. Turn full_matrices off.",
                             x[0].aval());
  const Array& da = t[0].value();
  const Arrays factors = p.compute_uv ? out : svd_p().bind({x[0]}, SvdParams{});
  const Array &s = factors[0], &u = factors[1], vh = factors[2], v = adjoint(vh);
  const Array inner = matmul(matmul(adjoint(u), da), v);  // U^H dA V
  tangents[0] = Tangent(diagonals(real(inner)));
  if (!p.compute_uv) return {out, tangents};

  const DType dtype = u.dtype();
  const Array one = identity(s.shape().back(), s.dtype());
  const Array across = expand_dims(s, {-2}), down = expand_dims(s, {-1});  // s_j and s_i
  const Array squares = (across + down) * (across - down);
  const Array weights = rules::as_dtype(div(1.0, squares + one) - one, dtype);  // 1 / (s_j^2 - s_i^2) off the diagonal
  const Array by_columns = rules::as_dtype(across, dtype) * inner, by_rows = rules::as_dtype(down, dtype) * inner;
  const Array vanishes = equal(s, 0), inverse = where(vanishes, 0.0, div(1.0, where(vanishes, 1.0, s)));
  // The phase of U and V together moves by the skew part of the diagonal.
  const Array phase = (inner - adjoint(inner)) * 0.5 * rules::as_dtype(expand_dims(inverse, {-1}) * one, dtype);
  Array du = matmul(u, weights * (by_columns + adjoint(by_columns)) + phase);
  Array dv = matmul(v, weights * (by_rows + adjoint(by_rows)));
  // What leaves the space that U or V spans.
  const auto outside = [&](const Array& basis, const Array& moved) {
    return (moved - matmul(basis, matmul(adjoint(basis), moved))) / rules::as_dtype(across, dtype);
  };
  if (definitely_ge(rows, columns + 1).value_or(false)) du = du + outside(u, matmul(da, v));
  if (definitely_ge(columns, rows + 1).value_or(false)) dv = dv + outside(v, matmul(adjoint(da), u));
  tangents[1] = Tangent(du);
  tangents[2] = Tangent(adjoint(dv));
  return {out, tangents};
}

Avals eig_aval(std::span<const Aval> x, const EigParams& p) {
  check_square("eig", x[0]);
  const DType dtype = complex_dtype(x[0].dtype);
  Avals out{Aval{dtype, stack_shape(x[0], 1), false}};
  for (const bool wanted : {p.compute_left_eigenvectors, p.compute_right_eigenvectors})
    if (wanted) out.push_back(Aval{dtype, x[0].shape, false});
  return out;
}

// dV = V (F * V^-1 dA V), F_ij = 1 / (w_j - w_i) off the diagonal; then what would change a vector's norm, or turn its
// largest component from the real axis, is taken away, as LAPACK scales them.
Array eigenvector_tangent(const Array& w, const Array& v, const Array& inner) {
  const Array one = identity(w.shape().back(), w.dtype());
  const Array weights = div(1.0, expand_dims(w, {-2}) - expand_dims(w, {-1}) + one) - one;
  const Array dv = matmul(v, weights * inner);
  const std::int64_t rows = v.rank() - 2;
  const Array largest = expand_dims(argmax(abs(v), rows), {-2});
  const Array at = rules::as_dtype(equal(iota(largest.dtype(), v.shape(), rows), largest), v.dtype());
  const auto sum_of = [&](const Array& x) { return sum(x, {rows}, KeepDims::yes); };
  const Array along = real(sum_of(conj(v) * dv));
  const Array turn = imag(sum_of(at * dv)) / real(sum_of(at * v));
  return dv - v * complex(along, turn);
}

JvpResult eig_jvp(std::span<const Array> x, std::span<const Tangent> t, const EigParams& p) {
  const Arrays out = eig_p().bind({x[0]}, p);
  Tangents tangents;
  for (const Array& y : out) tangents.push_back(Tangent::zero(y.aval()));
  if (t[0].is_zero()) return {out, tangents};
  check<NotImplementedError>(!p.compute_left_eigenvectors,
                             "eig: the derivatives of left eigenvectors are not implemented. Use right ones of the "
                             "adjoint matrix, or eigh for symmetric matrices.");
  const Arrays wv = p.compute_right_eigenvectors ? out : eig_p().bind({x[0]}, EigParams{});
  const Array &w = wv[0], &v = wv[1];
  const Array inner = solve(v, matmul(rules::as_dtype(t[0].value(), v.dtype()), v));  // V^-1 dA V
  tangents[0] = Tangent(diagonals(inner));
  if (p.compute_right_eigenvectors) tangents[1] = Tangent(eigenvector_tangent(w, v, inner));
  return {out, tangents};
}

}  // namespace

const Primitive& qr_p() {
  static const Primitive p = make_primitive<QrParams>({
      .name = "qr",
      .operands = 1,
      .aval = qr_aval,
      .jvp = qr_jvp,
      .batch = batch_leading(qr_p),
  });
  return p;
}

const Primitive& svd_p() {
  static const Primitive p = make_primitive<SvdParams>({
      .name = "svd",
      .operands = 1,
      .aval = svd_aval,
      .jvp = svd_jvp,
      .batch = batch_leading(svd_p),
  });
  return p;
}

const Primitive& eig_p() {
  static const Primitive p = make_primitive<EigParams>({
      .name = "eig",
      .operands = 1,
      .aval = eig_aval,
      .jvp = eig_jvp,
      .batch = batch_leading(eig_p),
  });
  return p;
}

std::pair<Array, Array> qr(const Array& a, bool full_matrices) {
  const Arrays out = qr_p().bind({to_inexact(a)}, QrParams{.full_matrices = full_matrices});
  return {out[0], out[1]};
}
Svd svd(const Array& a, bool full_matrices) {
  const Arrays out = svd_p().bind({to_inexact(a)}, SvdParams{.full_matrices = full_matrices});
  return {out[1], out[0], out[2]};
}
Array svdvals(const Array& a) { return svd_p().bind1({to_inexact(a)}, SvdParams{.compute_uv = false}); }
std::pair<Array, Array> eig(const Array& a) {
  const Arrays out = eig_p().bind({to_inexact(a)}, EigParams{});
  return {out[0], out[1]};
}
Array eigvals(const Array& a) { return eig_p().bind1({to_inexact(a)}, EigParams{.compute_right_eigenvectors = false}); }

Array pinv(const Array& a, std::optional<double> rtol) {
  const auto [u, s, vh] = svd(a);
  const auto [m, n] = matrix_size(u.rank() ? to_inexact(a).aval() : a.aval());
  const double eps = s.dtype() == DType::f64 ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon());
  const double relative = rtol.value_or(10 * eps * static_cast<double>(max(m, n).value()));
  const Array keep = greater(s, max(s, {-1}, KeepDims::yes) * relative);
  const Array inverse = where(keep, div(1.0, where(keep, s, 1.0)), 0.0);
  return matmul(adjoint(vh), rules::as_dtype(expand_dims(inverse, {-1}), u.dtype()) * adjoint(u));
}

}  // namespace tf2jax
