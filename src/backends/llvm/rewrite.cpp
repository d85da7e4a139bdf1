// Equations as op kinds: the table of scalar operations, and movements and reductions in a few canonical forms.
#include <algorithm>
#include <cstring>

#include "tf2jax/backends/llvm/dot_plan.h"
#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/backends/llvm/scan_rewrite.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::compiler {

namespace {

using loops::Op;

// Primitives that are one scalar operation on each element.
const std::unordered_map<const void*, Op>& scalar_table() {
  static const std::unordered_map<const void*, Op> table = [] {
    std::unordered_map<const void*, Op> t;
    const std::pair<const Primitive&, Op> rows[] = {
        {neg_p(), Op::neg}, {sign_p(), Op::sign}, {floor_p(), Op::floor}, {ceil_p(), Op::ceil}, {is_finite_p(), Op::is_finite}, {exp_p(), Op::exp},
        {exp2_p(), Op::exp2}, {expm1_p(), Op::expm1}, {log_p(), Op::log}, {log1p_p(), Op::log1p}, {log2_p(), Op::log2}, {tanh_p(), Op::tanh},
        {logistic_p(), Op::logistic}, {sin_p(), Op::sin}, {cos_p(), Op::cos}, {tan_p(), Op::tan}, {asin_p(), Op::asin}, {acos_p(), Op::acos},
        {atan_p(), Op::atan}, {sinh_p(), Op::sinh}, {cosh_p(), Op::cosh}, {asinh_p(), Op::asinh}, {acosh_p(), Op::acosh}, {atanh_p(), Op::atanh},
        {sqrt_p(), Op::sqrt}, {rsqrt_p(), Op::rsqrt}, {abs_p(), Op::abs}, {not_p(), Op::bit_not},
        {population_count_p(), Op::population_count}, {clz_p(), Op::clz}, {cbrt_p(), Op::cbrt}, {erf_p(), Op::erf}, {erf_inv_p(), Op::erf_inv}, {erfc_p(), Op::erfc}, {convert_element_type_p(), Op::convert},
        {add_p(), Op::add}, {add_any_p(), Op::add}, {sub_p(), Op::sub}, {mul_p(), Op::mul}, {div_p(), Op::div}, {rem_p(), Op::rem}, {max_p(), Op::max},
        {min_p(), Op::min}, {pow_p(), Op::pow}, {atan2_p(), Op::atan2}, {and_p(), Op::bit_and}, {or_p(), Op::bit_or}, {xor_p(), Op::bit_xor},
        {shift_left_p(), Op::shift_left}, {shift_right_logical_p(), Op::shift_right_logical}, {shift_right_arithmetic_p(), Op::shift_right_arithmetic},
        {eq_p(), Op::eq}, {ne_p(), Op::ne}, {lt_p(), Op::lt}, {le_p(), Op::le}, {gt_p(), Op::gt}, {ge_p(), Op::ge}};
    for (const auto& [p, op] : rows) t.emplace(p.id(), op);
    return t;
  }();
  return table;
}

Array scalar_of(DType dtype, double value) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> Array {
    T v{};
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) v = detail::convert_scalar<T>(value);
    return Array::from_bytes(dtype, {}, std::as_bytes(std::span(&v, 1)));
  });
}

}  // namespace

ValueId GraphBuilder::number(DType dtype, double value) { return constant(scalar_of(dtype, value)); }

ValueId GraphBuilder::scalar_op(Op op, const std::vector<ValueId>& in, const Aval& out) {
  return append({copy_p(), no_params(), OpKind::elementwise, op, in, {}}, {out.strong()})[0];
}

ValueId GraphBuilder::reshape(ValueId v, const Dims& to) {
  if (dims(v) == to) return v;
  if (const GraphOp* p = graph_.producer(v); p && p->kind == OpKind::reshape) return reshape(p->in[0], to);
  return append({reshape_p(), ReshapeParams{symbolic(to)}, OpKind::reshape, Op::constant, {v}, {}}, {{dtype(v), symbolic(to), false}})[0];
}

