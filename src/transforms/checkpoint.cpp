// Rules of the checkpoint primitive.
#include "tf2jax/transforms/checkpoint.h"

#include "tf2jax/base/config.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/compiled.h"
#include "tf2jax/transforms/internal/call_rules.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

CheckpointParams with_program(const CheckpointParams& p, Jaxpr jaxpr, bool differentiated) {
  CheckpointParams out = p;
  out.jaxpr = std::move(jaxpr);
  out.differentiated = differentiated;
  return out;
}

auto call_with(const CheckpointParams& p, bool differentiated) {
  return [&p, differentiated](const Jaxpr& j, const Arrays& args) {
    return checkpoint_p().bind(args, with_program(p, j, differentiated));
  };
}

JvpResult checkpoint_jvp(std::span<const Array> x, std::span<const Tangent> t, const CheckpointParams& p) {
  return call_jvp(p.jaxpr, x, t, call_with(p, p.differentiated));
}

// Known outputs are computed now and nothing else is kept; the unknown ones are staged with the whole computation
// behind them, which the backward pass then repeats.
Arrays checkpoint_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const CheckpointParams& p) {
  const Mask unknown = context.unknown(x);
  const PartialEvalJaxpr j = partial_eval_jaxpr(p.jaxpr, unknown, Mask(p.jaxpr.num_outputs(), false));
  const Mask primal_outs =
      masks::join(Mask(j.known.num_outputs() - j.num_residuals, true), Mask(j.num_residuals, false));
  const Arrays known = call_with(p, p.differentiated)(keep_outputs(j.known, primal_outs), masks::drop(x, unknown));
  const Arrays staged = context.emit(checkpoint_p(), x, with_program(p, keep_outputs(p.jaxpr, j.unknown_out), true));
  return masks::merge(j.unknown_out, staged, known);
}

struct CheckpointTransposeKey {
  using Result = TransposedJaxpr;
  Mask linear, nonzero;
  bool x64 = config().enable_x64;
  bool operator==(const CheckpointTransposeKey&) const = default;
};

// The forward part is linearized at the known inputs inside the staged program.
TransposedJaxpr transpose_again(const Jaxpr& jaxpr, const Mask& linear, const Mask& nonzero) {
  const auto make = [&] {
    const PartialEvalJaxpr split = partial_eval_jaxpr(jaxpr, linear, Mask(jaxpr.num_outputs(), true));
    return stage_transposed(jaxpr, linear, nonzero, false, [&](std::span<const Array> known, const Tangents& cts) {
      std::vector<LinearArg> args;
      for (const Array& r : eval_jaxpr(split.known, known)) args.push_back({r, r.aval()});
      const auto num_residuals = std::ssize(args);
      for (std::size_t i = 0; i < linear.size(); ++i)
        if (linear[i]) args.push_back({std::nullopt, jaxpr.input(i)});
      const Tangents all = backward_pass(split.unknown, args, cts);
      return Tangents(all.begin() + num_residuals, all.end());
    });
  };
  return *jaxpr->memo->get(CheckpointTransposeKey{linear, nonzero}, make);
}

Tangents checkpoint_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const CheckpointParams& p) {
  const auto transposed = [&](const Mask& linear, const Mask& nonzero) {
    return transpose_again(p.jaxpr, linear, nonzero);
  };
  return call_transpose(ct, x, transposed, call_with(p, true));
}

BatchResult checkpoint_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size,
                             const CheckpointParams& p) {
  return call_batch(p.jaxpr, x, axes, size, call_with(p, p.differentiated));
}

}  // namespace

const Primitive& checkpoint_p() {
  static const Primitive p = make_primitive<CheckpointParams>({
      .name = "remat2",
      .operands = OperandCount::at_least(0),
      .aval =
          [](std::span<const Aval> x, const CheckpointParams& p) {
            check_operands("remat2", "program", p.jaxpr, x);
            return p.jaxpr.output_avals();
          },
      .jvp = checkpoint_jvp,
      .transpose = checkpoint_transpose,
      .batch = checkpoint_batch,
      .partial_eval = checkpoint_partial_eval,
      .impl = [](std::span<const Array> x, const CheckpointParams& p) { return compiled(p.jaxpr)->run(x); },
      // What is computed again in a backward pass must not be shared with the first time, or it would be kept after
      // all.
      .called = [](const CheckpointParams& p) { return p.prevent_cse && p.differentiated ? nullptr : &p.jaxpr; },
  });
  return p;
}

Arrays checkpoint_flat(const FlatFn& f, std::span<const Array> args) {
  if (current_trace()->is_eval()) return f(Arrays(args.begin(), args.end()));
  Avals avals;
  for (const Array& x : args) avals.push_back(x.aval());
  const auto [closed, consts] = hoist_constants(stage(f, avals));
  return checkpoint_p().bind(joined(consts, args), CheckpointParams{closed, true, false, {}});
}

}  // namespace tf2jax
