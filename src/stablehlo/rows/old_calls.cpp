// Custom calls that JAX wrote until 2024: LAPACK with its sizes as operands, and functions of MHLO by name.
#include "tf2jax/stablehlo/internal/householder.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::stablehlo {
namespace {

// Operand `i` from the end: arrays come behind the sizes.
const Array& from_end(const Call& c, std::size_t i) {
  if (c.args.size() <= i) c.fail("operands are missing.");
  return c[c.args.size() - 1 - i];
}
const Array& matrix_from_end(const Call& c, std::size_t i) {
  const Array& a = from_end(c, i);
  if (a.rank() < 2) c.fail("its operand must be a matrix.");
  return a;
}

// The results that are there, and room to work in for the others.
Arrays with_room(const Call& c, Arrays results) {
  for (std::size_t i = results.size(); i < c.op.results.size(); ++i)
    results.push_back(zeros_of({c.result_dtype(i), c.result_shape(i), false}));
  return results;
}

// sizes: lower, …; a.
Arrays potrf(Call& c) {
  const Array& a = matrix_from_end(c, 0);
  const bool lower = c.known_number(0) != 0;
  const Array factor = lower ? cholesky_p().bind1({a}) : adjoint(cholesky_p().bind1({adjoint(a)}));
  const Array part = lower ? tril(factor) : triu(factor);
  const Array bad = reduce_or(ne_p().bind1({part, part}), {a.rank() - 2, a.rank() - 1});
  return with_room(c, {factor, convert_element_type_p().bind1({bad}, ConvertParams{DType::i32, false})});
}

Arrays getrf(Call& c) {
  const Arrays out = lu_p().bind({matrix_from_end(c, 0)});
  return with_room(c, {out[0], add_p().bind1({out[1], ones_like(out[1])})});
}

Arrays geqrf(Call& c) {
  auto [packed, taus] = qr_packed(matrix_from_end(c, 0));
  return with_room(c, {packed, taus});
}

Arrays orgqr(Call& c) { return with_room(c, {reflector_product(matrix_from_end(c, 1), from_end(c, 0))}); }

// full matrices, vectors, …; a.
Arrays gesdd(Call& c) {
  const Array& a = matrix_from_end(c, 0);
  SvdParams p;
  p.full_matrices = c.known_number(0) != 0;
  p.compute_uv = c.known_number(1) != 0;
  Arrays out = svd_p().bind({a}, p);
  out.insert(out.begin(), a);
  return with_room(c, std::move(out));
}

// lower, …; a.
Arrays syevd(Call& c) {
  SymmetricEigen p;
  p.lower = c.known_number(0) != 0;
  return with_room(c, eigh_p().bind({matrix_from_end(c, 0)}, p));
}

// left side, lower, transposed (2: conjugated too), unit diagonal, …, factor; a, b.
Arrays trsm(Call& c) {
  TriangularSolve p;
  p.left_side = c.known_number(0) != 0;
  p.lower = c.known_number(1) != 0;
  p.transpose_a = c.known_number(2) != 0;
  p.conjugate_a = c.known_number(2) == 2;
  p.unit_diagonal = c.known_number(3) != 0;
  return {triangular_solve_p().bind1({matrix_from_end(c, 1), matrix_from_end(c, 0)}, p)};
}

template <Array (*F)(const Array&)>
Arrays unary(Call& c) {
  c.expect_operands(1, 1);
  return {F(c[0])};
}

Arrays top_k_row(Call& c) {
  c.expect_operands(1, 1);
  const Attr* attributes = c.op.find("mhlo.attributes");
  const Attr* k = attributes ? attributes->find("k") : nullptr;
  const Attr* largest = attributes ? attributes->find("largest") : nullptr;
  if (!k || c[0].rank() == 0) c.fail("its attributes must say how many.");
  check<NotImplementedError>(!largest || largest->integer != 0,
                             "stablehlo: custom call 'mhlo.topk' at {} is supported for the largest elements only.",
                             c.op.offset);
  return top_k_p().bind({c[0]}, TopK{k->integer, c[0].rank() - 1, true});
}

constexpr CustomCallRow kRows[] = {
    {"lapack_spotrf", potrf}, {"lapack_dpotrf", potrf}, {"lapack_cpotrf", potrf}, {"lapack_zpotrf", potrf},
    {"lapack_sgetrf", getrf}, {"lapack_dgetrf", getrf}, {"lapack_cgetrf", getrf}, {"lapack_zgetrf", getrf},
    {"lapack_sgeqrf", geqrf}, {"lapack_dgeqrf", geqrf}, {"lapack_cgeqrf", geqrf}, {"lapack_zgeqrf", geqrf},
    {"lapack_sorgqr", orgqr}, {"lapack_dorgqr", orgqr}, {"lapack_cungqr", orgqr}, {"lapack_zungqr", orgqr},
    {"lapack_sgesdd", gesdd}, {"lapack_dgesdd", gesdd}, {"lapack_cgesdd", gesdd}, {"lapack_zgesdd", gesdd},
    {"lapack_ssyevd", syevd}, {"lapack_dsyevd", syevd}, {"lapack_cheevd", syevd}, {"lapack_zheevd", syevd},
    {"blas_strsm", trsm},     {"blas_dtrsm", trsm},     {"blas_ctrsm", trsm},     {"blas_ztrsm", trsm},
    {"mhlo.erf", unary<erf>}, {"mhlo.tan", unary<tan>}, {"mhlo.topk", top_k_row},
};

}  // namespace

std::span<const CustomCallRow> old_calls() { return kRows; }

}  // namespace tf2jax::stablehlo
