// Partial evaluation: runs what depends on known values only, and stages the rest.
#pragma once
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// Services for the partial_eval rule of a higher-order primitive. The rule runs under the parent trace.
class PartialEvalContext {
 public:
  virtual ~PartialEvalContext() = default;
  virtual bool is_unknown(const Array& x) const = 0;
  Mask unknown(std::span<const Array> xs) const;
  /// Stages an application; results are unknown.
  virtual Arrays emit(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const = 0;
};

/// The staged remainder of a partially evaluated function.
struct PartialEvalFlat {
  Arrays known_outs;  // one per output; without value where unknown
  Mask unknown_out;
  Jaxpr unknown;  // unknown inputs -> unknown outputs; constants are residuals, possibly outer tracers
};
/// Runs f on `args`; those without value are unknown and described by `avals`. Outputs marked in `instantiate` are
/// made outputs of the staged program even where they are known.
PartialEvalFlat partial_eval_flat(const FlatFn& f, const Arrays& args, const Avals& avals,
                                  const Mask& instantiate = {});

/// A program split in two: first `known`, then `unknown`, which takes the residuals the first one computed.
struct PartialEvalJaxpr {
  Jaxpr known;    // known inputs -> known outputs…, residuals…
  Jaxpr unknown;  // residuals…, unknown inputs -> unknown outputs
  Mask unknown_out;
  std::size_t num_residuals = 0;
};
PartialEvalJaxpr partial_eval_jaxpr(const Jaxpr& jaxpr, const Mask& unknown_in, const Mask& instantiate);

}  // namespace tf2jax