ValueId GraphBuilder::transpose(ValueId v, const Axes& permutation) {
  const Dims d = dims(v);
  if (permutation == iota_axes(static_cast<std::int64_t>(d.size()))) return v;
  if (const GraphOp* p = graph_.producer(v); p && p->kind == OpKind::transpose) {
    const Axes first = p->params.get<TransposeParams>().permutation;
    Axes both;
    for (const auto a : permutation) both.push_back(first[static_cast<std::size_t>(a)]);
    return transpose(p->in[0], both);
  }
  Dims to;
  Axes moved;   // axes longer than 1, in their new order
  for (const auto a : permutation) {
    to.push_back(d[static_cast<std::size_t>(a)]);
    if (to.back() != 1) moved.push_back(a);
  }
  if (std::ranges::is_sorted(moved)) return reshape(v, to);
  if (const GraphValue& value = graph_.value(v); value.is_constant() && value.elements() <= kLargestFolded) {
    const TraceScope scope(eval_trace());
    return constant(tf2jax::transpose(value.constant, permutation));
  }
  return append({transpose_p(), TransposeParams{permutation}, OpKind::transpose, Op::constant, {v}, {}}, {{dtype(v), symbolic(to), false}})[0];
}

ValueId GraphBuilder::slice(ValueId v, const Dims& start, const Dims& limit, const Dims& strides) {
  Dims to;
  for (std::size_t i = 0; i < start.size(); ++i) to.push_back(limit[i] <= start[i] ? 0 : (limit[i] - start[i] + strides[i] - 1) / strides[i]);
  if (to == dims(v)) return v;
  return append({slice_p(), SliceParams{symbolic(start), symbolic(limit), strides}, OpKind::slice, Op::constant, {v}, {}}, {{dtype(v), symbolic(to), false}})[0];
}

ValueId GraphBuilder::broadcast(ValueId v, const Dims& to, const Axes& axes) {
  if (dims(v) == to) return v;
  if (num_elements(to) == graph_.value(v).elements() && std::ranges::is_sorted(axes)) return reshape(v, to);
  return append({broadcast_in_dim_p(), BroadcastInDim{axes, symbolic(to)}, OpKind::broadcast, Op::constant, {v}, {}}, {{dtype(v), symbolic(to), false}})[0];
}

ValueId GraphBuilder::in_memory(ValueId v, bool may_share) {
  const Aval aval = graph_.value(v).aval.strong();
  return append({broadcast_in_dim_p(), BroadcastInDim{iota_axes(aval.rank()), aval.shape}, OpKind::broadcast, Op::constant, {v}, {}, true}, {aval}, may_share)[0];
}

ValueId GraphBuilder::reduce(Op op, ValueId v, const Axes& axes) {
  const Dims d = dims(v);
  Dims kept;
  std::int64_t reduced = 1, parallel = 1;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(d.size()); ++i) {
    const std::int64_t n = d[static_cast<std::size_t>(i)];
    if (contains(axes, i)) reduced *= n;
    else kept.push_back(n), parallel *= n;
  }
  if (reduced == 1 && graph_.value(v).elements() > 0) return reshape(v, kept);
  // A long reduction to few results goes in two stages: rows in parallel, then the column of their results.
  if (parallel < 16 && reduced > 16384 && itemsize(dtype(v)) >= 4) {   // halves would round in between
    Axes sorted = axes;
    std::ranges::sort(sorted);
    std::erase_if(sorted, [&](std::int64_t a) { return d[static_cast<std::size_t>(a)] == 1; });
    if (sorted.size() > 1) {
      Axes inner;
      std::int64_t volume = 1;
      while (sorted.size() > 1 && volume < 64) {
        volume *= d[static_cast<std::size_t>(sorted.back())];
        inner.push_back(sorted.back());
        sorted.pop_back();
      }
      const ValueId rows = reduce(op, v, inner);
      Axes rest;
      for (const auto a : axes) {
        if (contains(inner, a)) continue;
        const auto before = std::ranges::count_if(inner, [&](std::int64_t b) { return b < a; });
        rest.push_back(a - before);
      }
      return reduce(op, rows, rest);
    }
    const std::int64_t axis = sorted[0], n = d[static_cast<std::size_t>(axis)];
    for (std::int64_t rows = 1024; rows >= 8; --rows) {
      if (n % rows) continue;
      Dims split = d;
      split[static_cast<std::size_t>(axis)] = rows;
      split.insert(split.begin() + axis + 1, n / rows);
      Axes rest = axes;
      for (auto& a : rest) a = a > axis ? a + 1 : a;
      const ValueId partial = reduce(op, reshape(v, split), {axis + 1});
      for (auto& a : rest) a = a > axis ? a - 1 : a;
      return reduce(op, partial, rest);
    }
  }
  Axes sorted = axes;
  std::ranges::sort(sorted);
  return append({reduce_sum_p(), ReduceAxes{sorted}, OpKind::reduce, op, {v}, {}}, {{dtype(v), symbolic(kept), false}})[0];
}

