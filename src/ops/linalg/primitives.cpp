// The primitives of this folder.
#include "tf2jax/ops/linalg.h"

namespace tf2jax {

void append_linalg_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p : {cholesky_p, triangular_solve_p, eigh_p, lu_p, qr_p, svd_p, eig_p}) out.push_back(p());
}

}  // namespace tf2jax
