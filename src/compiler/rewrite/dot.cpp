// Products of matrices: those with diagonal ones scale, small outer ones are loops, and the others have operands whose
// free and contracted axes come in runs.
#include "tf2jax/ops/dot.h"

#include <algorithm>

#include "tf2jax/compiler/graph/strides.h"
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

const GraphOp* elementwise_producer(const GraphBuilder& b, ValueId v, Op op) {
  const GraphOp* made = b.producer(v);
  return made && made->kind == OpKind::elementwise && made->scalar == op ? made : nullptr;
}

// The axis of an n x n matrix along which v, or what it is spread from, counts; -1 for other values.
std::int64_t counted_axis(const GraphBuilder& b, ValueId v, const Dims& square) {
  const GraphOp* iota = b.producer(v);
  if (iota && iota->kind == OpKind::broadcast) {  // a counter along one axis, spread over the other
    const GraphOp* inner = b.producer(iota->in[0]);
    const Dims counted = b.dims(iota->in[0]);
    const bool counts = inner && inner->kind == OpKind::iota && counted.size() == 1 && counted[0] == square[0];
    return counts ? iota->params.get<BroadcastInDim>().broadcast_dimensions[0] : -1;
  }
  if (!iota || iota->kind != OpKind::iota) return -1;
  const std::int64_t along = iota->params.get<IotaParams>().dimension;
  return b.dims(v) == square || b.dims(v)[along] == square[0] ? along : -1;
}

// An identity matrix is written as a comparison of two counters, converted.
bool is_identity(const GraphBuilder& b, ValueId v, ValueId test) {
  const GraphOp* equal = elementwise_producer(b, test, Op::eq);
  if (!equal || !is_floating(b.dtype(v))) return false;
  const std::int64_t x = counted_axis(b, equal->in[0], b.dims(v)), y = counted_axis(b, equal->in[1], b.dims(v));
  return x >= 0 && y >= 0 && x != y;
}

// What a factor of a diagonal matrix multiplies its diagonal with: a scalar or a vector of n.
std::optional<ValueId> diagonal_factor(GraphBuilder& b, ValueId v, std::int64_t n) {
  if (b.dims(v).empty()) return v;
  if (b.value(v).elements() == n) return b.reshape(v, {n});
  const GraphOp* spread = b.producer(v);
  if (!spread || spread->kind != OpKind::broadcast || b.value(spread->in[0]).elements() != n) return std::nullopt;
  return b.reshape(spread->in[0], {n});
}

// The diagonal of an n x n matrix that is zero elsewhere by its making (a vector, or a scalar when it is constant): the
// seeds of Jacobians and what elementwise derivatives make of them.
std::optional<ValueId> diagonal(GraphBuilder& b, ValueId v) {
  const Dims d = b.dims(v);
  if (d.size() != 2 || d[0] != d[1]) return std::nullopt;
  if (const GraphOp* made = elementwise_producer(b, v, Op::convert))
    return is_identity(b, v, made->in[0]) ? std::optional(b.number(b.dtype(v), 1)) : std::nullopt;
  const GraphOp* made = elementwise_producer(b, v, Op::mul);
  if (!made) return std::nullopt;
  const Values in = made->in;  // appending moves the operations
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const auto own = diagonal(b, in[k]);
    if (!own) continue;
    const auto factor = diagonal_factor(b, in[1 - k], d[0]);
    if (!factor) continue;
    if (b.dims(*own).empty() && b.value(*own).is_constant())
      return b.dims(*factor).empty() ? b.broadcast(*factor, {d[0]}, {}) : *factor;
    return b.scalar_op(Op::mul, {*own, *factor}, {b.dtype(v), symbolic(Dims{d[0]}), false});
  }
  return std::nullopt;
}

// A product with a diagonal matrix scales rows or columns.
std::optional<ValueId> scaled(GraphBuilder& b, const GraphEquation& e, const DotDims& d) {
  const Aval& out = e.out();
  if (!d.lhs_batch.empty() || d.lhs_contract.size() != 1 || b.dtype(e.in[0]) != out.dtype ||
      b.dtype(e.in[1]) != out.dtype)
    return std::nullopt;
  for (const bool left : {true, false}) {
    const auto scale = diagonal(b, e.in[left ? 0 : 1]);
    if (!scale) continue;
    const ValueId matrix = e.in[left ? 1 : 0];
    const Axes contracted = left ? d.rhs_contract : d.lhs_contract;
    Axes order = other_axes(contracted, static_cast<std::int64_t>(b.dims(matrix).size()));
    order.insert(left ? order.begin() : order.end(), contracted[0]);
    const ValueId moved = b.transpose(matrix, order);
    if (b.dims(*scale).empty()) return moved;
    const std::int64_t axis = left ? 0 : static_cast<std::int64_t>(order.size()) - 1;
    return b.scalar_op(Op::mul, {b.broadcast(*scale, out.dims(), {axis}), moved}, out);
  }
  return std::nullopt;
}

