// Reverse mode: primals are known, tangents unknown; what is staged is linear and can be transposed.
#include "tf2jax/transforms/linearize.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

Linearized linearize_flat(const FlatFn& f, const Arrays& primals) {
  Linearized out;
  const std::size_t n = primals.size();
  Arrays args = primals;
  Avals avals;
  for (const Array& x : primals) avals.push_back(x.aval());
  out.in_avals = avals;
  for (std::size_t i = 0; i < n; ++i) {
    out.linear_in.push_back(is_inexact(avals[i].dtype));
    if (!out.linear_in[i]) continue;
    args.emplace_back();
    avals.push_back(avals[i].strong());
  }
  std::size_t num_outs = 0;
  Mask live;
  const PartialEvalFlat r = partial_eval_flat(
      [&](const Arrays& xs) {
        Tangents tangents;
        std::size_t k = n;
        for (std::size_t i = 0; i < n; ++i)
          tangents.push_back(out.linear_in[i] ? Tangent(xs[k++]) : Tangent::zero(xs[i].aval()));
        JvpResult y = jvp_flat(f, std::span(xs).first(n), tangents);
        num_outs = y.primals.size();
        for (const Tangent& t : y.tangents) {
          live.push_back(!t.is_zero());
          if (!t.is_zero()) y.primals.push_back(t.value());
        }
        return y.primals;
      },
      args, avals);
  std::size_t k = num_outs;
  Mask keep;
  for (std::size_t i = 0; i < num_outs; ++i) {
    check<InternalError>(!r.unknown_out[i], "linearize: output {} depends on a tangent.", i);
    out.outs.push_back(r.known_outs[i]);
    // A tangent that turned out known does not depend on the inputs' tangents: it is zero.
    out.linear_out.push_back(live[i] && r.unknown_out[k]);
    k += live[i];
  }
  out.tangent_program = r.unknown;
  return out;
}

Arrays apply_linearized(const Linearized& l, const Arrays& tangents) {
  Arrays in;
  for (std::size_t i = 0; i < tangents.size(); ++i)
    if (l.linear_in[i]) in.push_back(tangents[i]);
  const Arrays live = eval_jaxpr(l.tangent_program, in);
  Arrays out;
  for (std::size_t i = 0, k = 0; i < l.outs.size(); ++i)
    out.push_back(l.linear_out[i] ? live[k++] : zeros_of(l.outs[i].aval().strong().tangent()));
  return out;
}

Arrays apply_pullback(const Linearized& l, const Arrays& cotangents) {
  check<TreeError>(cotangents.size() == l.outs.size(),
                   "vjp: the number of cotangents is wrong. Got {}; expected {}, one per output.", cotangents.size(),
                   l.outs.size());
  Tangents cts;
  for (std::size_t i = 0; i < cotangents.size(); ++i) {
    const Aval want = l.outs[i].aval().strong().tangent();
    if (!l.linear_out[i]) continue;
    const Array& ct = cotangents[i];
    const bool castable = ct.weak_type() && ct.rank() == want.rank();
    if (ct.dtype() != want.dtype && !castable)
      raise<DtypeError>("vjp: cotangent {} has the wrong dtype. Got {}; expected {}.", i, ct.aval(), want);
    if (!identical(ct.shape(), want.shape))
      raise<ShapeError>("vjp: cotangent {} has the wrong shape. Got {}; expected {}.", i, ct.aval(), want);
    cts.emplace_back(ct.dtype() == want.dtype ? ct : rules::as_dtype(ct, want.dtype));
  }
  std::vector<LinearArg> args;
  for (const Aval& a : l.tangent_program.input_avals()) args.push_back({std::nullopt, a});
  const Tangents live = backward_pass(l.tangent_program, args, cts);
  Arrays out;
  for (std::size_t i = 0, k = 0; i < l.linear_in.size(); ++i)
    out.push_back(l.linear_in[i] ? rules::instantiate(live[k++]) : zeros_of(l.in_avals[i].strong().tangent()));
  return out;
}

}  // namespace tf2jax
