// The primitive mhlo_apply.
#include "tf2jax/stablehlo/opaque_call.h"

#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/transforms/compiled.h"
#include "tf2jax/transforms/internal/operands.h"

namespace tf2jax::stablehlo {
namespace {

// What the derivative of mhlo_apply would be: a linear map of its tangents that only fails when it is needed.
struct HiddenTangents {
  Avals outputs;
  bool operator==(const HiddenTangents&) const = default;
  static void visit_fields(auto& self, auto& v) { v.hidden("outputs", self.outputs); }
};

[[noreturn]] void refuse(const char* rule) {
  raise<MissingRule>(
      "{} rule for 'mhlo_apply' not implemented. A serialized module is one operation here; its first derivative is "
      "that of the custom gradient it was serialized with.\n"
      "Set xlacallmodule_transparent, update_config(\"xlacallmodule_transparent\", true), to let every transform see "
      "through it.",
      rule);
}

const Primitive& hidden_tangents_p() {
  static const Primitive p = make_primitive<HiddenTangents>({
      .name = "mhlo_apply_tangents",
      .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval>, const HiddenTangents& h) { return h.outputs; },
      .transpose = [](std::span<const Tangent>, std::span<const LinearArg>, const HiddenTangents&) -> Tangents {
        refuse("Differentiation");
      },
      .batch = [](std::span<const Array>, std::span<const Axis>, Dim, const HiddenTangents&) -> BatchResult {
        refuse("Batching");
      },
      .impl = [](std::span<const Array>, const HiddenTangents&) -> Arrays { refuse("Differentiation"); },
  });
  return p;
}

JvpResult hidden_jvp(std::span<const Array> x, std::span<const Tangent> t, const MhloApply& m) {
  JvpResult out;
  out.primals = mhlo_apply_p().bind(x, m);
  Arrays operands;
  for (const Tangent& d : t)
    if (!d.is_zero()) operands.push_back(d.value());
  HiddenTangents hidden;
  std::vector<std::size_t> inexact;
  for (std::size_t i = 0; i < out.primals.size(); ++i) {
    const Aval& y = out.primals[i].aval();
    out.tangents.push_back(Tangent::zero(y));
    if (!is_inexact(y.dtype)) continue;
    inexact.push_back(i);
    hidden.outputs.push_back(y.strong());
  }
  if (inexact.empty() || operands.empty()) return out;
  Arrays tangents = hidden_tangents_p().bind(operands, hidden);
  for (std::size_t i = 0; i < inexact.size(); ++i) out.tangents[inexact[i]] = Tangent(std::move(tangents[i]));
  return out;
}

}  // namespace

const Primitive& mhlo_apply_p() {
  static const Primitive p = make_primitive<MhloApply>({
      .name = "mhlo_apply",
      .operands = OperandCount::at_least(0),
      .aval =
          [](std::span<const Aval> x, const MhloApply& m) {
            check_operands("mhlo_apply", "program", m.program, x);
            return m.program.output_avals();
          },
      .jvp = hidden_jvp,
      .batch = [](std::span<const Array>, std::span<const Axis>, Dim, const MhloApply&) -> BatchResult {
        refuse("Batching");
      },
      .impl = [](std::span<const Array> x, const MhloApply& m) { return compiled(m.program)->run(x); },
      .called = [](const MhloApply& m) { return &m.program; },
  });
  return p;
}

}  // namespace tf2jax::stablehlo
