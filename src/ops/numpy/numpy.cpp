// NumPy-like reductions and neural-network functions.
#include "tf2jax/ops/numpy.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/internal/axis_list.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax {

namespace {

Dim count(const Array& x, const Axes& axes) {
  Dim n = 1;
  for (const auto a : axes) n *= x.shape()[a];
  return n;
}

void check_not_empty(std::string_view name, const Array& x, const Axes& axes) {
  check(!identical(count(x, axes), Dim(0)),
        "{}: there is no extreme of no elements. Got {} and axes {}. Use reduce_{} for the identity.", name, x.aval(),
        tuple_string(axes), name);
}

// The largest element along axes that stay; the least value of the type where there is none.
Array largest_kept(const Array& x, const Axes& axes) {
  return stop_gradient(restore(reduce_max(x, axes), axes, KeepDims::yes));
}

Array as_count(const Array& x, Dim n) {
  if (!n.is_constant()) return rules::converted(dim_as_value(n), x.dtype());
  return rules::scalar_of(x.dtype(), static_cast<double>(n.value()));
}

// Bools and narrow integers add up in the default integer of their kind, as in NumPy; sums of weak types are not weak.
Array summable(const Array& x) {
  const DType d = x.dtype();
  const DType widest = canonical_dtype(is_unsigned_integer(d) ? DType::u64 : DType::i64);
  const bool narrow = is_bool(d) || (is_integer(d) && itemsize(d) < itemsize(widest));
  return rules::as_dtype(x, narrow ? widest : d);
}

// Halves compute in f32: their sums overflow, and differences from a mean lose what is left.
Array computable(const Array& x) {
  const Array y = to_inexact(x);
  return itemsize(y.dtype()) == 2 ? rules::converted(y, DType::f32) : y;
}
// A statistic of x in the dtype that x gives it.
Array as_statistic(const Array& y, const Array& x) {
  const bool is_half = is_floating(x.dtype()) && itemsize(x.dtype()) == 2;
  return is_half ? rules::converted(y, x.dtype()) : y;
}

// Complex numbers are ordered by their real parts, then by their imaginary ones; NaN wins.
Array first_extreme(const Array& x, std::int64_t axis, bool largest) {
  const auto of = [&](const Array& part, const Array& among) {
    const Array none = full_like(part, largest ? -INFINITY : INFINITY), candidates = where(among, part, none);
    return expand_dims((largest ? reduce_max : reduce_min)(candidates, {axis}), {axis});
  };
  const Array re = real(x), im = imag(x), missing = isnan(x);
  const Array number = logical_not(missing), first = logical_and(number, equal(re, of(re, number)));
  const Array best = logical_and(first, equal(im, of(im, first)));
  const Array any_missing = expand_dims(reduce_or(missing, {axis}), {axis});
  return argmax(rules::converted(where(any_missing, missing, best), DType::i32), axis, canonical_dtype(DType::i64));
}

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
  const Array y = computable(x);
  return as_statistic(restore(div(reduce_sum(y, axes), as_count(y, count(x, axes))), axes, keep), x);
}
Array var(const Array& x, const AxisList& list, KeepDims keep, std::int64_t ddof) {
  const Axes axes = resolve(x, list, "var");
  const Array y = computable(x);
  const Array centered = sub(y, mean(y, AxisList(axes), keepdims));
  const Array squares = is_complex(y.dtype()) ? real(mul(centered, conj(centered))) : square(centered);
  const Array total = reduce_sum(squares, axes);
  const Dim freedom = count(x, axes) - Dim(ddof);
  const Array out = as_statistic(restore(div(total, as_count(total, freedom)), axes, keep), x);
  const auto enough = definitely_ge(freedom, Dim(1));
  if (enough && *enough) return out;
  const Array none = full_like(out, std::numeric_limits<double>::quiet_NaN());
  return enough ? none : where(greater(dim_as_value(freedom), 0), out, none);
}
Array std_dev(const Array& x, const AxisList& list, KeepDims keep, std::int64_t ddof) {
  return sqrt(var(x, list, keep, ddof));
}
Array max(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "max");
  check_not_empty("max", x, axes);
  return restore(reduce_max(rules::as_dtype(x, x.dtype()), axes), axes, keep);
}
Array min(const Array& x, const AxisList& list, KeepDims keep) {
  const Axes axes = resolve(x, list, "min");
  check_not_empty("min", x, axes);
  return restore(reduce_min(rules::as_dtype(x, x.dtype()), axes), axes, keep);
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
  const Array largest = largest_kept(y, axes);
  const Array shift = where(is_finite(largest), largest, zeros_like(largest));
  const Array total = sum(exp(sub(y, shift)), AxisList(axes), keepdims);
  const Array out = add(log(total), shift);
  return keep == KeepDims::yes ? out : squeeze(out, axes);
}
Array argmax(const Array& x, std::int64_t axis) {
  if (is_complex(x.dtype())) return first_extreme(x, normalize_axis(axis, x.rank(), "argmax"), true);
  return argmax(x, normalize_axis(axis, x.rank(), "argmax"), canonical_dtype(DType::i64));
}
Array argmin(const Array& x, std::int64_t axis) {
  if (is_complex(x.dtype())) return first_extreme(x, normalize_axis(axis, x.rank(), "argmin"), false);
  return argmin(x, normalize_axis(axis, x.rank(), "argmin"), canonical_dtype(DType::i64));
}
Array norm(const Array& x) { return sqrt(sum(is_complex(x.dtype()) ? square(abs(x)) : square(to_inexact(x)))); }
Array mse(const Array& x, const Array& y) { return mean(square(sub(x, y))); }

