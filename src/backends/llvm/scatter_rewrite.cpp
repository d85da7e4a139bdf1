// Scatters: which scalar operation they combine with, over an operand made for them alone.
#include <algorithm>

#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

// `constant`: the update replaces what was there.
std::optional<Op> combination(const Primitive& p) {
  const std::pair<const Primitive&, Op> rows[] = {{scatter_p(), Op::constant}, {scatter_add_p(), Op::add}, {scatter_sub_p(), Op::sub},
                                                  {scatter_mul_p(), Op::mul}, {scatter_min_p(), Op::min}, {scatter_max_p(), Op::max}};
  const auto row = std::ranges::find_if(rows, [&](const auto& r) { return r.first == p; });
  return row == std::end(rows) ? std::nullopt : std::optional(row->second);
}

}  // namespace

// The operand is copied first: nothing else reads the copy, so that the updates are written over it. Where the operand
// dies, the copy takes its memory and nothing is done; where it is computed, it is computed there.
std::optional<ValueId> GraphBuilder::rewrite_scatter(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const auto combine = combination(e.primitive);
  if (!combine) return std::nullopt;
  ScatterParams p = e.params.get<ScatterParams>();
  if (*combine == Op::constant && p.update_jaxpr) return std::nullopt;   // scatter_apply
  p.update_jaxpr.reset();
  if (dtype(in[0]) != dtype(in[2])) return std::nullopt;
  if (!is_complex(out.dtype)) {
    const ValueId own = in_memory(in[0], false);
    return append({e.primitive, p, OpKind::scatter, *combine, {own, in[1], in[2]}, {}}, {out.strong()})[0];
  }
  if (*combine != Op::constant && *combine != Op::add && *combine != Op::sub) return std::nullopt;
  // Pairs of reals are moved and added like reals: windows with one more axis.
  p.dimension_numbers.update_window_dims.push_back(static_cast<std::int64_t>(dims(in[2]).size()));
  const ValueId operand = pairs(in[0]), updates = pairs(in[2]);
  const Aval wide = graph_.value(operand).aval;
  const Equation on_pairs{e.primitive, p, {}, {}};
  const auto v = rewrite_scatter(on_pairs, {operand, in[1], updates}, wide);
  return append({copy_p(), no_params(), OpKind::reinterpret, Op::constant, {*v}, {}}, {out.strong()})[0];
}

}  // namespace tf2jax::compiler
