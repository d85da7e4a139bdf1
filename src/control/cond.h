// cond and switch: conditional execution of one of several programs.
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct CondParams {
  std::vector<Jaxpr> branches;
  bool operator==(const CondParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"linear", "effects"});
    v.field("branches", self.branches);
  }
};
/// Operands: the i32 index (clamped), then the branches' inputs.
const Primitive& cond_p();

/// branches[index](operands…). All branches must return the same types.
/// Throws: TypeError naming the differing output.
Arrays switch_flat(const Array& index, const std::vector<FlatFn>& branches, std::span<const Array> operands);
/// `on_true(operands…)` where the predicate (a scalar) holds, else `on_false(operands…)`.
Arrays cond_flat(const Array& predicate, const FlatFn& on_true, const FlatFn& on_false,
                 std::span<const Array> operands);

}  // namespace tf2jax