Axes joined(Axes axes, const Axes& more) {
  axes.insert(axes.end(), more.begin(), more.end());
  return axes;
}

// Few products without a sum join the loops around them.
std::optional<ValueId> outer_product(GraphBuilder& b, ValueId lhs, ValueId rhs, const DotDims& d, const Aval& out) {
  constexpr std::int64_t kMost = 1 << 14;  // elements; larger ones are written past the caches or by several threads
  if (num_elements(out.dims()) > kMost) return std::nullopt;
  const auto batch = static_cast<std::int64_t>(d.lhs_batch.size());
  std::int64_t next = batch;  // free axes of the result
  const auto spread = [&](ValueId v, const Axes& batch_axes, const Axes& contract) -> std::optional<ValueId> {
    const Dims size = b.dims(v);
    if (std::ranges::any_of(contract, [&](std::int64_t a) { return size[a] != 1; })) return std::nullopt;
    Axes kept = batch_axes, to = iota_axes(batch);
    for (const auto a : other_axes(joined(batch_axes, contract), static_cast<std::int64_t>(size.size())))
      kept.push_back(a), to.push_back(next++);
    Dims without;
    for (const auto a : kept) without.push_back(size[a]);
    return b.broadcast(b.reshape(b.transpose(v, joined(kept, contract)), without), out.dims(), to);
  };
  const auto x = spread(lhs, d.lhs_batch, d.lhs_contract);
  if (!x) return std::nullopt;
  return b.scalar_op(Op::mul, {*x, *spread(rhs, d.rhs_batch, d.rhs_contract)}, out);
}

// An operand of the type that the product computes with, transposed where free or contracted axes are scattered.
ValueId prepared(GraphBuilder& b, ValueId v, DType type, Axes& batch, Axes& contract) {
  if (b.dtype(v) != type) v = b.scalar_op(Op::convert, {v}, {type, b.value(v).aval.shape, false});
  const Dims size = b.dims(v);
  const Axes free = other_axes(joined(batch, contract), static_cast<std::int64_t>(size.size()));
  if (is_run(free, size) && is_run(contract, size)) return v;
  const Axes order = joined(joined(batch, free), contract);
  const auto nb = static_cast<std::int64_t>(batch.size()), nc = static_cast<std::int64_t>(contract.size());
  batch = iota_axes(nb);
  contract = iota_axes(nc, static_cast<std::int64_t>(order.size()) - nc);
  return b.transpose(v, order);
}

// Halves multiply in f32.
Rewritten dot(GraphBuilder& b, const GraphEquation& e) {
  const auto compute = [](DType d) { return d == DType::f16 || d == DType::bf16 ? DType::f32 : d; };
  const Aval& out = e.out();
  const DType type = compute(b.dtype(e.in[0]));
  if (type != compute(b.dtype(e.in[1])) || (type != DType::f32 && type != DType::f64) || compute(out.dtype) != type)
    return std::nullopt;
  DotDims d = e.params.get<DotParams>().dimension_numbers;
  if (const auto v = scaled(b, e, d)) return v;
  const ValueId lhs = prepared(b, e.in[0], type, d.lhs_batch, d.lhs_contract),
                rhs = prepared(b, e.in[1], type, d.rhs_batch, d.rhs_contract);
  const Aval wide{type, out.shape, false};
  auto product = outer_product(b, lhs, rhs, d, wide);
  if (!product) product = b.append(e.primitive, DotParams{d, {}, {}}, OpKind::dot, {lhs, rhs}, wide);
  return out.dtype == type ? *product : b.scalar_op(Op::convert, {*product}, out);
}

}  // namespace

void append_dot_rewrites(RewriteTable& t) { t.set(Turn::loops, dot_general_p(), dot); }

}  // namespace tf2jax::compiler
