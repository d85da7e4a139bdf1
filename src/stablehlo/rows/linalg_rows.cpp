// Factorisations and triangular solving: StableHLO's own operations.
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/linalg.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

// Of an upper factor the lower one is the adjoint.
Arrays cholesky_row(Call& c) {
  c.expect_operands(1, 1);
  if (c.flag("lower")) return {cholesky_p().bind1({c[0]})};
  return {adjoint(cholesky_p().bind1({adjoint(c[0])}))};
}

Arrays triangular_solve_row(Call& c) {
  c.expect_operands(2, 2);
  TriangularSolve p;
  p.left_side = c.flag("left_side");
  p.lower = c.flag("lower");
  p.unit_diagonal = c.flag("unit_diagonal");
  const std::string& transposed = c.text("transpose_a");
  if (transposed != "NO_TRANSPOSE" && transposed != "TRANSPOSE" && transposed != "ADJOINT")
    c.fail(fmt::format("attribute 'transpose_a' is not known. Got '{}'.", transposed));
  p.transpose_a = transposed != "NO_TRANSPOSE";
  p.conjugate_a = transposed == "ADJOINT";
  return {triangular_solve_p().bind1({c[0], c[1]}, p)};
}

constexpr OpRow kRows[] = {
    {"cholesky", cholesky_p, cholesky_row},
    {"triangular_solve", triangular_solve_p, triangular_solve_row},
};

}  // namespace

std::span<const OpRow> linalg_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
