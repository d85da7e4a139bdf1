// Operand views of dots.
#include "tf2jax/compiler/fusion/dot_operands.h"

#include "tf2jax/compiler/fusion/operand_maps.h"
#include "tf2jax/compiler/graph/strides.h"
#include "tf2jax/ops/dot.h"

namespace tf2jax::compiler {

namespace {

Axes free_axes(const Axes& a, const Axes& b, std::size_t rank) {
  Axes both = a;
  both.insert(both.end(), b.begin(), b.end());
  return other_axes(both, static_cast<std::int64_t>(rank));
}

// The deepest base from which the operand can be read by strides: of each batch axis, the rows and the columns.
View operand_view(const Graph& graph, ValueId v, const Axes& batch, const Axes& rows, const Axes& columns) {
  IndexSpace space;
  const Dims dims = graph.value(v).dims;
  MapId map = space.identity(dims);
  const MapId own = map;
  View best;
  ValueId base = v;
  for (;;) {
    const Affine address = space.address(map, 0, row_major_strides(graph.value(base).dims));
    const auto coefficient = [&](LoopVar x) {
      for (const auto& [y, c] : address.terms)
        if (x == y) return c;
      return std::int64_t{0};
    };
    // An axis may have been split into several variables by a reshape.
    const auto axis_steps = [&](const Axes& axes) {
      std::vector<StridedLoop> out;
      for (const auto a : axes) {
        auto terms = space.map(own)[a].terms;
        std::sort(terms.begin(), terms.end(), [](const auto& s, const auto& t) { return s.second > t.second; });
        for (const auto& [x, c] : terms) out.push_back({space.extent(x), coefficient(x)});
      }
      return out;
    };
    View view{base, address.offset, {}};
    bool fits = true;
    for (const auto a : batch) {
      const auto s = common_stride(axis_steps({a}));
      fits = fits && s;
      view.strides.push_back(s.value_or(0));
    }
    for (const Axes& axes : {rows, columns}) {
      const auto s = common_stride(axis_steps(axes));
      fits = fits && s;
      view.strides.push_back(s.value_or(0));
    }
    for (const std::int64_t s : view.strides) fits = fits && s >= 0;
    if (fits) best = view;
    const GraphOp* op = graph.producer(base);
    if (!op || (op->kind != OpKind::reshape && op->kind != OpKind::transpose && op->kind != OpKind::slice &&
                op->kind != OpKind::broadcast))
      break;
    const auto maps = operand_maps(graph, *op, space, map);
    if (!maps) break;
    map = (*maps)[0];
    base = op->in[0];
  }
  check<InternalError>(best.base >= 0, "dot: the operand {} has no strided view.", graph.value(v).aval);
  return best;
}

}  // namespace

bool is_dot_layout(const Graph& graph, const GraphOp& op, const Dims& out_strides) {
  const DotDims& d = op.params.get<DotParams>().dimension_numbers;
  const Dims& dims = graph.value(op.out[0]).dims;
  const auto batch = static_cast<std::int64_t>(d.lhs_batch.size());
  const auto m =
      static_cast<std::int64_t>(free_axes(d.lhs_batch, d.lhs_contract, graph.value(op.in[0]).dims.size()).size());
  return common_stride(steps_of(iota_axes(m, batch), dims, out_strides)) &&
         common_stride(
             steps_of(iota_axes(static_cast<std::int64_t>(dims.size()) - m - batch, batch + m), dims, out_strides));
}

DotLayout dot_layout(const Graph& graph, const GraphOp& op, const Dims& out_strides) {
  const DotDims& d = op.params.get<DotParams>().dimension_numbers;
  const Dims &l = graph.value(op.in[0]).dims, &r = graph.value(op.in[1]).dims, &o = graph.value(op.out[0]).dims;
  const Axes lhs_free = free_axes(d.lhs_batch, d.lhs_contract, l.size()),
             rhs_free = free_axes(d.rhs_batch, d.rhs_contract, r.size());
  DotLayout out;
  for (const auto a : d.lhs_batch) out.batch.push_back(l[a]);
  for (const auto a : lhs_free) out.m *= l[a];
  for (const auto a : rhs_free) out.n *= r[a];
  for (const auto a : d.lhs_contract) out.k *= l[a];
  out.lhs = operand_view(graph, op.in[0], d.lhs_batch, lhs_free, d.lhs_contract);
  out.rhs = operand_view(graph, op.in[1], d.rhs_batch, d.rhs_contract, rhs_free);
  const auto batch = static_cast<std::int64_t>(d.lhs_batch.size()), m = static_cast<std::int64_t>(lhs_free.size());
  out.out_strides.assign(out_strides.begin(), out_strides.begin() + batch);
  out.out_strides.push_back(*common_stride(steps_of(iota_axes(m, batch), o, out_strides)));
  out.out_strides.push_back(
      *common_stride(steps_of(iota_axes(static_cast<std::int64_t>(o.size()) - m - batch, batch + m), o, out_strides)));
  return out;
}

}  // namespace tf2jax::compiler