std::optional<ValueId> GraphBuilder::rewrite_movement(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const Primitive& p = e.primitive;
  const Dims to = out.dims();
  if (p == broadcast_in_dim_p()) return broadcast(in[0], to, e.params.get<BroadcastInDim>().broadcast_dimensions);
  if (p == reshape_p()) {
    const auto& permutation = e.params.get<ReshapeParams>().dimensions;
    return reshape(permutation ? transpose(in[0], *permutation) : in[0], to);
  }
  if (p == squeeze_p()) return reshape(in[0], to);
  if (p == transpose_p()) return transpose(in[0], e.params.get<TransposeParams>().permutation);
  if (p == slice_p()) {
    const SliceParams& s = e.params.get<SliceParams>();
    return slice(in[0], concrete(s.start_indices), concrete(s.limit_indices), s.strides.value_or(Dims(to.size(), 1)));
  }
  if (p == tile_p()) {
    Dims wide;
    Axes axes;
    const Dims d = dims(in[0]);
    const Axes& reps = e.params.get<TileParams>().reps;
    if (reps.size() != d.size()) return std::nullopt;
    for (std::size_t i = 0; i < d.size(); ++i) {
      wide.push_back(reps[i]);
      axes.push_back(static_cast<std::int64_t>(wide.size()));
      wide.push_back(d[i]);
    }
    return reshape(broadcast(in[0], wide, axes), to);
  }
  if (p == stack_p()) {
    std::vector<ValueId> parts;
    Dims one = to;
    const std::int64_t axis = e.params.get<AxisParam>().axis;
    one[static_cast<std::size_t>(axis)] = 1;
    for (const ValueId v : in) parts.push_back(reshape(v, one));
    if (parts.size() == 1) return parts[0];
    return append({concatenate_p(), ConcatenateParams{axis}, OpKind::concatenate, Op::constant, parts, {}}, {out.strong()})[0];
  }
  const auto plain = [&](OpKind kind) { return append({p, e.params, kind, Op::constant, in, {}}, {out.strong()})[0]; };
  if (p == rev_p()) return plain(OpKind::reverse);
  if (p == concatenate_p()) return in.size() == 1 ? in[0] : plain(OpKind::concatenate);
  if (p == iota_p()) return plain(OpKind::iota);
  if (p == dynamic_slice_p()) return plain(OpKind::dynamic_slice);
  if (p == gather_p() && e.params.get<GatherParams>().mode != GatherScatterMode::one_hot) return plain(OpKind::gather);
  if (p == pad_p()) {
    const auto& config = e.params.get<PadParams>().padding_config;
    const bool inside = std::ranges::any_of(config, [](const PadAxis& a) { return a.interior.value() != 0; });
    return inside ? pad_inside(in[0], in[1], config, out) : plain(OpKind::pad);
  }
  return std::nullopt;
}

