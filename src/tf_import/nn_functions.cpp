// Activations and losses as JAX defines them.
#include "tf2jax/tf_import/internal/nn_functions.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax::tf_import::nn {
namespace {

Array keep_last(const Array& reduced) { return expand_dims(reduced, {-1}); }

Array shifted(const Array& x) {
  check<AxisError>(x.rank() > 0, "axis -1 is out of bounds for array of dimension 0");
  return sub(x, stop_gradient(keep_last(reduce_max(x, {x.rank() - 1}))));
}

Array sum_last(const Array& x) { return keep_last(reduce_sum(x, {x.rank() - 1})); }

}  // namespace

Array relu(const Array& x) {
  static const auto rule = std::make_shared<const JvpRule>([](const Arrays& p, const Arrays& t) -> Arrays {
    const Array zero = zeros_like(p[0]);
    const Array value = maximum(p[0], zero);
    const Array positive = greater(p[0], zero);
    return {value, select(positive, t[0], zeros_like(t[0]))};
  });
  if (!is_inexact(x.dtype())) return maximum(x, 0);
  return custom_jvp_flat("relu", [](const Arrays& v) { return Arrays{maximum(v[0], 0)}; }, rule, {&x, 1})[0];
}

Array relu6(const Array& x) { return minimum(maximum(x, 0), 6); }

Array elu(const Array& x) {
  const Array positive = greater(x, 0);
  const Array safe = where(positive, zeros_like(x), x);
  return where(positive, x, expm1(safe));
}

Array selu(const Array& x) {
  constexpr float alpha = 1.6732632423543772848170429916717f, scale = 1.0507009873554804934193349852946f;
  const Array positive = greater(x, 0);
  const Array safe = where(positive, zeros_like(x), x);
  return mul(scale, where(positive, x, mul(alpha, expm1(safe))));
}

Array softplus(const Array& x) {
  // log(exp(x) + 1) without overflow; the maximum's derivative at 0 is one half, and so is the function's.
  return add(maximum(x, 0), log1p(exp(neg(abs(x)))));
}

Array softmax(const Array& x) {
  const Array e = exp(shifted(x));
  return divide(e, sum_last(e));
}

Array log_softmax(const Array& x) {
  const Array s = shifted(x);
  return sub(s, log(sum_last(exp(s))));
}

}  // namespace tf2jax::tf_import::nn
