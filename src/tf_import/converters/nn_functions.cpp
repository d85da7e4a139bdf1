// Activations whose derivatives at special points matter.
#include "tf2jax/tf_import/converters/internal/nn_functions.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax::tf_import::nn {

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

Array softplus(const Array& x) {
  static const auto value = [](const Array& v) {
    const Array tail = log1p(exp(neg(abs(v))));
    return add(maximum(v, 0), tail);
  };
  static const auto rule = std::make_shared<const JvpRule>([](const Arrays& p, const Arrays& t) -> Arrays {
    const Array slope = logistic(p[0]);
    return {value(p[0]), mul(t[0], slope)};
  });
  const Array y = to_inexact(x);
  return custom_jvp_flat("softplus", [](const Arrays& v) { return Arrays{value(v[0])}; }, rule, {&y, 1})[0];
}

Array kept(const Array& condition, const Array& x) { return where(condition, x, zeros_like(x)); }

}  // namespace tf2jax::tf_import::nn
