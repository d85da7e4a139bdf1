// Reductions of square matrices to condensed forms, as lax.linalg has them. None has a derivative, as in JAX. Leading
// axes are stacks of matrices. Throws: DtypeError for other than f32, f64, c64, c128; ShapeError for other than square
// matrices.
#pragma once
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Params of schur.
struct SchurParams {
  bool compute_schur_vectors = true;
  bool operator==(const SchurParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("compute_schur_vectors", self.compute_schur_vectors);
    v.fixed("select_callable", "None");
    v.fixed("sort_eig_vals", "False");
  }
};
/// Params of tridiagonal: the triangle that is read.
struct TridiagonalParams {
  bool lower = true;
  bool operator==(const TridiagonalParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("lower", self.lower); }
};

/// a -> t[, z]: a = z t z^H with z unitary and t upper triangular, with blocks of 2 on the diagonal where a real matrix
/// has complex eigenvalues. Source: LAPACK's gees.
const Primitive& schur_p();
/// a -> the Hessenberg form with the vectors of its reflectors below the subdiagonal, and their taus [..., n - 1].
/// Source: LAPACK's gehrd.
const Primitive& hessenberg_p();
/// a Hermitian -> the reflectors in its triangle, diagonal [..., n] and off-diagonal [..., n - 1] of the tridiagonal
/// form, both real, and taus [..., n - 1]. Source: LAPACK's sytrd and hetrd.
const Primitive& tridiagonal_p();

}  // namespace tf2jax
