// How fusible operations read their operands.
#pragma once
#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

/// The maps at which the operands of `op` are read when its result is read at `map`; for a reduction, `reduced_map`
/// maps the reduced axes. Empty when there is no affine map (some reshapes).
std::optional<std::vector<MapId>> operand_maps(const Graph& graph, const GraphOp& op, IndexSpace& space, MapId map,
                                               const IndexMap& reduced_map = {});

/// The loops of a scatter over its updates, and where it reads and writes inside them; its windows' starts come on top
/// of `out`.
struct ScatterMaps {
  ScatterLoops loops;
  MapId out, updates;
  std::vector<MapId> indices;  // by axis with a traced start
};
ScatterMaps scatter_maps(const Graph& graph, OpId op, IndexSpace& space);

}  // namespace tf2jax::compiler
