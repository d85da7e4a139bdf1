// Vectorisation of flat functions and of programs.
#pragma once
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// Maps f over `size` examples: argument i varies along axes[i], or is shared when nullopt. Results come back with the
/// axis they vary along, nullopt when they do not.
BatchResult vmap_flat(const FlatFn& f, std::span<const Array> args, std::span<const Axis> axes, Dim size);

struct BatchedJaxpr {
  Jaxpr jaxpr;  // mapped inputs and outputs vary along axis 0
  Mask mapped_out;
};
/// Vectorises a program. Outputs marked in `force` are mapped (broadcast) even where they do not vary.
BatchedJaxpr batch_jaxpr(const Jaxpr& jaxpr, Dim size, const Mask& mapped_in, const Mask& force);

}  // namespace tf2jax
