// Scatters: which scalar operation they combine with, over an operand made for them alone.
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

// The operand is copied first: nothing else reads the copy, so that the updates are written over it. Where the operand
// dies, the copy takes its memory and nothing is done; where it is computed, it is computed there.
Rewritten scatter(GraphBuilder& b, const GraphEquation& e, Op combine) {
  ScatterParams p = e.params.get<ScatterParams>();
  if (combine == Op::constant && p.update_jaxpr) return std::nullopt;  // scatter_apply
  p.update_jaxpr.reset();
  const Aval& out = e.out();
  const ValueId operand = e.in[0], indices = e.in[1], updates = e.in[2];
  if (b.dtype(operand) != b.dtype(updates)) return std::nullopt;
  if (!is_complex(out.dtype)) {
    const ValueId own = b.in_memory(operand, false);
    return b.append({e.primitive, p, OpKind::scatter, combine, {own, indices, updates}, {}}, {out.strong()});
  }
  if (combine != Op::constant && combine != Op::add && combine != Op::sub) return std::nullopt;
  // Pairs of reals are moved and added like reals: windows with one more axis.
  p.dimension_numbers.update_window_dims.push_back(static_cast<std::int64_t>(b.dims(updates).size()));
  const ValueId wide = b.pairs(operand), wide_updates = b.pairs(updates);
  const GraphEquation on_pairs{e.primitive, p, {wide, indices, wide_updates}, {b.value(wide).aval}};
  return b.append(copy_p(), no_params(), OpKind::reinterpret, *scatter(b, on_pairs, combine), out);
}

}  // namespace

void append_scatter_rewrites(RewriteTable& t) {
  // `constant`: the update replaces what was there.
  const std::pair<Primitive, Op> rows[] = {{scatter_p(), Op::constant}, {scatter_add_p(), Op::add},
                                           {scatter_sub_p(), Op::sub},  {scatter_mul_p(), Op::mul},
                                           {scatter_min_p(), Op::min},  {scatter_max_p(), Op::max}};
  for (const auto& [p, combine] : rows)
    for (const Turn turn : {Turn::pairs, Turn::loops})
      t.set(turn, p, [combine = combine](GraphBuilder& b, const GraphEquation& e) { return scatter(b, e, combine); });
}

}  // namespace tf2jax::compiler
