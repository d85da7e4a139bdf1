// Rows that are alike but for a few elements: diagonals, one-hot rows, the bands of a Hessian.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::compiler {

/// Where a lane loop compares its variable with something fixed in the loop (`i == row + 1`), every comparison fails
/// but near one place. The loop then runs as if all failed, often with hardly anything left to compute per element, and
/// a short loop around the place writes its elements again. Both compute every element exactly as the one loop would.
/// Loops are left as they are when that would not save a third of their work. `lanes`: of an f32 vector.
void peel_points(loops::Kernel& kernel, int lanes);

}  // namespace tf2jax::compiler
