// Rules of sorting and selection: XlaVariadicSort, or TopKV2 on integers that compare as the keys do.
#include "tf2jax/ops/sort.h"

#include "tf2jax/jax2tf/internal/lowering.h"

namespace tf2jax::jax2tf {
namespace {

// Signed integers in IEEE 754's total order. `joined`: -0 equals 0, and every NaN is above everything.
Tensor order_key(Lowering& c, const Tensor& x, bool joined) {
  if (is_bool(x.dtype)) return c.cast(x, u8);
  if (!is_floating(x.dtype)) return x;
  const DType type = signed_of(x.dtype);
  const std::int64_t bits = 8 * itemsize(type);
  Tensor v = x;
  if (joined) v = c.select(c.compare("Equal", x, c.scalar(x.dtype, 0)), c.scalar(x.dtype, 0), x);
  const Tensor word = c.bitcast(v, type);
  const Tensor top = c.binary("LeftShift", c.scalar(type, 1), c.scalar(type, bits - 1));
  const Tensor magnitude = c.unary("Invert", top);
  const Tensor negative = c.binary("RightShift", word, c.scalar(type, bits - 1));
  const Tensor key = c.binary("BitwiseXor", word, c.binary("BitwiseAnd", negative, magnitude));
  if (!joined) return key;
  return c.select(c.node("IsNan", {x}, {bool_, x.shape}), magnitude, key);
}

// The `k` first positions along the last axis, largest keys first, equal ones by position.
Tensors largest(Lowering& c, const Tensor& key, Dim k) {
  Shape shape = key.shape;
  shape.back() = k;
  return c.writer().nodes("TopKV2", {key, c.size(k)}, {{key.dtype, shape}, {i32, shape}}, {{"sorted", true}});
}
Tensor taken(Lowering& c, const Tensor& x, const Tensor& at) {
  const auto last = static_cast<std::int64_t>(x.shape.size()) - 1;
  return c.node("GatherV2", {x, at, c.index(last)}, {x.dtype, at.shape}, {{"batch_dims", last}});
}
Axes with_last(std::size_t rank, std::int64_t axis) {
  Axes order = iota_axes(static_cast<std::int64_t>(rank));
  std::swap(order[axis], order.back());
  return order;
}

// x before y: smaller, or a number before NaN. Then whether they are equal.
Tensor before(Lowering& c, const Tensor& x, const Tensor& y) {
  const Tensor smaller = c.compare("Less", x, y);
  if (!is_floating(x.dtype)) return smaller;
  const auto is_nan = [&](const Tensor& v) { return c.node("IsNan", {v}, {bool_, v.shape}); };
  const Tensor number = c.unary("LogicalNot", is_nan(x));
  return c.binary("LogicalOr", smaller, c.binary("LogicalAnd", number, is_nan(y)));
}
// The parts of a key that compare as numbers, the first deciding.
Tensors parts_of(Lowering& c, const Tensor& x) {
  if (is_bool(x.dtype)) return {c.cast(x, u8)};
  if (!is_complex(x.dtype)) return {x};
  const Aval part{real_dtype(x.dtype), x.shape};
  return {c.node("Real", {x}, part), c.node("Imag", {x}, part)};
}
Tensor comparator(Lowering& c, const Tensors& args, std::int64_t num_keys) {
  Tensors left, right;
  for (std::int64_t k = 0; k < num_keys; ++k) {
    for (const Tensor& t : parts_of(c, args[2 * k])) left.push_back(t);
    for (const Tensor& t : parts_of(c, args[2 * k + 1])) right.push_back(t);
  }
  Tensor result = before(c, left.back(), right.back());
  for (std::size_t k = left.size() - 1; k-- > 0;) {
    const Tensor less = before(c, left[k], right[k]), more = before(c, right[k], left[k]);
    const Tensor later = c.binary("LogicalAnd", c.unary("LogicalNot", more), result);
    result = c.binary("LogicalOr", less, later);
  }
  return result;
}

Tensors plain_sort(Lowering& c, const Tensors& x, const SortParams& p) {
  const Axes order = with_last(x[0].shape.size(), p.dimension);
  Tensors moved;
  for (const Tensor& t : x) moved.push_back(c.transpose(t, order));
  Tensors keys;
  for (std::int64_t k = 0; k < p.num_keys; ++k)
    for (const Tensor& part : parts_of(c, moved[k])) keys.push_back(order_key(c, part, true));
  // Least significant key first; each selection keeps the order of equal ones.
  std::optional<Tensor> at;
  for (std::size_t k = keys.size(); k-- > 0;) {
    const Tensor key = c.unary("Invert", at ? taken(c, keys[k], *at) : keys[k]);
    const Tensor next = largest(c, key, key.shape.back())[1];
    at = at ? taken(c, *at, next) : next;
  }
  Tensors out;
  for (const Tensor& t : moved) out.push_back(c.transpose(taken(c, t, *at), order));
  return out;
}

Tensors sort_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<SortParams>();
  if (!c.enable_xla()) return plain_sort(c, x, p);
  std::vector<DType> types;
  for (const Tensor& t : x) types.push_back(t.dtype), types.push_back(t.dtype);
  const FunctionName f = c.scalar_function(
      "comparator", types, [&](Lowering& inner, const Tensors& v) { return comparator(inner, v, p.num_keys); });
  Tensors inputs = x;
  inputs.push_back(c.index(p.dimension));
  return c.writer().nodes("XlaVariadicSort", inputs, out, {{"comparator", f}, {"is_stable", p.is_stable}});
}

Tensors selection(Lowering& c, const Tensor& x, std::int64_t k, std::int64_t axis, bool most) {
  if (is_complex(x.dtype)) refuse("top_k", "complex numbers have no order in TensorFlow");
  const Axes order = with_last(x.shape.size(), axis);
  const Tensor moved = c.transpose(x, order);
  Tensor key = order_key(c, moved, false);
  if (!most) key = c.unary("Invert", key);
  const Tensors found = largest(c, key, Dim(k));
  const Tensor values = most && key.ref == moved.ref ? found[0] : taken(c, moved, found[1]);
  return {c.transpose(values, order), c.transpose(found[1], order)};
}
Tensors top_k_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<TopK>();
  return selection(c, x[0], p.k, normalize_axis(p.axis, static_cast<std::int64_t>(x[0].shape.size()), "top_k"), true);
}
Tensors approx_top_k_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<ApproxTopK>();
  const auto rank = static_cast<std::int64_t>(x[0].shape.size());
  return selection(c, x[0], p.k, normalize_axis(p.reduction_dimension, rank, "approx_top_k"), p.is_max_k);
}

}  // namespace

void add_sort_rules(Rules& rules) {
  rules.set(sort_p(), sort_rule).set(top_k_p(), top_k_rule).set(approx_top_k_p(), approx_top_k_rule);
}

}  // namespace tf2jax::jax2tf
