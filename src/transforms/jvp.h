// Forward-mode differentiation of flat functions and of programs.
#pragma once
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/masks.h"

namespace tf2jax {

/// Values and tangents of f at `primals` along `tangents` (symbolic zeros allowed).
/// Throws: MissingRule naming the primitive that has no jvp rule.
JvpResult jvp_flat(const FlatFn& f, std::span<const Array> primals, std::span<const Tangent> tangents);

/// A program for primals and tangents together.
struct JvpJaxpr {
  Jaxpr jaxpr;  // (primals…, nonzero tangents…) -> (primal outs…, nonzero tangent outs…)
  Mask nonzero_out;
};
/// Differentiates a program. `nonzero_in` marks inputs with a tangent; outputs marked in `instantiate` get a tangent
/// even where it is zero.
JvpJaxpr jvp_jaxpr(const Jaxpr& jaxpr, const Mask& nonzero_in, const Mask& instantiate);

}  // namespace tf2jax
