// NumPy-like reductions and neural-network functions.
#include "tf2jax/ops/numpy.h"

#include <numbers>

#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax {

namespace {

Axes resolve(const Array& x, const AxisList& list, std::string_view where) {
  return list.given ? normalize_axes(list.axes, x.rank(), where) : iota_axes(x.rank());
}

Array restore(const Array& reduced, const Axes& axes, KeepDims keep) {
  if (keep == KeepDims::no || axes.empty()) return reduced;
  return expand_dims(reduced, axes);
}

Dim count(const Array& x, const Axes& axes) {
  Dim n = 1;
  for (const auto a : axes) n *= x.shape()[static_cast<std::size_t>(a)];
  return n;
}

Array as_count(const Array& x, Dim n) { return full(Shape{}, static_cast<double>(n.value()), x.dtype()); }

Array summable(const Array& x) { return is_bool(x.dtype()) ? astype(x, DType::i64) : x; }

}  // namespace

Array sum(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "sum");
  return restore(reduce_sum(summable(x), axes), axes, keep);
}
Array prod(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "prod");
  return restore(reduce_prod(summable(x), axes), axes, keep);
}
Array mean(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "mean");
  const Array y = to_inexact(x);
  return restore(div(reduce_sum(y, axes), as_count(y, count(x, axes))), axes, keep);
}
Array var(const Array& x, const AxisList& list, KeepDims keep, std::int64_t ddof) {
  const Axes axes = resolve(x, list, "var");
  const Array y = to_inexact(x);
  const Array centered = sub(y, mean(y, AxisList(axes), keepdims));
  const Array squares = is_complex(y.dtype()) ? square(abs(centered)) : square(centered);
  const Array total = reduce_sum(squares, axes);
  return restore(div(total, as_count(total, count(x, axes) - Dim(ddof))), axes, keep);
}
Array std_dev(const Array& x, const AxisList& list, KeepDims keep, std::int64_t ddof) { return sqrt(var(x, list, keep, ddof)); }
Array max(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "max");
  return restore(reduce_max(x, axes), axes, keep);
}
Array min(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "min");
  return restore(reduce_min(x, axes), axes, keep);
}
Array all_true(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "all_true");
  return restore(reduce_and(x.dtype() == DType::bool_ ? x : not_equal(x, 0), axes), axes, keep);
}
Array any_true(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "any_true");
  return restore(reduce_or(x.dtype() == DType::bool_ ? x : not_equal(x, 0), axes), axes, keep);
}
Array logsumexp(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "logsumexp");
  const Array y = to_inexact(x);
  // The shift only prevents overflow; infinite ones would make inf - inf.
  const Array largest = stop_gradient(max(y, AxisList(axes), keepdims));
  const Array shift = where(is_finite(largest), largest, zeros_like(largest));
  const Array total = sum(exp(sub(y, shift)), AxisList(axes), keepdims);
  const Array out = add(log(total), shift);
  return keep == KeepDims::yes ? out : squeeze(out, axes);
}
Array argmax(const Array& x, std::int64_t axis) { return argmax(x, normalize_axis(axis, x.rank(), "argmax"), canonical_dtype(DType::i64)); }
Array argmin(const Array& x, std::int64_t axis) { return argmin(x, normalize_axis(axis, x.rank(), "argmin"), canonical_dtype(DType::i64)); }
Array norm(const Array& x) { return sqrt(sum(is_complex(x.dtype()) ? square(abs(x)) : square(to_inexact(x)))); }
Array mse(const Array& x, const Array& y) { return mean(square(sub(x, y))); }

Array take(const Array& x, const Array& indices, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "take");
  const Dim n = x.shape()[static_cast<std::size_t>(a)];
  check<TypeError>(is_integer(indices.dtype()), "take requires integer indices. Got {}.", indices.aval());
  const Array wrapped = is_unsigned_integer(indices.dtype()) ? indices : where(less(indices, 0), indices + n.value(), indices);
  GatherDims d;
  for (std::int64_t i = 0; i < a; ++i) d.offset_dims.push_back(i);
  for (std::int64_t i = a + 1; i < x.rank(); ++i) d.offset_dims.push_back(i - 1 + indices.rank());
  d.collapsed_slice_dims = {a};
  d.start_index_map = {a};
  Dims sizes = x.dims();
  sizes[static_cast<std::size_t>(a)] = 1;
  return gather(x, expand_dims(wrapped, {indices.rank()}), d, sizes);
}

// ---- neural networks

Array relu(const Array& x) {
  // The derivative at 0 is 0, which max's tie rule (1/2) would not give.
  const Array zero = zeros_like(x);
  return select(less_equal(x, 0), zero, x);   // NaN stays NaN
}
Array relu6(const Array& x) { return minimum(maximum(x, 0), 6); }
Array leaky_relu(const Array& x, double slope) { return where(greater_equal(x, 0), x, x * slope); }
Array elu(const Array& x, double alpha) {
  const Array safe = where(greater(x, 0), zeros_like(x), x);
  return where(greater(x, 0), x, alpha * expm1(safe));
}
Array selu(const Array& x) { return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717); }
Array gelu(const Array& x, bool approximate) {
  if (!approximate) return 0.5 * x * erfc(neg(x) * std::numbers::sqrt2 * 0.5);
  const Array inner = std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * integer_pow(x, 3));
  return x * (0.5 * (1.0 + tanh(inner)));
}
Array silu(const Array& x) { return x * logistic(x); }
Array sigmoid(const Array& x) { return logistic(x); }
Array softplus(const Array& x) {
  const Array tail = log1p(exp(neg(abs(x))));
  return maximum(x, 0) + tail;
}
Array softmax(const Array& x, std::int64_t axis) {
  const AxisList a{axis};
  const Array y = to_inexact(x);
  const Array shifted = exp(sub(y, stop_gradient(max(y, a, keepdims))));
  return div(shifted, sum(shifted, a, keepdims));
}
Array log_softmax(const Array& x, std::int64_t axis) {
  const AxisList a{axis};
  const Array y = to_inexact(x);
  const Array shifted = sub(y, stop_gradient(max(y, a, keepdims)));
  return sub(shifted, log(sum(exp(shifted), a, keepdims)));
}
Array one_hot(const Array& indices, std::int64_t classes, DType dtype) {
  const Array positions = iota(indices.dtype(), {classes}, 0);
  return astype(equal(expand_dims(indices, {indices.rank()}), positions), dtype);
}

}  // namespace tf2jax
