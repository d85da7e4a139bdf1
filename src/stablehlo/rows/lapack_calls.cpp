// The factorisations of jaxlib's CPU library: what JAX lowers linear algebra to. Layouts are about memory, and matter
// to nobody here. Source: JAX's lowering rules, whose targets and attributes are stable.
#include "tf2jax/stablehlo/internal/householder.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/condensed_forms.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

// Options are numbers, some of them those of LAPACK's letters.
std::int64_t option(const Call& c, std::string_view name) {
  for (const char* dictionary : {"mhlo.backend_config", "backend_config"}) {
    const Attr* all = c.op.find(dictionary);
    const Attr* a = all ? all->find(name) : nullptr;
    if (a && a->kind == Attr::Kind::integer) return a->integer;
  }
  c.fail(fmt::format("its backend_config has no '{}'.", name));
}

Shape batch_of(const Array& a) { return {a.shape().begin(), a.shape().end() - 2}; }
Array zero_result(const Call& c, std::size_t i, Shape shape) {
  return zeros_of({c.result_dtype(i), std::move(shape), false});
}
void expect_matrix(const Call& c) {
  if (c.args.empty() || c[0].rank() < 2) c.fail("its operand must be a matrix.");
}

// 1 where a factor is not a number, which is how ours say that there is none.
Array failed(const Array& factor) {
  const Array bad = reduce_or(ne_p().bind1({factor, factor}), {factor.rank() - 2, factor.rank() - 1});
  return convert_element_type_p().bind1({bad}, ConvertParams{DType::i32, false});
}

Arrays potrf(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  const bool lower = option(c, "uplo") == 'L';
  const Array factor = lower ? cholesky_p().bind1({c[0]}) : adjoint(cholesky_p().bind1({adjoint(c[0])}));
  return {factor, failed(lower ? tril(factor) : triu(factor))};
}

Arrays getrf(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  const Arrays out = lu_p().bind({c[0]});
  return {out[0], add_p().bind1({out[1], ones_like(out[1])}), zero_result(c, 2, batch_of(c[0]))};
}

Arrays geqrf(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  auto [packed, taus] = qr_packed(c[0]);
  return {packed, taus};
}

// Whether an operand is a constant of zeros, repeated perhaps.
bool is_zero(const Call& c, std::size_t operand) {
  auto made = c.producer(operand);
  while (made && made->name == "broadcast_in_dim" && made->operands.size() == 1)
    made = c.producer_of(made->operands[0]);
  const Attr* value = made && made->name == "constant" ? made->find("value") : nullptr;
  return value && value->text.find_first_not_of('\0') == std::string::npos;
}

// The columns in the order that puts the largest of what is left in front, then as geqrf. The second operand says which
// columns come first in any case; JAX says of none.
Arrays geqp3(Call& c) {
  c.expect_operands(2, 2);
  expect_matrix(c);
  check<NotImplementedError>(is_zero(c, 1),
                             "stablehlo: operation 'custom_call' at {} gives columns a place, which is not supported.",
                             c.op.offset);
  QrParams p;
  p.pivoting = true;
  p.full_matrices = false;
  const Array order = qr_p().bind({stop_gradient(c[0])}, p)[2];
  const Array place = broadcast_to(expand_dims(order, {-2}), c[0].shape());
  auto [packed, taus] = qr_packed(take_along(c[0], place, c[0].rank() - 1));
  return {packed, add_p().bind1({order, ones_like(order)}), taus};
}

Arrays orgqr(Call& c) {
  c.expect_operands(2, 2);
  expect_matrix(c);
  return {reflector_product(c[0], c[1])};
}

Arrays gehrd(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  const auto n = c[0].shape().back().value();
  if (option(c, "low") != 1 || option(c, "high") != n) c.fail("parts of matrices are not supported.");
  auto [packed, taus] = hessenberg_packed(c[0]);
  return {packed, taus, zero_result(c, 2, batch_of(c[0]))};
}

// Modes: N without vectors, S thin, A full ones.
Arrays gesdd(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  const std::int64_t mode = option(c, "mode");
  if (mode != 'N' && mode != 'S' && mode != 'A') c.fail(fmt::format("mode {} is not known.", mode));
  SvdParams p;
  p.compute_uv = mode != 'N';
  p.full_matrices = mode == 'A';
  const Arrays out = svd_p().bind({c[0]}, p);
  const Array info = zero_result(c, 4, batch_of(c[0]));
  if (mode != 'N') return {c[0], out[0], out[1], out[2], info};
  return {c[0], out[0], zero_result(c, 2, c.result_shape(2)), zero_result(c, 3, c.result_shape(3)), info};
}

Arrays syevd(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  SymmetricEigen p;
  p.lower = option(c, "uplo") == 'L';
  const Arrays out = eigh_p().bind({c[0]}, p);
  return {out[0], out[1], zero_result(c, 2, batch_of(c[0]))};
}

// Real matrices have the parts of their eigenvalues apart.
Arrays geev(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  EigParams p;
  p.compute_left_eigenvectors = option(c, "compute_left") == 'V';
  p.compute_right_eigenvectors = option(c, "compute_right") == 'V';
  const Arrays all = eig_p().bind({c[0]}, p);
  std::size_t next = 0;
  const Array w = all[next++];
  Arrays out = is_complex(c[0].dtype()) ? Arrays{w} : Arrays{real(w), imag(w)};
  for (const bool wanted : {p.compute_left_eigenvectors, p.compute_right_eigenvectors})
    out.push_back(wanted ? all[next++] : zeros_of({w.dtype(), c[0].shape(), false}));
  out.push_back(zero_result(c, out.size(), batch_of(c[0])));
  return out;
}

