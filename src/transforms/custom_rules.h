// Functions with user-defined derivatives: the primitives behind custom_jvp and custom_vjp.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "tf2jax/trace/staging.h"

namespace tf2jax {

/// A function carried in params: compared by identity, printed by name. Empty when read from text.
template <class F>
struct NamedRule {
  std::string name;
  std::shared_ptr<const F> function;
  bool operator==(const NamedRule&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("name", self.name);
    v.hidden("function", self.function);
  }
};
template <class F>
std::string param_text(const NamedRule<F>& v) {
  return v.name;
}
template <class F>
void read_param(const ParsedValue& v, NamedRule<F>& out) {
  out.name = v.text;
}

/// (primals, tangents) -> values followed by their tangents.
using JvpRule = std::function<Arrays(const Arrays& primals, const Arrays& tangents)>;
/// primals -> outputs followed by residuals.
using FwdRule = std::function<Arrays(const Arrays& primals)>;
/// (residuals, output cotangents) -> input cotangents.
using BwdRule = std::function<Arrays(const Arrays& residuals, const Arrays& cotangents)>;

struct CustomJvpParams {
  std::string name;
  Jaxpr call_jaxpr;
  NamedRule<JvpRule> jvp;
  std::int64_t num_consts = 0;
  bool symbolic_zeros = false;
  bool operator==(const CustomJvpParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("name", self.name);
    v.field("call_jaxpr", self.call_jaxpr);
    v.field("jvp", self.jvp);
    v.field_unless("num_consts", self.num_consts, 0);
    v.field("symbolic_zeros", self.symbolic_zeros);
  }
};
struct CustomVjpParams {
  std::string name;
  Jaxpr call_jaxpr;
  NamedRule<FwdRule> fwd;
  NamedRule<BwdRule> bwd;
  std::int64_t num_consts = 0;
  bool symbolic_zeros = false;
  bool operator==(const CustomVjpParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("name", self.name);
    v.field("bwd", self.bwd);
    v.field("call_jaxpr", self.call_jaxpr);
    v.field("fwd", self.fwd);
    v.field_unless("num_consts", self.num_consts, 0);
    v.field("symbolic_zeros", self.symbolic_zeros);
  }
};
/// The linear map of a custom_vjp function: operands are residuals, then input tangents. Only its transpose is known.
struct CustomLinParams {
  NamedRule<BwdRule> bwd;
  std::int64_t num_residuals = 0;
  Avals outputs;
  bool operator==(const CustomLinParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("bwd", self.bwd);
    v.ignored({"in_zeros", "symbolic_zeros"});  // the former: which tangents JAX left out of the operands
    v.field("num_res", self.num_residuals);
    v.hidden("outputs", self.outputs);
  }
  void after_read(ParamReader& reader);
};

const Primitive& custom_jvp_call_p();
const Primitive& custom_vjp_call_p();
const Primitive& custom_lin_p();

/// Calls `f` on concrete arguments, or stages it into an equation that carries the rule.
Arrays custom_jvp_flat(const std::string& name, const FlatFn& f, std::shared_ptr<const JvpRule> rule,
                       std::span<const Array> args);
Arrays custom_vjp_flat(const std::string& name, const FlatFn& f, std::shared_ptr<const FwdRule> fwd,
                       std::shared_ptr<const BwdRule> bwd, std::span<const Array> args);

/// The rule that a custom_jvp_call read from text uses, by function name; the table starts with JAX's own (relu, …).
void register_custom_jvp_rule(const std::string& name, JvpRule rule);

}  // namespace tf2jax
