// Factorisations and systems of linear equations.
#include "tf2jax/ops/linalg.h"

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

Values triangular(Node& n) {
  const auto [a, b] = with_common_batch(n, n.array(0, 2), n.array(1, 2));
  const bool adjoint = n.attr<bool>("adjoint");
  return {triangular_solve(
      a, b, {.lower = n.attr<bool>("lower"), .transpose_a = adjoint, .conjugate_a = adjoint && is_complex(a.dtype())})};
}

// Reads the lower triangle. Without vectors the second output has no elements.
Values self_adjoint_eigen(Node& n) {
  const Array x = n.array(0, 2);
  const auto [vectors, values] = eigh(x, false);
  return {values, n.attr<bool>("compute_v") ? Value(vectors) : Value(zeros({}, x.dtype()))};
}

Array maybe_adjoint(const Node& n, const Array& x) { return n.attr<bool>("adjoint") ? adjoint(x) : x; }

Values singular_values(Node& n) {
  const Array x = n.array(0, 2);
  const bool full = n.attr<bool>("full_matrices");
  if (!n.attr<bool>("compute_uv")) {
    const Array nothing = zeros({0}, x.dtype());
    return {svdvals(x), nothing, nothing};
  }
  const auto [u, s, vh] = svd(x, full);
  return {s, u, adjoint(vh)};
}

Values orthogonal_triangular(Node& n) {
  const auto [q, r] = qr(n.array(0, 2), n.attr<bool>("full_matrices"));
  return {q, r};
}

Values triangular_factors(Node& n) {
  const LuFactors f = lu(n.array(0, 2));
  return {f.lu, astype(f.permutation, canonical_dtype(n.attr<DType>("output_idx_type")))};
}

// Eigenvalues by rising magnitude.
Values general_eigen(Node& n) {
  const Array x = n.array(0, 2);
  const DType out = n.attr<DType>("Tout");
  const auto by_magnitude = [&](const Array& values, const Array& sorted) {
    return astype(sort(Arrays{broadcast_to(abs(values), sorted.shape()), sorted}, -1, true, 1).at(1), out);
  };
  if (!n.attr<bool>("compute_v")) {
    const Array values = eigvals(x);
    return {by_magnitude(values, values), zeros({0}, out)};
  }
  const auto [values, vectors] = eig(x);
  return {by_magnitude(values, values), by_magnitude(expand_dims(values, {-2}), vectors)};
}

// min |a x - b|^2 + l |x|^2: through the smaller of a^H a and a a^H where `fast`, as TensorFlow does, else the x of
// least norm.
Values least_squares(Node& n) {
  const auto [a, b] = with_common_batch(n, n.array(0, 2), n.array(1, 2));
  const Array at = adjoint(a);
  if (!n.attr<bool>("fast")) return {matmul(pinv(a), b)};
  const bool tall = definitely_ge(a.shape()[a.rank() - 2], a.shape()[a.rank() - 1]).value_or(true);
  const Array gram = tall ? matmul(at, a) : matmul(a, at);
  const Array ridge = astype(n.array(2, 0, 0), a.dtype()) * eye(gram.shape().back().value(), {}, a.dtype());
  const Array x = solve(gram + ridge, tall ? matmul(at, b) : b);
  return {tall ? x : matmul(at, x)};
}

}  // namespace

std::pair<Array, Array> with_common_batch(const Node& n, const Array& a, const Array& b) {
  const auto batch = [](const Array& x) { return Shape(x.shape().begin(), x.shape().end() - 2); };
  const Shape both[] = {batch(a), batch(b)};
  const Shape common = broadcast_shapes(both, n.op());
  const auto widen = [&](const Array& x) {
    Shape shape = common;
    shape.insert(shape.end(), x.shape().end() - 2, x.shape().end());
    return identical(shape, x.shape()) ? x : broadcast_to(x, shape);
  };
  return {widen(a), widen(b)};
}

void add_linalg_operations(ConverterTable& table) {
  table.add("Cholesky", [](Node& n) { return Values{cholesky(n.array(0, 2))}; });
  table.add("MatrixTriangularSolve", triangular);
  table.add("SelfAdjointEigV2", self_adjoint_eigen);
  table.add("Svd", singular_values);
  table.add("Qr", orthogonal_triangular);
  table.add("Lu", triangular_factors);
  table.add("Eig", general_eigen);
  table.add("MatrixInverse", [](Node& n) { return Values{inv(maybe_adjoint(n, n.array(0, 2)))}; });
  table.add("MatrixSolve", [](Node& n) {
    const auto [a, b] = with_common_batch(n, n.array(0, 2), n.array(1, 2));
    return Values{solve(maybe_adjoint(n, a), b)};
  });
  table.add("MatrixSolveLs", least_squares);
  table.add("MatrixDeterminant", [](Node& n) { return Values{det(n.array(0, 2))}; });
  table.add("LogMatrixDeterminant", [](Node& n) {
    const auto [sign, log_abs] = slogdet(n.array(0, 2));
    return Values{sign, log_abs};
  });
}

}  // namespace tf2jax::tf_import
