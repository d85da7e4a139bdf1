// Evaluation by the definitions of the control-flow primitives.
#include "evaluate.h"

#include <algorithm>

#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax::fuzz {

namespace {

Arrays part(const Arrays& xs, std::size_t from, std::size_t count) {
  const auto first = xs.begin() + static_cast<std::ptrdiff_t>(from);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}
Arrays joined(Arrays a, const Arrays& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Array row(const Array& x, std::int64_t i) { return squeeze(slice_in_dim(x, i, i + 1, 1, 0), {0}); }

Arrays run_scan(const ScanParams& p, const Arrays& in, const Observer& observe) {
  const auto consts = static_cast<std::size_t>(p.num_consts), carries = static_cast<std::size_t>(p.num_carry);
  const Arrays fixed = part(in, 0, consts), xs = part(in, consts + carries, in.size() - consts - carries);
  Arrays carry = part(in, consts, carries);
  std::vector<Arrays> ys(p.jaxpr.num_outputs() - carries, Arrays(p.length));
  for (std::int64_t step = 0; step < p.length; ++step) {
    const std::int64_t i = p.reverse ? p.length - 1 - step : step;
    Arrays args = joined(fixed, carry);
    for (const Array& x : xs) args.push_back(row(x, i));
    const Arrays out = evaluate(p.jaxpr, args, observe);
    carry = part(out, 0, carries);
    for (std::size_t k = 0; k < ys.size(); ++k) ys[k][i] = out[carries + k];
  }
  Arrays out = carry;
  for (std::size_t k = 0; k < ys.size(); ++k) {
    if (p.length) {
      out.push_back(stack(ys[k]));
      continue;
    }
    const Aval row = p.jaxpr.output_avals()[carries + k];
    Dims dims = row.dims();
    dims.insert(dims.begin(), 0);
    out.push_back(Array::from_bytes(row.dtype, dims, {}));
  }
  return out;
}

Arrays run_while(const WhileParams& p, const Arrays& in, const Observer& observe) {
  const auto cond_consts = static_cast<std::size_t>(p.cond_nconsts),
             body_consts = static_cast<std::size_t>(p.body_nconsts);
  const Arrays for_cond = part(in, 0, cond_consts), for_body = part(in, cond_consts, body_consts);
  Arrays carry = part(in, cond_consts + body_consts, in.size() - cond_consts - body_consts);
  const auto test = [&] { return evaluate(p.cond_jaxpr, joined(for_cond, carry), observe)[0]; };
  for (Array more = test(); any_true(more).item<bool>(); more = test()) {
    Arrays next = evaluate(p.body_jaxpr, joined(for_body, carry), observe);
    if (more.rank() == 0) {
      carry = std::move(next);
      continue;
    }
    for (std::size_t k = 0; k < carry.size();
         ++k)  // a predicate of several examples: those that are done keep what they have
      carry[k] = where(broadcast_in_dim(more, carry[k].shape(), iota_axes(more.rank())), next[k], carry[k]);
  }
  return carry;
}

Arrays run_cond(const CondParams& p, const Arrays& in, const Observer& observe) {
  const std::int64_t index =
      std::clamp<std::int64_t>(in[0].item<std::int32_t>(), 0, static_cast<std::int64_t>(p.branches.size()) - 1);
  return evaluate(p.branches[index], part(in, 1, in.size() - 1), observe);
}

}  // namespace

std::optional<Jaxpr> called_program(const Equation& e) {
  const bool is_call = e.primitive == jit_p() || e.primitive == custom_jvp_call_p() ||
                       e.primitive == custom_vjp_call_p() || e.primitive == checkpoint_p();
  return is_call ? std::optional(nested_jaxprs(e.params)[0]) : std::nullopt;
}

Arrays evaluate(const Equation& e, const Arrays& in, const Observer& observe) {
  if (e.primitive == scan_p()) return run_scan(e.params.get<ScanParams>(), in, observe);
  if (e.primitive == while_p()) return run_while(e.params.get<WhileParams>(), in, observe);
  if (e.primitive == cond_p() && in[0].rank() == 0) return run_cond(e.params.get<CondParams>(), in, observe);
  if (const auto program = called_program(e)) return evaluate(*program, in, observe);
  Arrays out = e.primitive.bind(in, e.params);
  if (observe) observe(e.primitive, in, out);
  return out;
}

Arrays values_of(const Jaxpr& program, const Arrays& args, const EquationFn& results) {
  Arrays values(program->vars.size());
  const auto at = [&](VarId v) -> Array& { return values[v]; };
  for (std::size_t i = 0; i < args.size(); ++i) at(program->invars[i]) = args[i];
  for (std::size_t i = 0; i < program->constvars.size(); ++i) at(program->constvars[i]) = program->consts[i];
  for (const Equation& e : program->eqns) {
    Arrays in;
    for (const Atom& a : e.inputs) in.push_back(a.is_literal() ? a.literal : at(a.var));
    const Arrays out = results(e, in);
    for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
  }
  return values;
}

Arrays outputs_of(const Jaxpr& program, const Arrays& values) {
  Arrays out;
  for (const Atom& a : program->outs) out.push_back(a.is_literal() ? a.literal : values[a.var]);
  return out;
}

Arrays evaluate(const Jaxpr& jaxpr, const Arrays& args, const Observer& observe) {
  return outputs_of(
      jaxpr, values_of(jaxpr, args, [&](const Equation& e, const Arrays& in) { return evaluate(e, in, observe); }));
}

}  // namespace tf2jax::fuzz