std::optional<ValueId> GraphBuilder::rewrite_arithmetic(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const Primitive& p = e.primitive;
  const auto op = [&](Op o, const std::vector<ValueId>& x) { return scalar_op(o, x, out); };
  const auto as_bool = [&](Op o, const std::vector<ValueId>& x) { return scalar_op(o, x, out.with_dtype(DType::bool_)); };
  if (p == copy_p() || p == stop_gradient_p()) return in[0];
  if (p == square_p()) return op(Op::mul, {in[0], in[0]});
  if (p == one_minus_square_p()) {
    if (const auto it = logistic_of_.find(in[0]); it != logistic_of_.end()) {   // 1 - tanh(u)^2 = 4 s (1 - s), s = logistic(2u)
      const ValueId s = it->second;
      return op(Op::mul, {op(Op::mul, {number(out.dtype, 4), s}), op(Op::sub, {number(out.dtype, 1), s})});
    }
    const ValueId one = number(out.dtype, 1);
    return op(Op::mul, {op(Op::sub, {one, in[0]}), op(Op::add, {one, in[0]})});
  }
  if (p == round_p()) return op(e.params.get<RoundParams>().rounding_method == 0 ? Op::round_away : Op::round_even, in);
  if (p == clamp_p()) return op(Op::min, {op(Op::max, {in[1], in[0]}), in[2]});
  if (p == select_n_p()) {
    if (dtype(in[0]) == DType::bool_) return in.size() == 2 ? in[1] : op(Op::select, {in[0], in[2], in[1]});
    ValueId result = in.back();
    for (std::size_t k = in.size() - 2; k >= 1; --k)
      result = op(Op::select, {scalar_op(k == 1 ? Op::le : Op::eq, {in[0], number(dtype(in[0]), static_cast<double>(k - 1))}, {DType::bool_, graph_.value(in[0]).aval.shape, false}), in[k], result});
    return result;
  }
  if (p == integer_pow_p()) {
    const std::int64_t y = e.params.get<IntegerPow>().y;
    if (y == 0 || (y < 0 && !is_inexact(out.dtype))) return std::nullopt;
    // Binary powers, as the eager kernel does.
    auto n = static_cast<std::uint64_t>(y < 0 ? -y : y);
    ValueId base = in[0], result = -1;
    for (; n; n >>= 1) {
      if (n & 1) result = result < 0 ? base : op(Op::mul, {result, base});
      if (n > 1) base = op(Op::mul, {base, base});
    }
    return y < 0 ? op(Op::div, {number(out.dtype, 1), result}) : result;
  }
  if (p == bitcast_convert_type_p()) {
    if (itemsize(dtype(in[0])) != itemsize(out.dtype)) return std::nullopt;
    return op(Op::bitcast, in);
  }
  const auto it = scalar_table().find(p.id());
  if (it == scalar_table().end() || (it->second == Op::erf_inv && out.dtype == DType::f64)) return std::nullopt;
  const Op o = it->second;
  if (o == Op::convert && dtype(in[0]) == out.dtype) return in[0];
  if (o == Op::pow && dtype(in[0]) != dtype(in[1])) return std::nullopt;
  const auto is_number = [&](ValueId v, double x) {
    const GraphValue& g = graph_.value(v);
    return g.is_constant() && g.elements() == 1 && g.dims.empty() && g.constant.item<double>() == x;
  };
  if (o == Op::mul && dims(in[0]) == out.dims() && is_number(in[1], 1)) return in[0];
  if (o == Op::mul && dims(in[1]) == out.dims() && is_number(in[0], 1)) return in[1];
  if (o == Op::div && dims(in[0]) == out.dims() && is_number(in[1], 1)) return in[0];
  // 1 + tanh(u) = 2 logistic(2u): the form in which gelu is written; logistic costs less and does not cancel.
  if (o == Op::add && is_floating(out.dtype) && in.size() == 2)
    for (const int k : {0, 1}) {
      const ValueId t = in[static_cast<std::size_t>(k)];
      const GraphOp* tanh = graph_.producer(t);
      if (!tanh || tanh->kind != OpKind::elementwise || tanh->scalar != Op::tanh || !is_number(in[static_cast<std::size_t>(1 - k)], 1)) continue;
      const Aval aval = graph_.value(t).aval;
      const ValueId s = scalar_op(Op::logistic, {scalar_op(Op::mul, {number(out.dtype, 2), tanh->in[0]}, aval)}, aval);
      logistic_of_[t] = s;
      return op(Op::mul, {number(out.dtype, 2), s});
    }
  if (o >= Op::eq && o <= Op::ge) return as_bool(o, in);
  return op(o, in);
}

