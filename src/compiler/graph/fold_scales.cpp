// Batch normalisation at inference and its like: scales and offsets of features behind a product with constant weights.
#include "tf2jax/compiler/graph/fold_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

using loops::Op;

constexpr std::int64_t kMostWeights = 1 << 24, kMostNumbers = 1 << 20;  // elements worth the time of compilation

/// The constant operand of a product, and where its features are in it and in the result.
struct Weights {
  std::size_t operand;
  std::int64_t axis, out_axis;
};

std::optional<Weights> weights_of(const Graph& g, const GraphOp& op) {
  const auto is_constant = [&](std::size_t k) {
    return g.value(op.in[k]).is_constant() && g.value(op.in[k]).elements() <= kMostWeights;
  };
  const auto rank = [&](ValueId v) { return static_cast<std::int64_t>(g.value(v).dims.size()); };
  if (op.kind == OpKind::convolution) {
    const auto& d = op.params.get<ConvParams>().dimension_numbers;
    return is_constant(1) ? std::optional(Weights{1, d.rhs_spec[0], d.out_spec[1]}) : std::nullopt;
  }
  if (op.kind != OpKind::dot) return std::nullopt;
  const DotDims& d = op.params.get<DotParams>().dimension_numbers;
  if (!d.lhs_batch.empty()) return std::nullopt;
  for (const std::size_t k : {std::size_t{1}, std::size_t{0}}) {
    const Axes free = other_axes(k ? d.rhs_contract : d.lhs_contract, rank(op.in[k]));
    if (is_constant(k) && free.size() == 1) return Weights{k, free[0], k ? rank(op.out[0]) - 1 : 0};
  }
  return std::nullopt;
}

// The axis of another shape that steps through the same elements.
std::optional<std::int64_t> same_axis(const Dims& from, std::int64_t axis, const Dims& to) {
  const auto before = [](const Dims& d, std::size_t k) {
    return num_elements(Dims(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(k)));
  };
  for (std::size_t k = 0; k < to.size(); ++k)
    if (to[k] == from[axis] && before(to, k) == before(from, axis)) return static_cast<std::int64_t>(k);
  return std::nullopt;
}

// The numbers of a constant along an axis, or the one it consists of (axis -1). Empty when they vary along other axes.
std::optional<std::vector<double>> numbers_along(const Graph& g, ValueId v, std::int64_t axis) {
  const GraphValue& x = g.value(v);
  if (axis >= 0 && (x.dims.empty() || x.dims[axis] == 1)) axis = -1;
  if (x.is_constant()) {
    if (x.elements() > kMostNumbers || x.elements() == 0) return std::nullopt;
    const auto all = x.constant.to_vector<double>();
    const std::int64_t n = axis < 0 ? 1 : x.dims[axis], step = axis < 0 ? 1 : row_major_strides(x.dims)[axis];
    std::vector<double> out;
    for (std::int64_t i = 0; i < n; ++i) out.push_back(all[i * step]);
    for (std::int64_t i = 0; i < x.elements(); ++i)
      if (all[i] != out[axis < 0 ? 0 : (i / step % n)]) return std::nullopt;  // a NaN ends it here
    return out;
  }
  const GraphOp* op = g.producer(v);
  if (!op || (op->kind != OpKind::broadcast && op->kind != OpKind::reshape && op->kind != OpKind::transpose))
    return std::nullopt;
  if (axis < 0) return numbers_along(g, op->in[0], -1);
  if (op->kind == OpKind::transpose)
    return numbers_along(g, op->in[0], op->params.get<TransposeParams>().permutation[axis]);
  if (op->kind == OpKind::reshape) {
    const auto inner = same_axis(x.dims, axis, g.value(op->in[0]).dims);
    return inner ? numbers_along(g, op->in[0], *inner) : std::nullopt;
  }
  const Axes& axes = op->params.get<BroadcastInDim>().broadcast_dimensions;
  const auto inner = std::ranges::find(axes, axis);
  return numbers_along(g, op->in[0], inner == axes.end() ? -1 : inner - axes.begin());
}

/// What follows a product: each feature times `scale` plus `offset`.
struct Chain {
  struct Link {
    OpId op;
    ValueId from;  // its operand in the chain
  };
  std::vector<Link> links;
  std::vector<double> scale, offset;
  bool is_shifted = false;
  std::int64_t axis = 0;  // of the features in the result of the last link
};

// Takes one more operation into the chain.
bool extend(const Graph& g, OpId o, ValueId from, std::int64_t axis, Chain& c) {
  const GraphOp& op = g.op(o);
  const GraphValue &x = g.value(from), &out = g.value(op.out[0]);
  if (op.kind != OpKind::elementwise || out.dims != x.dims || out.aval.dtype != x.aval.dtype) return false;
  // The parts of a pair are values of their own, which loops write side by side.
  if (std::ranges::any_of(out.users, [&](OpId user) { return g.op(user).kind == OpKind::interleave; })) return false;
  const std::size_t n = c.scale.size();
  const auto apply = [&](auto&& f) {
    for (std::size_t i = 0; i < n; ++i) f(i);
    c.links.push_back({o, from});
    c.axis = axis;
    return true;
  };
  if (op.scalar == Op::neg) return apply([&](std::size_t i) { c.scale[i] = -c.scale[i], c.offset[i] = -c.offset[i]; });
  if (op.scalar != Op::add && op.scalar != Op::sub && op.scalar != Op::mul && op.scalar != Op::div) return false;
  const bool first = op.in[0] == from;
  if (op.in[0] == op.in[1] || (op.scalar == Op::div && !first)) return false;
  auto other = numbers_along(g, op.in[first ? 1 : 0], axis);
  if (!other) return false;
  if (other->size() == 1) other->assign(n, other->front());
  const std::vector<double>& y = *other;
  c.is_shifted = c.is_shifted || op.scalar == Op::add || op.scalar == Op::sub;
  if (op.scalar == Op::add) return apply([&](std::size_t i) { c.offset[i] += y[i]; });
  if (op.scalar == Op::mul) return apply([&](std::size_t i) { c.scale[i] *= y[i], c.offset[i] *= y[i]; });
  if (op.scalar == Op::div) return apply([&](std::size_t i) { c.scale[i] /= y[i], c.offset[i] /= y[i]; });
  if (first) return apply([&](std::size_t i) { c.offset[i] -= y[i]; });
  return apply([&](std::size_t i) { c.scale[i] = -c.scale[i], c.offset[i] = y[i] - c.offset[i]; });
}

