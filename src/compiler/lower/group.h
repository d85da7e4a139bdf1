// From a group to a loop program.
#pragma once
#include "tf2jax/compiler/lower/lowered_group.h"

namespace tf2jax::compiler {

/// `lanes`: elements of a vector. Several kernels where pads and concatenations cut the index space into long pieces,
/// so that each piece computes only what it holds.
std::vector<LoweredGroup> lower_group(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes);

}  // namespace tf2jax::compiler
