// The primitives of this folder.
#include "tf2jax/ops/internal/condensed_forms.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax {

void append_linalg_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p :
       {cholesky_p, triangular_solve_p, eigh_p, lu_p, qr_p, svd_p, eig_p, schur_p, hessenberg_p, tridiagonal_p})
    out.push_back(p());
}

}  // namespace tf2jax
