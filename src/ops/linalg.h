// Factorisations of stacks of matrices, and solving with triangular ones.
#pragma once
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

struct TriangularSolve {
  bool left_side = true, lower = true, transpose_a = false, conjugate_a = false, unit_diagonal = false;
  bool operator==(const TriangularSolve&) const = default;
  template <class V> void visit_fields(V&& v) {
    v.field("conjugate_a", conjugate_a);
    v.field("left_side", left_side);
    v.field("lower", lower);
    v.field("transpose_a", transpose_a);
    v.field("unit_diagonal", unit_diagonal);
  }
};
struct SymmetricEigen {
  std::string algorithm = "None";
  bool lower = true, sort_eigenvalues = true;
  std::string subset_by_index = "None";
  bool operator==(const SymmetricEigen&) const = default;
  template <class V> void visit_fields(V&& v) {
    text(v, "algorithm", algorithm);
    v.field("lower", lower);
    v.field("sort_eigenvalues", sort_eigenvalues);
    text(v, "subset_by_index", subset_by_index);
  }

 private:
  template <class V> static void text(V& v, std::string_view name, std::string& value) {
    if constexpr (requires { v.take(name); }) value = v.has(name) ? v.take(name).text : value;
    else v.field(name, value);
  }
};

/// The primitive keeps the operand's entries above the diagonal, as LAPACK does; `cholesky` zeroes them.
const Primitive& cholesky_p(); const Primitive& triangular_solve_p(); const Primitive& eigh_p();
void append_linalg_primitives(std::vector<Primitive>& out);

/// The lower factor L of (a + a^H) / 2 = L L^H; NaN where that is not positive definite.
/// Shapes: [..., n, n]. Dtypes: f32, f64, c64, c128. Throws: ShapeError, DtypeError.
/// Gradient: Murray, "Differentiation of the Cholesky decomposition", 2016.
Array cholesky(const Array& a);
/// x with op(a) x = b (left side) or x op(a) = b; op transposes or conjugates.
/// Shapes: a [..., n, n], b [..., n, k] or [..., k, n]. Gradient: linear in b; in a by implicit differentiation.
Array triangular_solve(const Array& a, const Array& b, const TriangularSolve& options = {});
/// Eigenvectors (columns) and ascending eigenvalues of a symmetric (Hermitian) matrix, {v, w}. Vectors are unique up to
/// phase. Gradient: infinite where eigenvalues coincide.
std::pair<Array, Array> eigh(const Array& a, bool symmetrize = true);

}  // namespace tf2jax
