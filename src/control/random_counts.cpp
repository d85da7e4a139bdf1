// Random counts.
#include "tf2jax/control/random_counts.h"

#include <limits>

#include "tf2jax/base/config.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/special.h"

namespace tf2jax::random {

namespace {

constexpr std::int32_t kMostSteps = std::numeric_limits<std::int32_t>::max();
constexpr double kFewExpected = 10;

Array row(const Array& keys, std::int64_t i) { return squeeze(slice_in_dim(keys, i, i + 1, 1, 0), {0}); }
Array raw(const Array& key) { return key_data(key); }

// Products of uniform numbers until they are below exp(-lam).
Array poisson_knuth(const Array& key, const Array& lam, const Shape& shape, DType dtype) {
  const Arrays last = while_flat(
      [&](const Arrays& s) {
        return Arrays{bitwise_and(reduce_or(greater(s[3], neg(lam)), iota_axes(lam.rank())), less(s[0], kMostSteps))};
      },
      [&](const Arrays& s) {
        const Array keys = split(s[2], 2);
        const Array more = where(greater(s[3], neg(lam)), add(s[1], ones_like(s[1])), s[1]);
        return Arrays{add(s[0], Array(1)), more, row(keys, 0),
                      add(s[3], log(uniform(row(keys, 1), shape, DType::f32)))};
      },
      {Array(0), zeros(shape, dtype), raw(key), zeros(shape, DType::f32)});
  return sub(last[1], ones_like(last[1]));
}

// Numbers from two uniform ones until all are accepted: `draw(u, v)` gives the number and whether it is.
template <class Draw>
Array rejection(const Array& key, const Shape& shape, DType type, Draw draw) {
  const Arrays last = while_flat(
      [&](const Arrays& s) {
        return Arrays{bitwise_and(reduce_or(bitwise_not(s[2]), iota_axes(s[2].rank())), less(s[0], kMostSteps))};
      },
      [&](const Arrays& s) {
        const Array keys = split(s[3], 3);
        const Array u = sub(uniform(row(keys, 1), shape, type), 0.5f), v = uniform(row(keys, 2), shape, type);
        const auto [k, accepted] = draw(u, v);
        return Arrays{add(s[0], Array(1)), where(accepted, k, s[1]), bitwise_or(s[2], accepted), row(keys, 0)};
      },
      {Array(0), full(shape, Array(-1.f), type), full(shape, false), raw(key)});
  return last[1];
}

Array poisson_rejection(const Array& key, const Array& lam, const Shape& shape, DType dtype) {
  const Array log_lam = log(lam), b = add(0.931f, mul(2.53f, sqrt(lam))), a = add(-0.059f, mul(0.02483f, b));
  const Array inv_alpha = add(1.1239f, divide(1.1328f, sub(b, 3.4f))), v_r = sub(0.9277f, divide(3.6224f, sub(b, 2.f)));
  const Array drawn = rejection(key, shape, DType::f32, [&](const Array& u, const Array& v) {
    const Array rest = sub(0.5f, abs(u));
    const Array k = floor(add(add(mul(add(divide(mul(2.f, a), rest), b), u), lam), 0.43f));
    const Array s = log(divide(mul(v, inv_alpha), add(divide(a, mul(rest, rest)), b)));
    const Array t = sub(add(neg(lam), mul(k, log_lam)), lgamma(add(k, 1.f)));
    const Array at_once = bitwise_and(greater_equal(rest, 0.07f), less_equal(v, v_r));
    const Array never = bitwise_or(less(k, 0.f), bitwise_and(less(rest, 0.013f), greater(v, rest)));
    return std::pair{k, bitwise_or(at_once, bitwise_and(bitwise_not(never), less_equal(s, t)))};
  });
  return astype(drawn, dtype);
}

// Trials between successes are geometric numbers: how many of them fit into all trials.
Array binomial_inversion(const Array& key, const Array& count, const Array& p, const Shape& shape) {
  const Array rate = log1p(neg(p));
  const Arrays last = while_flat(
      [&](const Arrays& s) {
        return Arrays{bitwise_and(reduce_or(less_equal(s[2], count), iota_axes(s[2].rank())), less(s[0], kMostSteps))};
      },
      [&](const Arrays& s) {
        const Array keys = split(s[3], 2);
        const Array trials = ceil(divide(log(uniform(row(keys, 1), shape, p.dtype())), rate));
        const Array sum = add(s[2], trials);
        return Arrays{add(s[0], Array(1)), where(less_equal(sum, count), add(s[1], ones_like(s[1])), s[1]), sum,
                      row(keys, 0)};
      },
      {Array(0), zeros(shape, p.dtype()), zeros(shape, p.dtype()), raw(key)});
  return last[1];
}

Array binomial_rejection(const Array& key, const Array& count, const Array& p, const Shape& shape) {
  const Array deviation = sqrt(mul(mul(count, p), sub(1, p))), b = add(1.15, mul(2.53, deviation));
  const Array a = add(add(-0.0873, mul(0.0248, b)), mul(0.01, p)), c = add(mul(count, p), 0.5);
  const Array v_r = sub(0.92, divide(4.2, b)), alpha = mul(add(2.83, divide(5.1, b)), deviation);
  const Array log_odds = sub(log(p), log1p(neg(p))), mode = floor(mul(add(count, 1), p));
  const auto log_weight = [&](const Array& k) { return add(lgamma(add(k, 1)), lgamma(add(sub(count, k), 1))); };
  const Array at_mode = log_weight(mode);
  return rejection(key, shape, p.dtype(), [&](const Array& u, const Array& v) {
    const Array rest = sub(0.5, abs(u));
    const Array k = floor(add(mul(add(divide(mul(2, a), rest), b), u), c));
    const Array outside = bitwise_or(less(k, 0), greater(k, count));
    const Array inside = where(outside, zeros_like(k), k);
    const Array s = log(divide(mul(v, alpha), add(divide(a, mul(rest, rest)), b)));
    const Array t = add(sub(at_mode, log_weight(inside)), mul(sub(inside, mode), log_odds));
    const Array at_once = bitwise_and(greater_equal(rest, 0.07), less_equal(v, v_r));
    return std::pair{k, bitwise_and(bitwise_not(outside), bitwise_or(at_once, less_equal(s, t)))};
  });
}

}  // namespace

Array poisson(const Array& key, const Array& lam, const std::optional<Shape>& shape, std::optional<DType> dtype) {
  const DType type = canonical_dtype(dtype.value_or(DType::i64));
  check<DtypeError>(is_integer(type), "random.poisson: counts are integers. Got dtype {}.", type);
  const Shape to = shape.value_or(lam.shape());
  const Array rate = broadcast_to(astype(stop_gradient(lam), DType::f32), to);
  const Array few = bitwise_or(isnan(rate), less(rate, static_cast<float>(kFewExpected)));
  const Array counts = where(few, poisson_knuth(key, where(few, rate, zeros_like(rate)), to, type),
                             poisson_rejection(key, where(few, full_like(rate, 1e5), rate), to, type));
  return where(equal(rate, 0.f), zeros_like(counts), counts);
}

Array binomial(const Array& key, const Array& count_in, const Array& p_in, const std::optional<Shape>& shape) {
  const Shape shapes[] = {count_in.shape(), p_in.shape()};
  const Shape to = shape.value_or(broadcast_shapes(shapes, "random.binomial"));
  const Array p = broadcast_to(to_inexact(stop_gradient(p_in)), to);
  const Array count = floor(broadcast_to(astype(stop_gradient(count_in), p.dtype()), to));
  // The rarer of the two outcomes is counted.
  const Array valid = bitwise_and(bitwise_and(greater_equal(p, 0), less_equal(p, 1)), greater_equal(count, 0));
  const Array rare = where(valid, where(less(p, 0.5), p, sub(1, p)), full_like(p, 0.5));
  const Array trials = where(valid, count, zeros_like(count));
  const Array few = less(mul(trials, rare), kFewExpected), none = equal(rare, 0);
  const Array inverted = binomial_inversion(key, where(bitwise_and(few, bitwise_not(none)), trials, full_like(p, -1)),
                                            where(none, full_like(p, 0.5), rare), to);
  const Array rejected =
      binomial_rejection(key, where(few, full_like(p, 1e4), trials), where(few, full_like(p, 0.5), rare), to);
  const Array counted = where(none, zeros_like(p), where(few, inverted, rejected));
  const Array drawn = where(less(p, 0.5), counted, sub(count, counted));
  return where(valid, drawn, full_like(p, std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace tf2jax::random