std::optional<ValueId> GraphBuilder::rewrite_reduction(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const Primitive& p = e.primitive;
  if (p == reduce_sum_p()) return reduce(Op::add, in[0], e.params.get<ReduceAxes>().axes);
  if (p == reduce_max_p()) return reduce(Op::max, in[0], e.params.get<ReduceAxes>().axes);
  if (p == reduce_min_p()) return reduce(Op::min, in[0], e.params.get<ReduceAxes>().axes);
  if (p == reduce_prod_p()) return reduce(Op::mul, in[0], e.params.get<PlainReduceAxes>().axes);
  if (p == reduce_and_p()) return reduce(Op::bit_and, in[0], e.params.get<PlainReduceAxes>().axes);
  if (p == reduce_or_p()) return reduce(Op::bit_or, in[0], e.params.get<PlainReduceAxes>().axes);
  if (p == reduce_window_sum_p()) return reduce_windows(Op::add, e, in[0], out);
  if (p == reduce_window_max_p()) return reduce_windows(Op::max, e, in[0], out);
  if (p == reduce_window_min_p()) return reduce_windows(Op::min, e, in[0], out);
  for (const auto& [primitive, op] : {std::pair(cumsum_p(), Op::add), std::pair(cumprod_p(), Op::mul), std::pair(cummax_p(), Op::max), std::pair(cummin_p(), Op::min),
                                      std::pair(cumlogsumexp_p(), Op::log_add_exp)}) {
    if (p != primitive || out.dtype == DType::bool_ || (op == Op::log_add_exp && !is_floating(out.dtype))) continue;
    if (dims(in[0])[static_cast<std::size_t>(e.params.get<Cumulative>().axis)] == 1) return in[0];
    return append({p, e.params, OpKind::cumulative, op, in, {}}, {out.strong()})[0];
  }
  if (p == argmax_p() || p == argmin_p()) {
    // The smallest index among the elements equal to the extreme one; NaNs are extreme.
    const ArgReduce& a = e.params.get<ArgReduce>();
    if (a.axes.size() != 1) return std::nullopt;
    const Dims d = dims(in[0]);
    const std::int64_t axis = a.axes[0];
    Axes kept = other_axes(a.axes, static_cast<std::int64_t>(d.size()));
    const ValueId best = broadcast(reduce(p == argmax_p() ? Op::max : Op::min, in[0], a.axes), d, kept);
    const Aval flags{DType::bool_, symbolic(d), false}, indices{out.dtype, symbolic(d), false};
    ValueId hit = scalar_op(Op::eq, {in[0], best}, flags);
    if (is_inexact(dtype(in[0]))) hit = scalar_op(Op::bit_or, {hit, scalar_op(Op::ne, {in[0], in[0]}, flags)}, flags);
    const ValueId index = append({iota_p(), IotaParams{out.dtype, symbolic(d), axis}, OpKind::iota, Op::constant, {}, {}}, {indices})[0];
    const ValueId none = number(out.dtype, static_cast<double>(d[static_cast<std::size_t>(axis)] - 1));
    return reduce(Op::min, scalar_op(Op::select, {hit, index, none}, indices), a.axes);
  }
  return std::nullopt;
}

// The diagonal of an n x n matrix that is zero elsewhere by its making (a vector, or a scalar when it is constant): the
// seeds of Jacobians and what elementwise derivatives make of them.
std::optional<ValueId> GraphBuilder::diagonal(ValueId v) {
  const Dims d = dims(v);
  const GraphOp* made = graph_.producer(v);
  if (d.size() != 2 || d[0] != d[1] || !made || made->kind != OpKind::elementwise) return std::nullopt;
  const GraphOp op = *made;   // appending moves the operations
  if (op.scalar == Op::convert) {
    const GraphOp* test = graph_.producer(op.in[0]);
    if (!test || test->kind != OpKind::elementwise || test->scalar != Op::eq || !is_floating(dtype(v))) return std::nullopt;
    const auto axis = [&](ValueId x) -> std::int64_t {
      const GraphOp* iota = graph_.producer(x);
      if (iota && iota->kind == OpKind::broadcast) {   // a counter along one axis, spread over the other
        const GraphOp* inner = graph_.producer(iota->in[0]);
        const Axes& axes = iota->params.get<BroadcastInDim>().broadcast_dimensions;
        return inner && inner->kind == OpKind::iota && dims(iota->in[0]).size() == 1 && dims(iota->in[0])[0] == d[0] ? axes[0] : -1;
      }
      if (!iota || iota->kind != OpKind::iota) return -1;
      const std::int64_t along = iota->params.get<IotaParams>().dimension;
      return dims(x) == d || dims(x)[static_cast<std::size_t>(along)] == d[0] ? along : -1;
    };
    const std::int64_t a = axis(test->in[0]), b = axis(test->in[1]);
    return a >= 0 && b >= 0 && a != b ? std::optional(number(dtype(v), 1)) : std::nullopt;
  }
  if (op.scalar != Op::mul) return std::nullopt;
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const auto own = diagonal(op.in[k]);
    if (!own) continue;
    const ValueId other = op.in[1 - k];
    std::optional<ValueId> factor;
    if (dims(other).empty()) factor = other;
    else if (graph_.value(other).elements() == d[0]) factor = reshape(other, {d[0]});
    else if (const GraphOp* b = graph_.producer(other); b && b->kind == OpKind::broadcast && graph_.value(b->in[0]).elements() == d[0]) factor = reshape(b->in[0], {d[0]});
    if (!factor) continue;
    if (dims(*own).empty() && graph_.value(*own).is_constant()) return dims(*factor).empty() ? broadcast(*factor, {d[0]}, {}) : *factor;
    return scalar_op(Op::mul, {*own, *factor}, {dtype(v), symbolic(Dims{d[0]}), false});
  }
  return std::nullopt;
}

