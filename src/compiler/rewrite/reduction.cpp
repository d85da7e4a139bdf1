// Reductions, running values and the places of extremes.
#include "tf2jax/ops/reduce.h"

#include <algorithm>

#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

template <class Params>
Rewriter reduction(Op op) {
  return [op](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    return b.reduce(op, e.in[0], e.params.get<Params>().axes);
  };
}

Rewriter running(Op op) {
  return [op](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const DType type = e.out().dtype;
    if (type == DType::bool_ || (op == Op::log_add_exp && !is_floating(type))) return std::nullopt;
    if (b.dims(e.in[0])[e.params.get<Cumulative>().axis] == 1) return e.in[0];
    return b.append({e.primitive, e.params, OpKind::cumulative, op, e.in, {}}, {e.out().strong()});
  };
}

// The smallest index among the elements equal to the extreme one; NaNs are extreme.
Rewriter place_of(Op extreme) {
  return [extreme](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const ArgReduce& a = e.params.get<ArgReduce>();
    if (a.axes.size() != 1) return std::nullopt;
    const ValueId x = e.in[0];
    const Dims d = b.dims(x);
    const std::int64_t axis = a.axes[0];
    const Axes kept = other_axes(a.axes, static_cast<std::int64_t>(d.size()));
    const ValueId best = b.broadcast(b.reduce(extreme, x, a.axes), d, kept);
    const Aval flags{DType::bool_, symbolic(d), false}, indices{e.out().dtype, symbolic(d), false};
    ValueId hit = b.scalar_op(Op::eq, {x, best}, flags);
    if (is_inexact(b.dtype(x))) hit = b.scalar_op(Op::bit_or, {hit, b.scalar_op(Op::ne, {x, x}, flags)}, flags);
    const ValueId index = b.iota(e.out().dtype, d, axis);
    const ValueId none = b.number(e.out().dtype, static_cast<double>(d[axis] - 1));
    return b.reduce(Op::min, b.scalar_op(Op::select, {hit, index, none}, indices), a.axes);
  };
}

}  // namespace

void append_reduction_rewrites(RewriteTable& t) {
  const std::pair<Primitive, Rewriter> rows[] = {
      {reduce_sum_p(), reduction<ReduceAxes>(Op::add)},
      {reduce_max_p(), reduction<ReduceAxes>(Op::max)},
      {reduce_min_p(), reduction<ReduceAxes>(Op::min)},
      {reduce_prod_p(), reduction<PlainReduceAxes>(Op::mul)},
      {reduce_and_p(), reduction<PlainReduceAxes>(Op::bit_and)},
      {reduce_or_p(), reduction<PlainReduceAxes>(Op::bit_or)},
      {cumsum_p(), running(Op::add)},
      {cumprod_p(), running(Op::mul)},
      {cummax_p(), running(Op::max)},
      {cummin_p(), running(Op::min)},
      {cumlogsumexp_p(), running(Op::log_add_exp)},
      {argmax_p(), place_of(Op::max)},
      {argmin_p(), place_of(Op::min)},
  };
  for (const auto& [p, rewriter] : rows) t.set(Turn::loops, p, rewriter);
}

}  // namespace tf2jax::compiler