Array take(const Array& x, const Array& indices, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "take");
  check<TypeError>(is_integer(indices.dtype()), "take: the indices must be integers. Got {}.", indices.aval());
  return gather_along(x, rules::wrap_negative(indices, x.shape()[a]), a);
}

Array take_along_axis(const Array& x, const Array& indices, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "take_along_axis");
  check<TypeError>(is_integer(indices.dtype()), "take_along_axis: the indices must be integers. Got {}.",
                   indices.aval());
  check<ShapeError>(indices.rank() == x.rank(), "take_along_axis: x and indices must have one rank. Got {} and {}.",
                    x.aval(), indices.aval());
  const auto with = [&](Shape shape, Dim size) {
    shape[a] = size;
    return shape;
  };
  const Shape both[] = {with(x.shape(), 1), with(indices.shape(), 1)};
  const Shape others = broadcast_shapes(both, "take_along_axis");
  const Array at = rules::wrap_negative(broadcast_to(indices, with(others, indices.shape()[a])), x.shape()[a]);
  const Axes batch = other_axes({a}, x.rank());
  return gather(broadcast_to(x, with(others, x.shape()[a])), expand_dims(at, {at.rank()}), {{}, {a}, {a}, batch, batch},
                Dims(x.shape().size(), 1));
}

// ---- neural networks

Array relu(const Array& x) {
  // Where x > 0 does not hold the derivative is 0, also at 0 and NaN, which max's rule for ties would not give.
  const Array positive = greater(x, 0), zero = zeros_like(x);
  return select(positive, x, stop_gradient(select(less_equal(x, 0), zero, x)));  // NaN stays NaN
}
Array relu6(const Array& x) { return clamp(0, to_inexact(x), 6); }  // of slope 0 at both bounds, as in JAX
Array leaky_relu(const Array& x, double slope) { return where(greater_equal(x, 0), x, x * slope); }
Array elu(const Array& x, double alpha) {
  const Array safe = where(greater(x, 0), zeros_like(x), x);
  return where(greater(x, 0), x, alpha * expm1(safe));
}
Array selu(const Array& x) { return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717); }
Array gelu(const Array& x, bool approximate) {
  if (!approximate) return 0.5 * x * erfc(neg(x) * (std::numbers::sqrt2 * 0.5));
  const Array inner = std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * integer_pow(x, 3));
  return x * (0.5 * (1.0 + tanh(inner)));
}
Array silu(const Array& x) { return x * logistic(x); }
Array sigmoid(const Array& x) { return logistic(x); }
Array softplus(const Array& given) {
  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), with one branch chosen for both terms, so that their slopes at 0 agree.
  const Array x = to_inexact(given), zero = zeros_like(x);
  const Array positive = greater(x, 0);
  const Array tail = log1p(exp(select(positive, neg(x), x)));
  return select(positive, x, zero) + tail;
}
Array softmax(const Array& x, std::int64_t axis) {
  const AxisList a{axis};
  const Array y = to_inexact(x);
  const Array shifted = exp(sub(y, largest_kept(y, resolve(y, a, "softmax"))));
  return div(shifted, sum(shifted, a, keepdims));
}
Array log_softmax(const Array& x, std::int64_t axis) {
  const AxisList a{axis};
  const Array y = to_inexact(x);
  const Array shifted = sub(y, largest_kept(y, resolve(y, a, "softmax")));
  return sub(shifted, log(sum(exp(shifted), a, keepdims)));
}
Array one_hot(const Array& indices, std::int64_t classes, std::optional<DType> dtype) {
  const DType type = dtype_or_float("one_hot", dtype);
  check(classes >= 0, "one_hot: the number of classes must not be negative. Got {}.", classes);
  const Array positions = iota_p().bind({}, IotaParams{indices.dtype(), {classes}, 0})[0];
  return rules::as_dtype(equal(expand_dims(indices, {indices.rank()}), positions), type);
}

}  // namespace tf2jax
