// Memory: which values lie in that of others, and with which strides.
#include <algorithm>

#include "tf2jax/compiler/fusion/dot_operands.h"
#include "tf2jax/compiler/fusion/internal/planner.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

// Both values are written where the pair lies, by one group if that can be.
void Planner::interleave(const GraphOp& op) {
  plan_.interleaved[op.out[0]] = {op.in[0], op.in[1]};
  const auto i = static_cast<std::int32_t>(plan_.groups.size());
  plan_.groups.emplace_back();
  const MapId m = plan_.groups.back().space.identity(g_.value(op.in[0]).dims);
  for (const ValueId v : op.in) {
    external_[v] = true;
    demand(i, v, m);
  }
}

// A dot whose result is only transposed writes it transposed.
bool Planner::take_layout(const GraphOp& op) {
  const GraphOp* dot = g_.producer(op.in[0]);
  if (!dot || dot->kind != OpKind::dot || g_.value(op.in[0]).users.size() != 1 || g_.value(op.in[0]).times_output ||
      layouts_.count(op.in[0]))
    return false;
  const Axes& permutation = op.params.get<TransposeParams>().permutation;
  const Dims strides = row_major_strides(g_.value(op.out[0]).dims);
  Dims layout(strides.size());
  for (std::size_t i = 0; i < permutation.size(); ++i) layout[permutation[i]] = strides[i];
  if (!is_dot_layout(g_, *dot, layout)) return false;
  layouts_[op.in[0]] = layout;
  views_transposed_[op.out[0]] = op.in[0];
  external_[op.in[0]] = true;
  return true;
}

Dims Planner::layout_of(ValueId v) const {
  const auto it = layouts_.find(v);
  return it == layouts_.end() ? row_major_strides(g_.value(v).dims) : it->second;
}

ValueId Planner::base_of(ValueId v) const {
  for (;;) {
    if (const auto it = alias_.find(v); it != alias_.end()) v = it->second;
    else if (const auto t = views_transposed_.find(v); t != views_transposed_.end()) v = t->second;
    else return v;
  }
}

void Planner::finish_views() {
  for (std::size_t i = 0; i < g_.values.size(); ++i) {
    const auto v = static_cast<ValueId>(i);
    plan_.views[v] = {base_of(v), 0, layouts_.count(v) ? layout_of(v) : row_major_strides(g_.value(v).dims)};
  }
  for (const auto& [pair, halves] : plan_.interleaved)
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
      Dims strides = row_major_strides(g_.value(halves[k]).dims);
      for (auto& s : strides) s *= 2;
      plan_.views[halves[k]] = {base_of(pair), static_cast<std::int64_t>(k), std::move(strides)};
    }
}

}  // namespace tf2jax::compiler
