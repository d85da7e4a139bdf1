// Rows that are read down the columns of a matrix: transposes, and arithmetic on them.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::compiler {

/// Walking down a whole column touches a line of memory, and often the same few sets of the cache, for every element.
/// Where a lane loop does that and a parallel variable runs along the matrix' rows, the loop is cut into tiles a few
/// vectors wide, and that variable becomes the innermost one: lines are used up while they are in the cache.
/// `lanes`: of an f32 vector. The parallel variables change.
void tile_transposed(loops::Kernel& kernel, int lanes);

}  // namespace tf2jax::compiler
