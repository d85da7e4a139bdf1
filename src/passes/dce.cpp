// Dead code elimination.
#include "tf2jax/passes/dce.h"

#include <algorithm>

namespace tf2jax {

namespace {
std::vector<bool> live_vars(const JaxprData& j, std::vector<bool>* live_eqns) {
  std::vector<bool> live(j.vars.size(), false);
  const auto mark = [&](const Atom& a) {
    if (!a.is_literal()) live[a.var] = true;
  };
  std::ranges::for_each(j.outs, mark);
  for (std::size_t e = j.eqns.size(); e-- > 0;) {
    const Equation& eqn = j.eqns[e];
    const bool needed = std::ranges::any_of(eqn.outputs, [&](VarId v) { return live[v]; }) || is_effectful(eqn);
    if (live_eqns) (*live_eqns)[e] = needed;
    if (needed) std::ranges::for_each(eqn.inputs, mark);
  }
  return live;
}
}  // namespace

Jaxpr dce(const Jaxpr& jaxpr) {
  const JaxprData& j = *jaxpr;
  std::vector<bool> keep(j.eqns.size(), false);
  const std::vector<bool> live = live_vars(j, &keep);
  JaxprData out;
  out.vars = j.vars;
  out.invars = j.invars;
  out.outs = j.outs;
  for (std::size_t i = 0; i < j.constvars.size(); ++i) {
    if (!live[j.constvars[i]]) continue;
    out.constvars.push_back(j.constvars[i]);
    out.consts.push_back(j.consts[i]);
  }
  for (std::size_t e = 0; e < j.eqns.size(); ++e)
    if (keep[e]) out.eqns.push_back(j.eqns[e]);
  return Jaxpr(std::move(out));
}

Jaxpr keep_outputs(const Jaxpr& jaxpr, const std::vector<bool>& keep) {
  JaxprData out = *jaxpr;
  out.memo = std::make_shared<JaxprMemo>();
  std::vector<Atom> outs;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i]) outs.push_back(out.outs[i]);
  out.outs = std::move(outs);
  return dce(Jaxpr(std::move(out)));
}

std::vector<bool> used_inputs(const Jaxpr& jaxpr) {
  const std::vector<bool> live = live_vars(*jaxpr, nullptr);
  std::vector<bool> out;
  for (VarId v : jaxpr->invars) out.push_back(live[v]);
  return out;
}

}  // namespace tf2jax
