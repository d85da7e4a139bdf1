// Rules of factorisations and of solving with triangular matrices.
#include "tf2jax/ops/linalg.h"

#include "tf2jax/control/control.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::jax2tf {
namespace {

Tensor adjoint_of(Lowering& c, const Tensor& x) {
  const std::size_t rank = x.shape.size();
  Axes order = iota_axes(static_cast<std::int64_t>(rank));
  std::swap(order[rank - 1], order[rank - 2]);
  const Tensor y = c.transpose(x, order);
  return is_complex(x.dtype) ? c.unary("Conj", y) : y;
}
Tensor transposed(Lowering& c, const Tensor& x) {
  Axes order = iota_axes(static_cast<std::int64_t>(x.shape.size()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return c.transpose(x, order);
}
Tensor band(Lowering& c, const Tensor& x, std::int64_t below, std::int64_t above) {
  return c.node("MatrixBandPart", {x, c.index(below), c.index(above)}, aval_of(x));
}

// TensorFlow clears what lies above the diagonal; the primitive keeps the operand's entries there.
Tensors cholesky_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  const Tensor factor = c.node("Cholesky", x, out[0]);
  return {c.binary("AddV2", factor, c.binary("Sub", x[0], band(c, x[0], -1, 0)))};
}

Tensors triangular_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<TriangularSolve>();
  Tensor a = x[0];
  if (p.unit_diagonal) {
    const Shape line(a.shape.begin(), a.shape.end() - 1);
    const Tensor ones = c.broadcast(c.scalar(a.dtype, 1), line);
    a = c.node("MatrixSetDiagV3", {a, ones, c.index(0)}, aval_of(a), {{"align", std::string("RIGHT_LEFT")}});
  }
  // x op(a) = b is op(a)^T x^T = b^T. MatrixTriangularSolve can take the adjoint of its matrix, so conjugate first
  // where a transpose is meant.
  const bool turned = p.left_side ? p.transpose_a : !p.transpose_a;
  const bool conjugates = is_complex(a.dtype) && (turned ? !p.conjugate_a : p.conjugate_a);
  if (conjugates) a = c.unary("Conj", a);
  const Tensor b = p.left_side ? x[1] : transposed(c, x[1]);
  const Attrs attrs{{"lower", p.lower}, {"adjoint", turned}};
  const Tensor y = c.in_f32(
      {a, b}, [&](const Tensors& v) { return c.node("MatrixTriangularSolve", v, {v[1].dtype, b.shape}, attrs); });
  return {p.left_side ? y : transposed(c, y)};
}

Tensors eigh_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<SymmetricEigen>();
  const Tensor a = p.lower ? x[0] : adjoint_of(c, x[0]);  // the solver reads the lower triangle
  const Aval values{x[0].dtype, out[1].shape};
  const Tensors ev = c.writer().nodes("SelfAdjointEigV2", {a}, {values, out[0]}, {{"compute_v", true}});
  return {ev[1], c.cast(ev[0], out[1].dtype)};
}

Tensors eig_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<EigParams>();
  if (p.compute_left_eigenvectors) refuse("eig", "TensorFlow gives right eigenvectors only");
  const Aval vectors{out[0].dtype, x[0].shape};
  const Tensors ev = c.writer().nodes("Eig", x, {out[0], vectors}, {{"compute_v", p.compute_right_eigenvectors}});
  return p.compute_right_eigenvectors ? ev : Tensors{ev[0]};
}

Tensors svd_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<SvdParams>();
  Aval s{x[0].dtype, out[0].shape}, u = aval_of(x[0]), v = u;
  if (p.compute_uv) {
    u.shape = out[1].shape;
    v.shape = out[2].shape;
    std::swap(v.shape[v.shape.size() - 1], v.shape[v.shape.size() - 2]);
  }
  const Tensors suv =
      c.writer().nodes("Svd", x, {s, u, v}, {{"compute_uv", p.compute_uv}, {"full_matrices", p.full_matrices}});
  const Tensor values = c.cast(suv[0], out[0].dtype);
  return p.compute_uv ? Tensors{values, suv[1], adjoint_of(c, suv[2])} : Tensors{values};
}

Tensors qr_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<QrParams>();
  if (p.pivoting) refuse("qr", "TensorFlow's Qr has no pivoting");
  return c.writer().nodes("Qr", x, out, {{"full_matrices", p.full_matrices}});
}

// The rows that were swapped, step by step, from where they ended up.
Arrays pivots_of(const Array& permutation) {
  const std::int64_t n = permutation.shape().back().value();
  const Array order = iota(i32, permutation.shape(), permutation.rank() - 1);
  const auto step = [&](const Array& i, const std::tuple<Array, Array>& state) {
    const auto& [rows, pivots] = state;
    const std::int64_t axis = permutation.rank() - 1;
    const Array here = equal(order, i);
    const Array wanted = reduce_sum(where(here, permutation, 0), {axis});
    const Array found = equal(rows, expand_dims(wanted, {axis}));
    const Array place = reduce_sum(where(found, order, 0), {axis});
    const Array old = expand_dims(reduce_sum(where(here, rows, 0), {axis}), {axis});
    const Array moved = where(here, expand_dims(wanted, {axis}), where(found, old, rows));
    return std::tuple(moved, where(here, expand_dims(place, {axis}), pivots));
  };
  const auto [rows, pivots] = fori_loop(0, n, step, std::tuple(order, zeros_like(order)));
  return {pivots};
}
Tensors lu_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  const Dim m = x[0].shape[x[0].shape.size() - 2];
  if (!identical(m, x[0].shape.back())) refuse("lu", "TensorFlow's Lu takes square matrices only");
  const Tensors lp = c.writer().nodes("Lu", x, {out[0], out[2]});
  const Tensors pivots = c.call([](const Arrays& v) { return pivots_of(v[0]); }, {lp[1]});
  return {lp[0], pivots[0], lp[1]};
}

}  // namespace

void add_linalg_rules(Rules& rules) {
  rules.set(cholesky_p(), cholesky_rule).set(triangular_solve_p(), triangular_rule).set(eigh_p(), eigh_rule);
  rules.set(eig_p(), eig_rule).set(svd_p(), svd_rule).set(qr_p(), qr_rule).set(lu_p(), lu_rule);
}

}  // namespace tf2jax::jax2tf