// A product with a diagonal matrix scales rows or columns.
std::optional<ValueId> GraphBuilder::rewrite_diagonal_dot(const std::vector<ValueId>& in, const DotDims& d, const Aval& out) {
  if (!d.lhs_batch.empty() || d.lhs_contract.size() != 1 || dtype(in[0]) != out.dtype || dtype(in[1]) != out.dtype) return std::nullopt;
  for (const bool left : {true, false}) {
    const auto scale = diagonal(in[left ? 0 : 1]);
    if (!scale) continue;
    const ValueId matrix = in[left ? 1 : 0];
    const Axes contracted = left ? d.rhs_contract : d.lhs_contract;
    Axes order = other_axes(contracted, static_cast<std::int64_t>(dims(matrix).size()));
    order.insert(left ? order.begin() : order.end(), contracted[0]);
    const ValueId moved = transpose(matrix, order);
    if (dims(*scale).empty()) return moved;
    return scalar_op(Op::mul, {broadcast(*scale, out.dims(), {left ? 0 : static_cast<std::int64_t>(order.size()) - 1}), moved}, out);
  }
  return std::nullopt;
}

// Few products without a sum join the loops around them; -1 for others.
ValueId GraphBuilder::outer_product(ValueId lhs, ValueId rhs, const DotDims& d, const Aval& out) {
  constexpr std::int64_t kMost = 1 << 14;   // elements; larger ones are written past the caches or by several threads
  if (num_elements(out.dims()) > kMost) return -1;
  const auto batch = static_cast<std::int64_t>(d.lhs_batch.size());
  std::int64_t next = batch;   // free axes of the result
  const auto spread = [&](ValueId v, const Axes& batch_axes, const Axes& contract) -> ValueId {
    const Dims size = dims(v);
    Axes kept = batch_axes, fixed = batch_axes, to = iota_axes(batch);
    fixed.insert(fixed.end(), contract.begin(), contract.end());
    for (const auto a : contract)
      if (size[static_cast<std::size_t>(a)] != 1) return -1;
    for (const auto a : other_axes(fixed, static_cast<std::int64_t>(size.size()))) kept.push_back(a), to.push_back(next++);
    Dims without;
    for (const auto a : kept) without.push_back(size[static_cast<std::size_t>(a)]);
    kept.insert(kept.end(), contract.begin(), contract.end());
    return broadcast(reshape(transpose(v, kept), without), out.dims(), to);
  };
  const ValueId x = spread(lhs, d.lhs_batch, d.lhs_contract);
  if (x < 0) return -1;
  return scalar_op(Op::mul, {x, spread(rhs, d.rhs_batch, d.rhs_contract)}, out);
}

