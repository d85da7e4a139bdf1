// Merging loops whose accesses are contiguous across them.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::compiler {

/// Of a variable in an index; 0 where it does not occur.
std::int64_t coefficient(const loops::Affine& a, loops::LoopVar v);
/// Gives the variables `outer` the numbers 0, 1, …, which the kernel's flattened index space needs, and others the
/// next.
void renumber(loops::Kernel& kernel, const std::vector<loops::LoopVar>& outer);
/// Makes variable v count from 0 where it counted from `start`.
void shift_variable(loops::Kernel& kernel, loops::LoopVar v, std::int64_t start);
/// Replaces v by width * tile + v in every index, except into the thread's own storage.
void split_variable(loops::Kernel& kernel, loops::LoopVar v, loops::LoopVar tile, std::int64_t width);
/// Merges neighbouring loops (parallel ones, and perfectly nested ones) where every index allows it.
void merge_loops(loops::Kernel& kernel);
/// Likewise, with the lane loop of rows, which may run on several threads then.
void merge_loops_and_lanes(loops::Kernel& kernel);

}  // namespace tf2jax::compiler
