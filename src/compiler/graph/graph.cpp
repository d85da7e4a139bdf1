// What is left of a graph when nothing needs some of its operations.
#include "tf2jax/compiler/graph/graph.h"

#include <algorithm>

namespace tf2jax::compiler {

void prune(Graph& g) {
  std::vector<bool> live(g.values.size(), false), keep(g.ops.size(), false);
  for (const ValueId v : g.outputs) live[v] = true;
  for (std::size_t o = g.ops.size(); o-- > 0;) {
    const GraphOp& op = g.ops[o];
    keep[o] = op.primitive.effectful() || std::ranges::any_of(nested_jaxprs(op.params), has_effects) ||
              std::ranges::any_of(op.out, [&](ValueId v) { return live[v]; });
    if (!keep[o]) continue;
    for (const ValueId v : op.in) live[v] = true;
  }
  for (GraphValue& v : g.values) v.users.clear(), v.times_output = 0;
  std::vector<GraphOp> ops;
  for (std::size_t o = 0; o < g.ops.size(); ++o) {
    if (!keep[o]) continue;
    const auto id = static_cast<OpId>(ops.size());
    for (const ValueId v : g.ops[o].out) g.values[v].op = id;
    for (const ValueId v : g.ops[o].in) {
      auto& users = g.values[v].users;
      if (users.empty() || users.back() != id) users.push_back(id);
    }
    ops.push_back(std::move(g.ops[o]));
  }
  g.ops = std::move(ops);
  for (const ValueId v : g.outputs) ++g.values[v].times_output;
}

}  // namespace tf2jax::compiler
