// Rewriting of dots into broadcasts, a multiplication and a reduction.
#include "tf2jax/compiler/graph/tiny_products.h"

#include <algorithm>
#include <span>

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

using loops::Op;

/// The axes of a product in one row: batch, free ones of the left operand, of the right one, contracted ones.
struct Axis {
  std::int64_t size, lhs = -1, rhs = -1;  // the operands' axes
};

std::vector<Axis> axes_of(const Graph& g, const GraphOp& op) {
  const DotDims& d = op.params.get<DotParams>().dimension_numbers;
  const Dims &l = g.value(op.in[0]).dims, &r = g.value(op.in[1]).dims;
  const auto free = [](const Axes& batch, const Axes& contract, const Dims& dims) {
    Axes fixed = batch;
    fixed.insert(fixed.end(), contract.begin(), contract.end());
    return other_axes(fixed, static_cast<std::int64_t>(dims.size()));
  };
  std::vector<Axis> out;
  for (std::size_t i = 0; i < d.lhs_batch.size(); ++i)
    out.push_back({l[d.lhs_batch[i]], d.lhs_batch[i], d.rhs_batch[i]});
  for (const auto a : free(d.lhs_batch, d.lhs_contract, l)) out.push_back({l[a], a, -1});
  for (const auto a : free(d.rhs_batch, d.rhs_contract, r)) out.push_back({r[a], -1, a});
  for (std::size_t i = 0; i < d.lhs_contract.size(); ++i)
    out.push_back({l[d.lhs_contract[i]], d.lhs_contract[i], d.rhs_contract[i]});
  return out;
}

// Measured: 13 times faster than the library for a batch of 4 x 4 matrices, 5 times for 8 x 8, twice for 12 x 12, not
// for 16 x 16. Long ones with few columns are slow there too.
bool is_tiny(const std::vector<Axis>& axes, std::size_t contracted) {
  constexpr std::int64_t kTiny = 12, kThin = 4;
  std::int64_t m = 1, n = 1, k = 1;
  for (const Axis& a : axes) {
    if (a.lhs >= 0 && a.rhs < 0) m *= a.size;
    if (a.rhs >= 0 && a.lhs < 0) n *= a.size;
  }
  for (const Axis& a : std::span(axes).last(contracted)) k *= a.size;
  return std::max({m, n, k}) <= kTiny || std::max(std::min(m, n), k) <= kThin;
}

class Expander {
 public:
  explicit Expander(Graph& graph) : g_(graph) {}

  void run() {
    bool any = false;
    for (GraphOp& op : g_.ops) {
      const std::vector<Axis> axes = op.kind == OpKind::dot ? axes_of(g_, op) : std::vector<Axis>();
      const bool expands = op.kind == OpKind::dot && is_tiny(axes, contracted_axes(op));
      if (expands) expand(op, axes);
      else ops_.push_back(std::move(op));
      any = any || expands;
    }
    g_.ops = std::move(ops_);
    if (any) prune(g_);
  }

 private:
  static std::size_t contracted_axes(const GraphOp& op) {
    return op.params.get<DotParams>().dimension_numbers.lhs_contract.size();
  }

  // Both operands over all axes, multiplied and summed over the contracted ones.
  void expand(const GraphOp& op, const std::vector<Axis>& axes) {
    const DType dtype = g_.value(op.out[0]).aval.dtype;
    Dims dims;
    for (const Axis& a : axes) dims.push_back(a.size);
    const auto spread = [&](ValueId v, std::int64_t Axis::* own) {
      Axes to(g_.value(v).dims.size());
      for (std::size_t i = 0; i < axes.size(); ++i)
        if (axes[i].*own >= 0) to[axes[i].*own] = static_cast<std::int64_t>(i);
      return add({broadcast_in_dim_p(), BroadcastInDim{to, symbolic(dims)}, OpKind::broadcast, Op::constant, {v}, {}},
                 dtype, dims);
    };
    const ValueId x = spread(op.in[0], &Axis::lhs), y = spread(op.in[1], &Axis::rhs);
    const ValueId product = add({op.primitive, no_params(), OpKind::elementwise, Op::mul, {x, y}, {}}, dtype, dims);
    const auto contracted = static_cast<std::int64_t>(contracted_axes(op));
    const Axes summed = iota_axes(contracted, static_cast<std::int64_t>(axes.size()) - contracted);
    ops_.push_back({reduce_sum_p(), ReduceAxes{summed}, OpKind::reduce, Op::add, {product}, op.out});
  }

  ValueId add(GraphOp op, DType dtype, const Dims& dims) {
    GraphValue v;
    v.aval = {dtype, symbolic(dims), false};
    v.dims = dims;
    g_.values.push_back(std::move(v));
    op.out = {static_cast<ValueId>(g_.values.size() - 1)};
    ops_.push_back(std::move(op));
    return ops_.back().out[0];
  }

  Graph& g_;
  std::vector<GraphOp> ops_;
};

}  // namespace

void expand_tiny_products(Graph& graph) { Expander(graph).run(); }

}  // namespace tf2jax::compiler
