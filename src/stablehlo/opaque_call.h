// A StableHLO program as one operation that only runs: what an XlaCallModule is unless it is made transparent.
#pragma once
#include <string>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::stablehlo {

/// Params of mhlo_apply.
struct MhloApply {
  std::string module;  ///< its name
  Jaxpr program;
  bool operator==(const MhloApply&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("module", self.module);
    v.field("program", self.program);
  }
};
/// Runs a program, and hides it from transforms: no batching, no derivative. Derivatives that nothing uses, as under a
/// custom gradient, are no error.
const Primitive& mhlo_apply_p();

}  // namespace tf2jax::stablehlo
