// Walks a linear program backwards, accumulating cotangents.
#include "tf2jax/transforms/backward.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/name_scope.h"

namespace tf2jax {

Tangents backward_pass(const Jaxpr& jaxpr, std::span<const LinearArg> args, const Tangents& cotangents) {
  const JaxprData& j = *jaxpr;
  const auto at = [](auto& v, VarId i) -> decltype(auto) { return v[static_cast<std::size_t>(i)]; };
  std::vector<bool> linear(j.vars.size(), false);
  Arrays known(j.vars.size());
  for (std::size_t i = 0; i < j.constvars.size(); ++i) at(known, j.constvars[i]) = j.consts[i];
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i].is_linear()) linear[static_cast<std::size_t>(j.invars[i])] = true;
    else at(known, j.invars[i]) = *args[i].known;
  }
  const auto read = [&](const Atom& a) -> const Array& { return a.is_literal() ? a.literal : at(known, a.var); };
  const auto is_linear = [&](const Atom& a) { return !a.is_literal() && linear[static_cast<std::size_t>(a.var)]; };

  for (const Equation& e : j.eqns) {
    if (std::ranges::any_of(e.inputs, is_linear)) {
      for (VarId v : e.outputs) linear[static_cast<std::size_t>(v)] = true;
      continue;
    }
    Arrays in;
    for (const Atom& a : e.inputs) in.push_back(read(a));
    Arrays out = e.primitive.bind(in, e.params);
    for (std::size_t i = 0; i < out.size(); ++i) at(known, e.outputs[i]) = std::move(out[i]);
  }

  Tangents ct(j.vars.size());
  for (std::size_t v = 0; v < j.vars.size(); ++v) ct[v] = Tangent::zero(j.vars[v]);
  const auto accumulate = [&](const Atom& a, const Tangent& t) {
    if (is_linear(a) && !t.is_zero()) at(ct, a.var) = rules::add_tangents(at(ct, a.var), t);
  };
  for (std::size_t i = 0; i < cotangents.size(); ++i) accumulate(j.outs[i], cotangents[i]);

  for (auto e = j.eqns.rbegin(); e != j.eqns.rend(); ++e) {
    Tangents cts;
    bool live = false;
    for (VarId v : e->outputs) {
      cts.push_back(at(ct, v));
      at(ct, v) = Tangent::zero(at(j.vars, v));
      live = live || !cts.back().is_zero();
    }
    if (!live || std::ranges::none_of(e->inputs, is_linear)) continue;
    std::vector<LinearArg> in;
    for (const Atom& a : e->inputs) {
      if (is_linear(a)) in.push_back({std::nullopt, jaxpr.aval(a)});
      else in.push_back({read(a), jaxpr.aval(a)});
    }
    const auto apply = [&] {
      return e->primitive.require(e->primitive.rules().transpose, "Transpose rule (for reverse-mode differentiation)")(cts, in, e->params);
    };
    Tangents out = [&] {
      if (!e->name_scope) return apply();
      const NameScope scope(*e->name_scope);
      return apply();
    }();
    check<InternalError>(out.size() == e->inputs.size(), "transpose of {}: got {} cotangents for {} operands.", e->primitive.name(), out.size(), e->inputs.size());
    for (std::size_t i = 0; i < out.size(); ++i) accumulate(e->inputs[i], out[i]);
  }
  Tangents out;
  for (std::size_t i = 0; i < args.size(); ++i) out.push_back(at(ct, j.invars[i]));
  return out;
}

TransposedJaxpr transpose_jaxpr(const Jaxpr& jaxpr, const Mask& linear_in, const Mask& nonzero_ct, bool instantiate) {
  const auto make = [&] {
    TransposedJaxpr out;
    const Avals ins = jaxpr.input_avals(), outs = jaxpr.output_avals();
    Avals avals;
    for (std::size_t i = 0; i < ins.size(); ++i)
      if (!linear_in[i]) avals.push_back(ins[i]);
    for (std::size_t i = 0; i < outs.size(); ++i)
      if (nonzero_ct[i]) avals.push_back(outs[i].strong());
    out.jaxpr = stage(
        [&](const Arrays& values) {
          std::size_t k = 0;
          std::vector<LinearArg> args;
          for (std::size_t i = 0; i < ins.size(); ++i) {
            if (linear_in[i]) args.push_back({std::nullopt, ins[i]});
            else args.push_back({values[k++], ins[i]});
          }
          Tangents cts;
          for (std::size_t i = 0; i < outs.size(); ++i) cts.push_back(nonzero_ct[i] ? Tangent(values[k++]) : Tangent::zero(outs[i]));
          const Tangents result = backward_pass(jaxpr, args, cts);
          Arrays flat;
          out.nonzero_out.clear();
          for (std::size_t i = 0; i < ins.size(); ++i) {
            if (!linear_in[i]) continue;
            const bool live = !result[i].is_zero() || instantiate;
            out.nonzero_out.push_back(live);
            if (live) flat.push_back(rules::instantiate(result[i]));
          }
          return flat;
        },
        avals);
    return out;
  };
  return *jaxpr->memo->get<TransposedJaxpr>(
      "transpose:" + mask_key(linear_in) + ":" + mask_key(nonzero_ct) + (instantiate ? ":all" : "") + (config().enable_x64 ? ":x64" : ""), make);
}

}  // namespace tf2jax
