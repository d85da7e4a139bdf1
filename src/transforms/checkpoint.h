// checkpoint: recompute in the backward pass instead of storing (the remat2 primitive).
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct CheckpointParams {
  Jaxpr jaxpr;
  bool prevent_cse = true;
  bool differentiated = false;
  std::optional<std::string> policy;
  bool operator==(const CheckpointParams&) const = default;
  template <class V>
  void visit_fields(V&& v) {
    v.field("differentiated", differentiated);
    v.field("jaxpr", jaxpr);
    v.field("policy", policy);
    v.field("prevent_cse", prevent_cse);
  }
};
const Primitive& checkpoint_p();

/// f under a checkpoint: differentiation keeps its inputs only and runs it again in the backward pass.
Arrays checkpoint_flat(const FlatFn& f, std::span<const Array> args);

}  // namespace tf2jax
