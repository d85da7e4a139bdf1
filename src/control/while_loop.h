// while_loop: repetition with a data-dependent trip count.
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct WhileParams {
  Jaxpr cond_jaxpr, body_jaxpr;
  std::int64_t cond_nconsts = 0, body_nconsts = 0;
  bool operator==(const WhileParams&) const = default;
  template <class V>
  void visit_fields(V&& v) {
    v.field("body_jaxpr", body_jaxpr);
    v.field("body_nconsts", body_nconsts);
    v.field("cond_jaxpr", cond_jaxpr);
    v.field("cond_nconsts", cond_nconsts);
  }
};
/// Operands: constants of the condition, constants of the body, the carry.
const Primitive& while_p();

/// Repeats carry = body(carry) while condition(carry) holds. Forward-mode differentiable; reverse mode throws
/// ValueError (use scan, or fori_loop with static bounds).
/// Throws: TypeError when the body changes the carry's types.
Arrays while_flat(const FlatFn& condition, const FlatFn& body, const Arrays& init);

}  // namespace tf2jax