Chain chain_after(const Graph& g, ValueId v, std::int64_t axis) {
  const std::size_t features = g.value(v).dims[axis];
  Chain c{{}, std::vector<double>(features, 1), std::vector<double>(features, 0)};
  for (;;) {
    const GraphValue& x = g.value(v);
    if (x.users.size() != 1 || x.times_output) return c;
    const GraphOp& user = g.op(x.users[0]);
    if (user.kind == OpKind::transpose) {
      axis = std::ranges::find(user.params.get<TransposeParams>().permutation, axis) -
             user.params.get<TransposeParams>().permutation.begin();
    } else if (user.kind == OpKind::reshape) {
      const auto next = same_axis(x.dims, axis, g.value(user.out[0]).dims);
      if (!next) return c;
      axis = *next;
    } else if (!extend(g, x.users[0], v, axis, c)) {
      return c;
    }
    v = user.out[0];
  }
}

// Rounded once; empty where a number is not finite, or one that is not 0 gets lost: inf * 0 is not inf.
template <class T>
std::optional<Array> scaled(const Array& weights, std::int64_t axis, const std::vector<double>& scale) {
  const auto from = weights.data<T>();
  const Dims dims = weights.dims();
  const std::int64_t step = row_major_strides(dims)[axis], n = dims[axis];
  std::vector<T> out(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double s = scale[static_cast<std::int64_t>(i) / step % n];
    out[i] = static_cast<T>(static_cast<double>(from[i]) * s);
    if (!std::isfinite(out[i]) || (from[i] != 0 && s != 0 && std::abs(out[i]) < std::numeric_limits<T>::min()))
      return std::nullopt;
  }
  return Array::from_bytes(weights.dtype(), dims, std::as_bytes(std::span(out)));
}

template <class T>
std::optional<Array> rounded(DType dtype, const Dims& dims, const std::vector<double>& values) {
  std::vector<T> out(values.begin(), values.end());
  if (!std::ranges::all_of(out, [](T x) { return std::isfinite(x); })) return std::nullopt;
  return Array::from_bytes(dtype, dims, std::as_bytes(std::span(out)));
}

class ScaleFolder {
 public:
  explicit ScaleFolder(Graph& graph) : g_(graph) {}

  bool run() {
    for (std::size_t o = 0; o < g_.ops.size(); ++o) fold(static_cast<OpId>(o));
    for (GraphOp& op : g_.ops)
      for (ValueId& v : op.in) v = present(v);
    for (ValueId& v : g_.outputs) v = present(v);
    return changed_;
  }

 private:
  void fold(OpId o) {
    const auto w = weights_of(g_, g_.op(o));
    if (!w) return;
    const ValueId product = g_.op(o).out[0];
    const Array weights = g_.value(g_.op(o).in[w->operand]).constant;
    const DType dtype = g_.value(product).aval.dtype;
    if ((dtype != DType::f32 && dtype != DType::f64) || weights.dtype() != dtype) return;
    const Chain c = chain_after(g_, product, w->out_axis);
    const bool is_scaled = std::ranges::any_of(c.scale, [](double s) { return s != 1; });
    if (c.links.empty() || (c.links.size() == 1 && !is_scaled)) return;
    const Chain::Link last = c.links.back();
    Dims dims(g_.value(last.from).dims.size(), 1);
    dims[c.axis] = static_cast<std::int64_t>(c.offset.size());
    const auto scaled_weights =
        dtype == DType::f32 ? scaled<float>(weights, w->axis, c.scale) : scaled<double>(weights, w->axis, c.scale);
    const auto offset =
        dtype == DType::f32 ? rounded<float>(dtype, dims, c.offset) : rounded<double>(dtype, dims, c.offset);
    if (!scaled_weights || !offset) return;
    changed_ = true;
    if (is_scaled) {
      const ValueId v = constant(*scaled_weights);
      g_.ops[o].in[w->operand] = v;
    }
    for (const Chain::Link& link : c.links) replaced_[g_.op(link.op).out[0]] = link.from;
    if (!c.is_shifted) return;
    const ValueId added = constant(*offset);
    replaced_.erase(g_.op(last.op).out[0]);
    GraphOp& sum = g_.ops[last.op];
    sum.scalar = Op::add;
    sum.in = {last.from, added};
  }

  ValueId constant(const Array& value) {
    GraphValue v;
    v.aval = value.aval();
    v.dims = value.dims();
    v.constant = value;
    g_.values.push_back(std::move(v));
    return static_cast<ValueId>(g_.values.size() - 1);
  }
  ValueId present(ValueId v) const {
    for (auto it = replaced_.find(v); it != replaced_.end(); it = replaced_.find(v)) v = it->second;
    return v;
  }

  Graph& g_;
  std::unordered_map<ValueId, ValueId> replaced_;
  bool changed_ = false;
};

}  // namespace

bool fold_scales(Graph& graph) { return ScaleFolder(graph).run(); }

}  // namespace tf2jax::compiler
