// Factorisations of stacks of matrices, and solving with triangular ones.
#pragma once
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

/// Params of triangular_solve.
struct TriangularSolve {
  bool left_side = true, lower = true, transpose_a = false, conjugate_a = false, unit_diagonal = false;
  bool operator==(const TriangularSolve&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("conjugate_a", self.conjugate_a);
    v.field("left_side", self.left_side);
    v.field("lower", self.lower);
    v.field("transpose_a", self.transpose_a);
    v.field("unit_diagonal", self.unit_diagonal);
  }
};
/// Params of eigh; the texts are kept as JAX prints them.
struct SymmetricEigen {
  std::string algorithm = "None";
  bool lower = true, sort_eigenvalues = true;
  std::string subset_by_index = "None";
  bool operator==(const SymmetricEigen&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field_or("algorithm", self.algorithm, "None");
    v.field("lower", self.lower);
    v.field("sort_eigenvalues", self.sort_eigenvalues);
    v.field_or("subset_by_index", self.subset_by_index, "None");
  }
};

/// Params of qr.
struct QrParams {
  bool full_matrices = false, pivoting = false;
  std::string use_magma = "None";
  bool operator==(const QrParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("full_matrices", self.full_matrices);
    v.field_or("pivoting", self.pivoting, false);
    v.field_or("use_magma", self.use_magma, "None");
  }
};
/// Params of svd.
struct SvdParams {
  std::string algorithm = "None";
  bool compute_uv = true, full_matrices = false;
  std::string subset_by_index = "None";
  bool operator==(const SvdParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field_unless("algorithm", self.algorithm, "");  // texts of some versions lack it
    v.field("compute_uv", self.compute_uv);
    v.field("full_matrices", self.full_matrices);
    v.field_or("subset_by_index", self.subset_by_index, "None");
  }
};
/// Params of eig.
struct EigParams {
  bool compute_left_eigenvectors = false, compute_right_eigenvectors = true, enable_eigvec_derivs = false;
  std::string implementation = "None";
  bool operator==(const EigParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("compute_left_eigenvectors", self.compute_left_eigenvectors);
    v.field("compute_right_eigenvectors", self.compute_right_eigenvectors);
    v.field_or("enable_eigvec_derivs", self.enable_eigvec_derivs, false);
    v.field_or("implementation", self.implementation, "None");
  }
};

/// The primitive keeps the operand's entries above the diagonal, as LAPACK does; `cholesky` zeroes them.
const Primitive& cholesky_p();
const Primitive& triangular_solve_p();
const Primitive& eigh_p();
/// a -> lu, pivots (i32[..., k]: the row that row i was swapped with), permutation (i32[..., m]).
const Primitive& lu_p();
/// a -> q, r, and with pivoting the order of columns.
const Primitive& qr_p();
/// a -> singular values, and with compute_uv U and V^H.
const Primitive& svd_p();
/// a -> eigenvalues, and left or right eigenvectors as asked, all complex.
const Primitive& eig_p();
/// The primitives of this header.
void append_linalg_primitives(std::vector<Primitive>& out);

/// The conjugate transpose of each matrix. Shapes: [..., m, n] -> [..., n, m].
Array adjoint(const Array& a);

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

/// L below the diagonal (ones on it) and U on and above it in one matrix, with a[permutation] = L U, and the rows that
/// were swapped. Partial pivoting, by LAPACK's getrf.
/// Shapes: [..., m, n], pivots [..., min(m, n)], permutation [..., m]. Dtypes: f32, f64, c64, c128.
/// Gradient: of the factors, by the triangles of L^-1 P dA U^-1. Throws: ShapeError, DtypeError.
struct LuFactors {
  Array lu, pivots, permutation;
};
LuFactors lu(const Array& a);

/// Q with orthonormal columns and upper triangular R, a = Q R, by LAPACK's geqrf. With `full_matrices` Q is square.
/// Shapes: [..., m, n] -> [..., m, k], [..., k, n], k = min(m, n). Gradient: where a has at least as many rows as
/// columns and full rank; otherwise NotImplementedError. Source: Walter and Lehmann, "Algorithmic differentiation of
/// linear algebra functions with application in optimum experimental design", 2018.
std::pair<Array, Array> qr(const Array& a, bool full_matrices = false);

/// a = U diag(s) V^H with descending s >= 0, by LAPACK's gesdd. Vectors are unique up to phase. Gradient: infinite
/// where singular values coincide; NotImplementedError with `full_matrices` for other than square matrices. Shapes:
/// [..., m, n] -> u [..., m, k], s [..., k], vh [..., k, n]. Source: Giles, "An extended collection of matrix
/// derivative results for forward and reverse mode algorithmic differentiation", 2008.
struct Svd {
  Array u, s, vh;
};
Svd svd(const Array& a, bool full_matrices = false);
/// Singular values alone, descending.
Array svdvals(const Array& a);

/// Eigenvalues, in LAPACK's order, and right eigenvectors (columns of norm 1) of any square matrix, by geev; complex.
/// Gradient: infinite where eigenvalues coincide. NaN where a is not finite.
std::pair<Array, Array> eig(const Array& a);
Array eigvals(const Array& a);

/// x with a x = b, by LU. Shapes: a [..., n, n], b [..., n] when it has one axis, else [..., n, k].
/// Gradient: a dx = db - da x.
Array solve(const Array& a, const Array& b);
/// Gradient: -a^-1 da a^-1.
Array inv(const Array& a);
/// Determinants. Gradient: det(a) a^-H; NaN where a is singular.
Array det(const Array& a);
/// Sign (of modulus 1) and logarithm of the modulus of the determinants, {sign, logabsdet}; {0, -inf} where singular.
std::pair<Array, Array> slogdet(const Array& a);
/// The matrix that undoes a as well as one can: V diag(1 / s) U^H, singular values below rtol * max(s) left out.
/// `rtol` defaults to 10 max(m, n) eps.
Array pinv(const Array& a, std::optional<double> rtol = {});

}  // namespace tf2jax
