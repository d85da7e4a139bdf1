// Transposition of linear programs: the second half of reverse mode.
#pragma once
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// Cotangents of the linear inputs of a program, given those of its outputs. Known inputs get symbolic zeros.
/// Equations that do not depend on a linear input are evaluated first.
/// Throws: MissingRule naming a primitive without a transpose rule.
Tangents backward_pass(const Jaxpr& jaxpr, std::span<const LinearArg> args, const Tangents& cotangents);

/// The transposed program.
struct TransposedJaxpr {
  Jaxpr jaxpr;       // (known inputs…, nonzero cotangents…) -> cotangents of the linear inputs where nonzero_out
  Mask nonzero_out;  // one per linear input
};
/// The cotangents of the linear inputs, one each, given the known inputs and the outputs' cotangents.
using Pullback = std::function<Tangents(std::span<const Array> known, const Tangents& cotangents)>;
/// The program that runs `pullback`, for inputs and outputs like those of `jaxpr`.
TransposedJaxpr stage_transposed(const Jaxpr& jaxpr, const Mask& linear_in, const Mask& nonzero_ct, bool instantiate,
                                 const Pullback& pullback);
/// `instantiate`: give every linear input a cotangent, zeros where there is none.
TransposedJaxpr transpose_jaxpr(const Jaxpr& jaxpr, const Mask& linear_in, const Mask& nonzero_ct, bool instantiate);

}  // namespace tf2jax
