// Rules of the jit primitive: each transform moves inside the called program.
#include "tf2jax/transforms/jit_primitive.h"

#include "tf2jax/transforms/internal/call_rules.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

auto call_named(const JitParams& p) {
  return [&](const Jaxpr& j, const Arrays& args) { return jit_p().bind(args, JitParams{p.name, j}); };
}

JvpResult jit_jvp(std::span<const Array> x, std::span<const Tangent> t, const JitParams& p) {
  return call_jvp(p.jaxpr, x, t, call_named(p));
}

Arrays jit_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const JitParams& p) {
  const Mask unknown = context.unknown(x);
  const PartialEvalJaxpr j = partial_eval_jaxpr(p.jaxpr, unknown, Mask(p.jaxpr.num_outputs(), false));
  const Arrays known = call_named(p)(j.known, masks::drop(x, unknown));
  const Arrays operands = joined(std::span(known).last(j.num_residuals), masks::pick(x, unknown));
  return masks::merge(j.unknown_out, context.emit(jit_p(), operands, JitParams{p.name, j.unknown}), known);
}

Tangents jit_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const JitParams& p) {
  const auto transposed = [&](const Mask& linear, const Mask& nonzero) {
    return transpose_jaxpr(p.jaxpr, linear, nonzero, false);
  };
  return call_transpose(ct, x, transposed, call_named(p));
}

BatchResult jit_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const JitParams& p) {
  return call_batch(p.jaxpr, x, axes, size, call_named(p));
}

}  // namespace

const Primitive& jit_p() {
  static const Primitive p = make_primitive<JitParams>({
      .name = "jit",
      .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval> x, const JitParams& p) -> Avals {
        check_operands("jit", "program", p.jaxpr, x);
        return p.jaxpr.output_avals();
      },
      .jvp = jit_jvp,
      .transpose = jit_transpose,
      .batch = jit_batch,
      .partial_eval = jit_partial_eval,
      .impl = [](std::span<const Array> x, const JitParams& p) { return compiled(p.jaxpr)->run(x); },
      .called = [](const JitParams& p) { return &p.jaxpr; },
      .shares_names = true,
  });
  return p;
}

Arrays call_jaxpr(const Jaxpr& jaxpr, const std::string& name, std::span<const Array> args) {
  const auto [closed, operands] = hoist_constants(jaxpr);
  return jit_p().bind(joined(operands, args), JitParams{name, closed});
}

}  // namespace tf2jax
