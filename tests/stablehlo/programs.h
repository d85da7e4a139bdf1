// Programs that the tests of this folder share.
#pragma once
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/stablehlo/write.h"
#include "tf2jax/tf2jax.h"

namespace tf2jax::testing {

/// Runs a text on arrays.
inline Arrays run_text(std::string_view text, const Arrays& xs, const stablehlo::TranslateOptions& options = {}) {
  Avals avals;
  for (const Array& x : xs) avals.push_back(x.aval());
  return eval_jaxpr(stablehlo::to_jaxpr(stablehlo::parse_module(text), avals, options), xs);
}
/// A `main` of one f32[3] -> f32[3] with these lines; its argument is %x, its result %y.
inline std::string unary_text(const std::string& lines) {
  return "module @m {\n  func.func public @main(%x: tensor<3xf32>) -> (tensor<3xf32>) {\n" + lines +
         "\n    return %y : tensor<3xf32>\n  }\n}\n";
}
inline Array three() { return array<float>({1.f, 2.f, 3.f}); }

/// sum(tanh(x w) + b) with a loop around it: control flow, a contraction, a reduction, constants.
inline Jaxpr some_program() {
  return stage(
      [](const Arrays& xs) {
        const FlatFn body = [&](const Arrays& c) { return Arrays{tanh(add(matmul(c[0], xs[1]), 0.5f))}; };
        return Arrays{reduce_sum(scan_flat(body, {xs[0]}, {}, 3)[0], {1}), sort(xs[0], 1)};
      },
      {spec(f32, {2, 3}), spec(f32, {3, 3})});
}
inline Arrays some_inputs() {
  return {array<float>({{0.5f, -1.f, 2.f}, {1.f, 0.25f, -0.75f}}),
          array<float>({{0.1f, 0.2f, 0.3f}, {-0.4f, 0.5f, 0.6f}, {0.7f, -0.8f, 0.9f}})};
}

}  // namespace tf2jax::testing
