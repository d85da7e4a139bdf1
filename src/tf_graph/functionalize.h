// TF1 control flow as functional operations.
#pragma once
#include "tf2jax/tf_graph/graph.h"

namespace tf2jax {

/// The graph with its Switch, Merge, Enter, Exit, NextIteration and LoopCond nodes as While and If nodes, whose
/// functions are added to the library; frames and conditions may be nested. Exits and merges keep their names. What has
/// another form than tf.while_loop, tf.cond and the lowering of While, If and Case write is left as it is. A graph
/// without such nodes is returned as it came.
Graph functionalize(const Graph& graph);

}  // namespace tf2jax