// Halves multiply in f32; operands whose free or contracted axes are scattered are transposed first.
std::optional<ValueId> GraphBuilder::rewrite_dot(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const auto compute = [](DType d) { return d == DType::f16 || d == DType::bf16 ? DType::f32 : d; };
  const DType type = compute(dtype(in[0]));
  if (type != compute(dtype(in[1])) || (type != DType::f32 && type != DType::f64) || compute(out.dtype) != type) return std::nullopt;
  DotDims d = e.params.get<DotParams>().dimension_numbers;
  if (auto scaled = rewrite_diagonal_dot(in, d, out)) return scaled;
  const auto prepare = [&](ValueId v, Axes& batch, Axes& contract) {
    if (dtype(v) != type) v = scalar_op(Op::convert, {v}, {type, graph_.value(v).aval.shape, false});
    const Dims size = dims(v);
    Axes fixed = batch;
    fixed.insert(fixed.end(), contract.begin(), contract.end());
    const Axes free = other_axes(fixed, static_cast<std::int64_t>(size.size()));
    if (is_run(free, size) && is_run(contract, size)) return v;
    Axes order = batch;
    order.insert(order.end(), free.begin(), free.end());
    order.insert(order.end(), contract.begin(), contract.end());
    const auto nb = static_cast<std::int64_t>(batch.size()), nc = static_cast<std::int64_t>(contract.size());
    batch = iota_axes(nb);
    contract = iota_axes(nc, static_cast<std::int64_t>(order.size()) - nc);
    return transpose(v, order);
  };
  const ValueId lhs = prepare(in[0], d.lhs_batch, d.lhs_contract), rhs = prepare(in[1], d.rhs_batch, d.rhs_contract);
  ValueId product = outer_product(lhs, rhs, d, {type, out.shape, false});
  if (product < 0) product = append({e.primitive, DotParams{d, {}, {}}, OpKind::dot, Op::constant, {lhs, rhs}, {}}, {{type, out.shape, false}})[0];
  return out.dtype == type ? product : scalar_op(Op::convert, {product}, out);
}

std::vector<ValueId> GraphBuilder::rewrite(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  const Primitive& p = e.primitive;
  const auto fits = [&](ValueId v) { return has_loop_type(dtype(v)) && graph_.value(v).elements() > 0; };
  const bool loops = !p.effectful() && std::ranges::all_of(in, fits) &&
                     std::ranges::all_of(avals, [](const Aval& a) { return has_loop_type(a.dtype) && num_elements(a.dims()) > 0; });
  if (loops && p == split_p()) {
    const SplitParams& s = e.params.get<SplitParams>();
    const Dims d = dims(in[0]);
    std::vector<ValueId> out;
    Dims start(d.size(), 0), limit = d;
    const auto axis = static_cast<std::size_t>(s.axis);
    limit[axis] = 0;
    for (const std::int64_t n : s.sizes) {
      start[axis] = limit[axis];
      limit[axis] += n;
      out.push_back(slice(in[0], start, limit, Dims(d.size(), 1)));
    }
    return out;
  }
  if (loops && p == unstack_p()) {
    const auto axis = static_cast<std::size_t>(e.params.get<AxisParam>().axis);
    const Dims d = dims(in[0]);
    std::vector<ValueId> out;
    for (std::size_t i = 0; i < avals.size(); ++i) {
      Dims start(d.size(), 0), limit = d;
      start[axis] = static_cast<std::int64_t>(i);
      limit[axis] = start[axis] + 1;
      out.push_back(reshape(slice(in[0], start, limit, Dims(d.size(), 1)), avals[i].dims()));
    }
    return out;
  }
  if (loops && avals.size() == 1) {
    if (auto v = rewrite_movement(e, in, avals[0])) return {*v};
    if (auto v = rewrite_arithmetic(e, in, avals[0])) return {*v};
    if (auto v = rewrite_reduction(e, in, avals[0])) return {*v};
    if (auto v = rewrite_scatter(e, in, avals[0])) return {*v};
    if (auto v = rewrite_selection(e, in, avals[0])) return {*v};
    if (p == dot_general_p())
      if (auto v = rewrite_dot(e, in, avals[0])) return {*v};
  }
  if (p == scan_p()) {
    Avals operands;
    for (const ValueId v : in) operands.push_back(graph_.value(v).aval);
    if (const auto better = rewrite_scan(e.params.get<ScanParams>(), operands)) return run(*better, in);
  }
  OpKind kind = OpKind::call;
  if (p == scan_p()) kind = OpKind::scan;
  else if (p == while_p()) kind = OpKind::while_loop;
  else if (p == cond_p()) kind = OpKind::branch;
  else if (loops && p == conv_general_dilated_p()) kind = OpKind::convolution;
  else if (loops && p == dynamic_update_slice_p()) kind = OpKind::update_slice;
  return append({p, e.params, kind, Op::constant, in, {}}, avals);
}

}  // namespace tf2jax::compiler
