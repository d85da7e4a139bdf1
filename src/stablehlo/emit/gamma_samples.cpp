// Samples of gamma distributions, written out. Source: Marsaglia and Tsang, "A simple method for generating gamma
// variables", 2000, with the keys that JAX draws from.
#include "tf2jax/base/config.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/threefry.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/internal/special_functions.h"
#include "tf2jax/transforms/batch.h"

namespace tf2jax::stablehlo::written_out {
namespace {

Array row(const Array& keys, std::int64_t i) { return squeeze(slice_in_dim(keys, i, i + 1, 1, 0), {0}); }

// A normal number x with 1 + c x > 0, and 1 + c x.
std::pair<Array, Array> right_of_the_pole(const Array& key, const Array& c) {
  const DType dtype = c.dtype();
  const Arrays last = while_flat([](const Arrays& s) { return Arrays{less_equal(s[2], zeros_like(s[2]))}; },
                                 [&](const Arrays& s) {
                                   const Array keys = random::split(s[0], 2);
                                   const Array x = random::normal(row(keys, 1), {}, dtype);
                                   return Arrays{row(keys, 0), x, add(ones_like(x), mul(x, s[3])), s[3]};
                                 },
                                 {key, zeros_like(c), neg(ones_like(c)), c});
  return {last[1], last[2]};
}

Array sample(const Array& given_key, const Array& given, bool log_space) {
  const DType dtype = given.dtype();
  const auto number = [&](double v) { return rules::scalar_of(dtype, v); };
  const Array one = ones_like(given), large = greater_equal(given, one);
  const Array alpha = select(large, given, add(given, one));
  const Array d = sub(alpha, number(1.0 / 3)), c = div(number(1.0 / 3), sqrt(d));
  const Array keys = random::split(given_key, 2);
  // State: key, x^2, v^3, u.
  const FlatFn rejected = [&](const Arrays& s) {
    const Array squeezed = greater_equal(s[3], sub(one, mul(number(0.0331), mul(s[1], s[1]))));
    const Array bound = add(mul(s[1], number(0.5)), mul(d, add(sub(one, s[2]), log(s[2]))));
    return Arrays{logical_and(squeezed, greater_equal(log(s[3]), bound))};
  };
  const FlatFn draw = [&](const Arrays& s) {
    const Array next = random::split(s[0], 3);
    const auto [x, v] = right_of_the_pole(row(next, 1), c);
    return Arrays{row(next, 0), mul(x, x), mul(mul(v, v), v), random::uniform(row(next, 2), {}, dtype)};
  };
  const Array v3 = while_flat(rejected, draw, {row(keys, 0), zeros_like(one), one, add(one, one)})[2];
  const Array boost = random::uniform(row(keys, 1), {}, dtype);
  if (!log_space) return mul(mul(d, v3), select(large, one, pow(sub(one, boost), div(one, given))));
  const Array logs = log1p(neg(boost)), none = zeros_like(logs);
  const Array less_by = select(logical_or(large, equal(logs, none)), none, mul(logs, div(one, given)));
  return add(add(log(d), log(v3)), less_by);
}

}  // namespace

Array gamma_samples(const Array& keys, const Array& alpha, const RandomGamma& p) {
  const bool wide = alpha.dtype() == DType::f64;
  const auto counting = override_config(&Config::threefry_partitionable, p.partitionable);
  const auto types = override_config(&Config::enable_x64, wide || config().enable_x64);
  const Dim total = num_elements(alpha.shape());
  if (total.value() == 0) return alpha;
  std::int64_t batch = 1;
  for (std::size_t i = 0; i + 1 < keys.shape().size(); ++i) batch *= keys.shape()[i].value();
  const Array each = threefry::split(keys, {{Dim(total.value() / batch)}, p.partitionable});
  const Array flat = reshape(rules::as_dtype(alpha, wide ? DType::f64 : DType::f32), {total});
  const FlatFn one = [&](const Arrays& xs) { return Arrays{sample(xs[0], xs[1], p.log_space)}; };
  const BatchResult out = vmap_flat(one, Arrays{reshape(each, {total, Dim(2)}), flat}, std::vector<Axis>{0, 0}, total);
  return rules::as_dtype(reshape(moveaxis(out.values[0], out.axes[0].value_or(0), 0), alpha.shape()), alpha.dtype());
}

}  // namespace tf2jax::stablehlo::written_out
