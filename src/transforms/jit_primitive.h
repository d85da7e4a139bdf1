// The jit primitive: a call of a program, and the executables behind it.
#pragma once
#include <memory>

#include "tf2jax/trace/backend.h"

namespace tf2jax {

struct JitParams {
  std::string name;
  Jaxpr jaxpr;
  bool operator==(const JitParams&) const = default;
  template <class V>
  void visit_fields(V&& v) {
    if constexpr (requires { v.ignore("inline"); })
      for (const char* key : {"inline", "donated_invars", "in_shardings", "out_shardings", "in_layouts", "out_layouts", "keep_unused", "ctx_mesh", "compiler_options_kvs"})
        v.ignore(key);
    v.field("name", name);
    v.field("jaxpr", jaxpr);
  }
};
const Primitive& jit_p();

/// The executable of a program, compiled by the default backend once and kept: with the program, or, compiled with other
/// options, for equal programs. Under `Config::interpret` or `disable_jit` it is interpreted. Tracer constants are not allowed.
std::shared_ptr<const Executable> compiled(const Jaxpr& jaxpr, const CompileOptions& options = {});

/// Calls a program under the current trace: runs the executable when everything is concrete, otherwise binds jit.
Arrays call_jaxpr(const Jaxpr& jaxpr, const std::string& name, std::span<const Array> args);

void append_transform_primitives(std::vector<Primitive>& out);

}  // namespace tf2jax
