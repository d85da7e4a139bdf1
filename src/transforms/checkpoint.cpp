// Rules of the checkpoint primitive.
#include "tf2jax/transforms/checkpoint.h"

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/internal/call_rules.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

CheckpointParams with_program(const CheckpointParams& p, Jaxpr jaxpr, bool differentiated) {
  CheckpointParams out = p;
  out.jaxpr = std::move(jaxpr);
  out.differentiated = differentiated;
  return out;
}

JvpResult checkpoint_jvp(std::span<const Array> x, std::span<const Tangent> t, const CheckpointParams& p) {
  return call_jvp(p.jaxpr, x, t, [&](const Jaxpr& j, const Arrays& args) { return checkpoint_p().bind(args, with_program(p, j, p.differentiated)); });
}

// Known outputs are computed now and nothing else is kept; the unknown ones are staged with the whole computation
// behind them, which the backward pass then repeats.
Arrays checkpoint_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const CheckpointParams& p) {
  Mask unknown;
  Arrays known_args;
  for (const Array& a : x) {
    unknown.push_back(context.is_unknown(a));
    if (!unknown.back()) known_args.push_back(a);
  }
  const PartialEvalJaxpr j = partial_eval_jaxpr(p.jaxpr, unknown, Mask(p.jaxpr.num_outputs(), false));
  Mask primal_outs(j.known.num_outputs(), true);
  for (std::size_t i = 0; i < j.num_residuals; ++i) primal_outs[primal_outs.size() - 1 - i] = false;
  const Arrays known = checkpoint_p().bind(known_args, with_program(p, keep_outputs(j.known, primal_outs), p.differentiated));
  const Arrays staged = context.emit(checkpoint_p(), x, with_program(p, keep_outputs(p.jaxpr, j.unknown_out), true));
  Arrays out;
  std::size_t k = 0, s = 0;
  for (const bool is_unknown : j.unknown_out) out.push_back(is_unknown ? staged[s++] : known[k++]);
  return out;
}

Tangents checkpoint_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const CheckpointParams& p) {
  Mask linear, nonzero;
  Arrays args;
  for (const LinearArg& a : x) {
    linear.push_back(a.is_linear());
    if (a.known) args.push_back(*a.known);
  }
  for (const Tangent& c : ct) {
    nonzero.push_back(!c.is_zero());
    if (!c.is_zero()) args.push_back(c.value());
  }
  // The forward part is linearized at the known inputs inside the staged program.
  const auto make = [&] {
    const PartialEvalJaxpr split = partial_eval_jaxpr(p.jaxpr, linear, Mask(p.jaxpr.num_outputs(), true));
    TransposedJaxpr out;
    Avals avals;
    const Avals ins = p.jaxpr.input_avals(), outs = p.jaxpr.output_avals();
    for (std::size_t i = 0; i < ins.size(); ++i)
      if (!linear[i]) avals.push_back(ins[i]);
    const std::size_t num_known = avals.size();
    for (std::size_t i = 0; i < outs.size(); ++i)
      if (nonzero[i]) avals.push_back(outs[i].strong());
    out.jaxpr = stage(
        [&](const Arrays& values) {
          const Arrays residuals = eval_jaxpr(split.known, std::span(values).first(num_known));
          std::vector<LinearArg> linear_args;
          for (const Array& r : residuals) linear_args.push_back({r, r.aval()});
          for (std::size_t i = 0; i < ins.size(); ++i)
            if (linear[i]) linear_args.push_back({std::nullopt, ins[i]});
          Tangents cts;
          std::size_t k = num_known;
          for (std::size_t i = 0; i < outs.size(); ++i) cts.push_back(nonzero[i] ? Tangent(values[k++]) : Tangent::zero(outs[i]));
          const Tangents result = backward_pass(split.unknown, linear_args, cts);
          Arrays flat;
          out.nonzero_out.clear();
          for (std::size_t i = residuals.size(); i < result.size(); ++i) {
            out.nonzero_out.push_back(!result[i].is_zero());
            if (!result[i].is_zero()) flat.push_back(result[i].value());
          }
          return flat;
        },
        avals);
    return out;
  };
  const auto j = p.jaxpr->memo->get<TransposedJaxpr>("checkpoint:" + mask_key(linear) + ":" + mask_key(nonzero) + (config().enable_x64 ? ":x64" : ""), make);
  const Arrays flat = checkpoint_p().bind(args, with_program(p, j->jaxpr, true));
  Tangents out;
  std::size_t k = 0, i = 0;
  for (const LinearArg& a : x) out.push_back(a.is_linear() && j->nonzero_out[i++] ? Tangent(flat[k++]) : Tangent::zero(a.aval));
  return out;
}

BatchResult checkpoint_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CheckpointParams& p) {
  return call_batch(p.jaxpr, x, axes, size, [&](const Jaxpr& j, const Arrays& args) { return checkpoint_p().bind(args, with_program(p, j, p.differentiated)); });
}

}  // namespace

const Primitive& checkpoint_p() {
  static const Primitive p = make_primitive<CheckpointParams>({
      .name = "remat2", .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval> x, const CheckpointParams& p) {
        check_operands("remat2", "program", p.jaxpr, x);
        return p.jaxpr.output_avals();
      },
      .jvp = checkpoint_jvp,
      .transpose = checkpoint_transpose,
      .batch = checkpoint_batch,
      .partial_eval = checkpoint_partial_eval,
      .impl = [](std::span<const Array> x, const CheckpointParams& p) { return compiled(p.jaxpr)->run(x); },
  });
  return p;
}

Arrays checkpoint_flat(const FlatFn& f, std::span<const Array> args) {
  if (current_trace()->is_eval()) return f(Arrays(args.begin(), args.end()));
  Avals avals;
  for (const Array& x : args) avals.push_back(x.aval());
  const auto [closed, consts] = hoist_constants(stage(f, avals));
  Arrays operands = consts;
  operands.insert(operands.end(), args.begin(), args.end());
  return checkpoint_p().bind(operands, CheckpointParams{closed, true, false, {}});
}

}  // namespace tf2jax
