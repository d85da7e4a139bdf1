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
  static void visit_fields(auto& self, auto& v) {
    v.field("differentiated", self.differentiated);
    v.field("jaxpr", self.jaxpr);
    v.field("policy", self.policy);
    v.field("prevent_cse", self.prevent_cse);
  }
};
const Primitive& checkpoint_p();

/// f under a checkpoint: differentiation keeps its inputs only and runs it again in the backward pass.
Arrays checkpoint_flat(const FlatFn& f, std::span<const Array> args);

}  // namespace tf2jax
