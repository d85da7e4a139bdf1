// Rules of the jit primitive: each transform moves inside the called program.
#include "tf2jax/transforms/jit_primitive.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/jvp.h"
#include "tf2jax/transforms/internal/call_rules.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/partial_eval.h"
#include "tf2jax/transforms/program_cache.h"

namespace tf2jax {

namespace {

JvpResult jit_jvp(std::span<const Array> x, std::span<const Tangent> t, const JitParams& p) {
  return call_jvp(p.jaxpr, x, t, [&](const Jaxpr& j, const Arrays& args) { return jit_p().bind(args, JitParams{p.name, j}); });
}

Arrays jit_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const JitParams& p) {
  Mask unknown;
  Arrays known_args, unknown_args;
  for (const Array& a : x) {
    unknown.push_back(context.is_unknown(a));
    (unknown.back() ? unknown_args : known_args).push_back(a);
  }
  const PartialEvalJaxpr j = partial_eval_jaxpr(p.jaxpr, unknown, Mask(p.jaxpr.num_outputs(), false));
  Arrays known = jit_p().bind(known_args, JitParams{p.name, j.known});
  const std::size_t known_outs = known.size() - j.num_residuals;
  Arrays operands(known.begin() + static_cast<std::ptrdiff_t>(known_outs), known.end());
  operands.insert(operands.end(), unknown_args.begin(), unknown_args.end());
  const Arrays staged = context.emit(jit_p(), operands, JitParams{p.name, j.unknown});
  Arrays out;
  std::size_t k = 0, s = 0;
  for (const bool is_unknown : j.unknown_out) out.push_back(is_unknown ? staged[s++] : known[k++]);
  return out;
}

Tangents jit_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const JitParams& p) {
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
  const TransposedJaxpr j = transpose_jaxpr(p.jaxpr, linear, nonzero, false);
  const Arrays flat = jit_p().bind(args, JitParams{p.name, j.jaxpr});
  Tangents out;
  std::size_t k = 0, i = 0;
  for (const LinearArg& a : x) out.push_back(a.is_linear() && j.nonzero_out[i++] ? Tangent(flat[k++]) : Tangent::zero(a.aval));
  return out;
}

BatchResult jit_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const JitParams& p) {
  return call_batch(p.jaxpr, x, axes, size, [&](const Jaxpr& j, const Arrays& args) { return jit_p().bind(args, JitParams{p.name, j}); });
}

}  // namespace

const Primitive& jit_p() {
  static const Primitive p = make_primitive<JitParams>({
      .name = "jit",
      .aval = [](std::span<const Aval> x, const JitParams& p) -> Avals {
        check_operands("jit", "program", p.jaxpr, x);
        return p.jaxpr.output_avals();
      },
      .jvp = jit_jvp,
      .transpose = jit_transpose,
      .batch = jit_batch,
      .partial_eval = jit_partial_eval,
      .impl = [](std::span<const Array> x, const JitParams& p) { return compiled(p.jaxpr)->run(x); },
  });
  return p;
}

std::shared_ptr<const Executable> compiled(const Jaxpr& jaxpr, const CompileOptions& options) {
  using Handle = std::shared_ptr<const Executable>;
  static ProgramCache& cache = *new ProgramCache(256);   // never destroyed: executables outlive nothing at the process's end
  CompileOptions how = options;
  how.interpret = how.interpret || config().interpret || config().disable_jit;
  if (how == CompileOptions{}) return *jaxpr->memo->get<Handle>(config().deterministic ? "executable, deterministic" : "executable", [&] { return cache.compile(jaxpr, {}); });
  if (how == CompileOptions{.interpret = true}) return *jaxpr->memo->get<Handle>("interpreted", [&] { return cache.compile(jaxpr, how); });
  return cache.compile(jaxpr, how);
}

Arrays call_jaxpr(const Jaxpr& jaxpr, const std::string& name, std::span<const Array> args) {
  const auto [closed, operands] = hoist_constants(jaxpr);
  Arrays all = operands;
  all.insert(all.end(), args.begin(), args.end());
  return jit_p().bind(all, JitParams{name, closed});
}

void append_transform_primitives(std::vector<Primitive>& out) {
  out.push_back(jit_p());
  out.push_back(custom_jvp_call_p());
  out.push_back(custom_vjp_call_p());
  out.push_back(custom_lin_p());
  out.push_back(checkpoint_p());
}

}  // namespace tf2jax
