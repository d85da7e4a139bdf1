// Factorisations of symmetric (Hermitian) matrices.
#include "tf2jax/ops/linalg.h"

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg/internal/matrices.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

using namespace matrices;

namespace {

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
  const Array l = tril(factor);  // the primitive leaves the operand's entries above the diagonal
  const Array right = triangular_solve(l, hermitian_of(t[0].value(), true),
                                       {.left_side = false, .transpose_a = true, .conjugate_a = is_complex(l.dtype())});
  return {{factor}, {Tangent(matmul(l, half_lower(triangular_solve(l, right))))}};
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
  const Array inner = matmul(adjoint(v), matmul(hermitian_of(t[0].value(), p.lower), v));
  const Array dv = matmul(v, rules::as_dtype(weights, v.dtype()) * inner);
  const Array on_diagonal = real(inner) * identity;
  return {vw, {Tangent(dv), Tangent(einsum("...ij->...i", {on_diagonal}))}};
}

}  // namespace

const Primitive& cholesky_p() {
  static const Primitive p = make_primitive({
      .name = "cholesky",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        check_square("cholesky", x[0]);
        return {x[0].strong()};
      },
      .jvp = cholesky_jvp,
      .batch = batch_leading(cholesky_p),
  });
  return p;
}

const Primitive& eigh_p() {
  static const Primitive p = make_primitive<SymmetricEigen>({
      .name = "eigh",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const SymmetricEigen& p) -> Avals {
        check_square("eigh", x[0]);
        check<NotImplementedError>(p.subset_by_index == "None", "eigh: subset_by_index is not implemented. Got {}.",
                                   p.subset_by_index);
        return {x[0].strong(), Aval{real_dtype(x[0].dtype), Shape(x[0].shape.begin(), x[0].shape.end() - 1), false}};
      },
      .jvp = eigh_jvp,
      .batch = batch_leading(eigh_p),
  });
  return p;
}

Array cholesky(const Array& a) {
  check_square("cholesky", to_inexact(a).aval(), true);
  const Array x = to_inexact(a);
  return tril(cholesky_p().bind1({(x + adjoint(x)) * 0.5}));
}
std::pair<Array, Array> eigh(const Array& a, bool symmetrize) {
  check_square("eigh", to_inexact(a).aval(), true);
  const Array x = to_inexact(a);
  const Arrays out = eigh_p().bind({symmetrize ? (x + adjoint(x)) * 0.5 : x}, SymmetricEigen{});
  return {out[0], out[1]};
}

}  // namespace tf2jax
