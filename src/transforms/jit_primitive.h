// The jit primitive: a call of a program.
#pragma once
#include <string>

#include "tf2jax/transforms/compiled.h"

namespace tf2jax {

struct JitParams {
  std::string name;
  Jaxpr jaxpr;
  bool operator==(const JitParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"inline", "donated_invars", "in_shardings", "out_shardings", "in_layouts", "out_layouts", "keep_unused",
               "ctx_mesh", "compiler_options_kvs"});
    v.field("name", self.name);
    v.field("jaxpr", self.jaxpr);
  }
};
const Primitive& jit_p();

/// Calls a program under the current trace: runs the executable when everything is concrete, otherwise binds jit.
Arrays call_jaxpr(const Jaxpr& jaxpr, const std::string& name, std::span<const Array> args);

}  // namespace tf2jax