Arrays gees(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  if (option(c, "sort") != 'N') c.fail("sorted eigenvalues are not supported.");
  const bool vectors = option(c, "mode") == 'V';
  Arrays out = schur_p().bind({c[0]}, SchurParams{vectors});
  for (std::size_t i = out.size(); i < c.op.results.size(); ++i) out.push_back(zero_result(c, i, c.result_shape(i)));
  return out;
}

Arrays sytrd(Call& c) {
  c.expect_operands(1, 1);
  expect_matrix(c);
  Arrays out = tridiagonal_p().bind({c[0]}, TridiagonalParams{option(c, "uplo") == 'L'});
  out.push_back(zero_result(c, 4, batch_of(c[0])));
  return out;
}

Arrays trsm(Call& c) {
  c.expect_operands(2, 3);
  expect_matrix(c);
  TriangularSolve p;
  p.left_side = option(c, "side") == 'L';
  p.lower = option(c, "uplo") == 'L';
  p.transpose_a = option(c, "trans_x") != 'N';
  p.conjugate_a = option(c, "trans_x") == 'C';
  p.unit_diagonal = option(c, "diag") == 'U';
  return {triangular_solve_p().bind1({c[0], c[1]}, p)};
}

// Below, on and above the diagonal, then the right-hand sides; solved as the matrix that they are of.
Arrays gtsv(Call& c) {
  c.expect_operands(4, 4);
  if (c[0].rank() < 1 || c[3].rank() != c[0].rank() + 1) c.fail("its operands must be diagonals and a matrix.");
  const Dim n = c[1].shape().back();
  Shape square = c[1].shape();
  square.push_back(n);
  const std::int64_t row = c[1].rank() - 1;
  const Array offset = sub(iota(DType::i32, square, row + 1), iota(DType::i32, square, row));
  Array a = zeros_of({c[1].dtype(), square, false});
  for (std::size_t i = 0; i < 3; ++i) {
    const Array place = full_like(offset, static_cast<std::int32_t>(i) - 1);
    a = select(equal(offset, place), broadcast_to(expand_dims(c[i], {c[i].rank()}), square), a);
  }
  return {c[0], c[1], c[2], solve(a, c[3]), zero_result(c, 4, {square.begin(), square.end() - 2})};
}

constexpr CustomCallRow kRows[] = {
    {"lapack_sgtsv_ffi", gtsv},   {"lapack_dgtsv_ffi", gtsv},   {"lapack_cgtsv_ffi", gtsv},
    {"lapack_zgtsv_ffi", gtsv},   {"lapack_spotrf_ffi", potrf}, {"lapack_dpotrf_ffi", potrf},
    {"lapack_cpotrf_ffi", potrf}, {"lapack_zpotrf_ffi", potrf}, {"lapack_sgetrf_ffi", getrf},
    {"lapack_dgetrf_ffi", getrf}, {"lapack_cgetrf_ffi", getrf}, {"lapack_zgetrf_ffi", getrf},
    {"lapack_sgeqrf_ffi", geqrf}, {"lapack_dgeqrf_ffi", geqrf}, {"lapack_cgeqrf_ffi", geqrf},
    {"lapack_zgeqrf_ffi", geqrf}, {"lapack_sgeqp3_ffi", geqp3}, {"lapack_dgeqp3_ffi", geqp3},
    {"lapack_cgeqp3_ffi", geqp3}, {"lapack_zgeqp3_ffi", geqp3}, {"lapack_sorgqr_ffi", orgqr},
    {"lapack_dorgqr_ffi", orgqr}, {"lapack_cungqr_ffi", orgqr}, {"lapack_zungqr_ffi", orgqr},
    {"lapack_sgehrd_ffi", gehrd}, {"lapack_dgehrd_ffi", gehrd}, {"lapack_cgehrd_ffi", gehrd},
    {"lapack_zgehrd_ffi", gehrd}, {"lapack_sgesdd_ffi", gesdd}, {"lapack_dgesdd_ffi", gesdd},
    {"lapack_cgesdd_ffi", gesdd}, {"lapack_zgesdd_ffi", gesdd}, {"lapack_ssyevd_ffi", syevd},
    {"lapack_dsyevd_ffi", syevd}, {"lapack_cheevd_ffi", syevd}, {"lapack_zheevd_ffi", syevd},
    {"lapack_sgeev_ffi", geev},   {"lapack_dgeev_ffi", geev},   {"lapack_cgeev_ffi", geev},
    {"lapack_zgeev_ffi", geev},   {"lapack_strsm_ffi", trsm},   {"lapack_sgees_ffi", gees},
    {"lapack_dgees_ffi", gees},   {"lapack_cgees_ffi", gees},   {"lapack_zgees_ffi", gees},
    {"lapack_ssytrd_ffi", sytrd}, {"lapack_dsytrd_ffi", sytrd}, {"lapack_chetrd_ffi", sytrd},
    {"lapack_zhetrd_ffi", sytrd}, {"lapack_dtrsm_ffi", trsm},   {"lapack_ctrsm_ffi", trsm},
    {"lapack_ztrsm_ffi", trsm},
};

}  // namespace

std::span<const CustomCallRow> lapack_calls() { return kRows; }

}  // namespace tf2jax::stablehlo
