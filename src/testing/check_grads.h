// Numerical verification of derivatives and of vectorisation, for tests of any function or model.
#pragma once
#include "tf2jax/transforms/grad.h"
#include "tf2jax/transforms/vmap.h"

namespace tf2jax::testing {

struct GradCheck {
  int order = 1;                        ///< Derivatives of derivatives up to this order.
  bool forward = true, reverse = true;  ///< Modes to check.
  double eps = 0;             ///< Step, in units of the inputs; 0: 1e-5 for f64, 5e-3 for f32, 5e-2 for halves.
  double rtol = 0, atol = 0;  ///< Tolerances; 0: by dtype (f64 1e-5, f32 2e-2, halves 1e-1).
  std::uint64_t seed = 0;     ///< Of the random directions.
};

/// Compares jvp with central differences along a random direction, and vjp with jvp by <ct, J t> = <J^T ct, t>.
/// Throws: Error with both numbers when they disagree.
void check_grads_flat(const FlatFn& f, const Arrays& args, const GradCheck& options = {});
/// Compares vmap over two examples with the stacked results of two calls.
void check_vmap_flat(const FlatFn& f, const Arrays& args, double rtol = 1e-5, double atol = 1e-6,
                     std::uint64_t seed = 0);

/// check_grads(f, {x, y}, {.order = 2}); f takes Arrays, one per argument.
template <class F>
void check_grads(const F& f, const Arrays& args, const GradCheck& options = {}) {
  check_grads_flat([&](const Arrays& xs) { return tree::leaves(detail::apply_arrays(f, xs)); }, args, options);
}
template <class F>
void check_vmap(const F& f, const Arrays& args, double rtol = 1e-5, double atol = 1e-6) {
  check_vmap_flat([&](const Arrays& xs) { return tree::leaves(detail::apply_arrays(f, xs)); }, args, rtol, atol);
}

}  // namespace tf2jax::testing
