// What is computed in f64, whatever the type of the operands.
#pragma once
#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::stablehlo::written_out {

/// `f` on the operands as f64, numbers in it being doubles; the result in the operands' type.
template <class F>
Array in_double(const Arrays& operands, const F& f) {
  const auto scope = override_config(&Config::enable_x64, true);
  Arrays wide;
  for (const Array& x : operands) wide.push_back(rules::as_dtype(x, DType::f64));
  return rules::as_dtype(f(wide), operands[0].dtype());
}

}  // namespace tf2jax::stablehlo::written_out
