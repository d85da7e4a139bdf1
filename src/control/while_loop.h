// while_loop: repetition with a data-dependent trip count.
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct WhileParams {
  Jaxpr cond_jaxpr, body_jaxpr;
  std::int64_t cond_nconsts = 0, body_nconsts = 0;
  bool operator==(const WhileParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("body_jaxpr", self.body_jaxpr);
    v.field("body_nconsts", self.body_nconsts);
    v.field("cond_jaxpr", self.cond_jaxpr);
    v.field("cond_nconsts", self.cond_nconsts);
  }
};
/// Operands: constants of the condition, constants of the body, the carry.
const Primitive& while_p();

/// Repeats carry = body(carry) while condition(carry) holds. Differentiable in both modes: reverse mode computes the
/// carries again from checkpoints, within Config::while_checkpoint_bytes (0: it throws ValueError, as JAX does).
/// Throws: TypeError when the body changes the carry's types.
Arrays while_flat(const FlatFn& condition, const FlatFn& body, const Arrays& init);

}  // namespace tf2jax
