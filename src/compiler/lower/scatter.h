// From a group that scatters to a loop program.
#pragma once
#include "tf2jax/compiler/lower/lowered_group.h"

namespace tf2jax::compiler {

/// Windows go in order where they may overlap, on one thread or on several that write different columns.
LoweredGroup lower_scatter(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes);

}  // namespace tf2jax::compiler
