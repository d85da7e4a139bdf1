// Inlining of calls.
#include "tf2jax/passes/inline_calls.h"

#include <algorithm>

#include "tf2jax/base/config.h"

namespace tf2jax {

namespace {

const Jaxpr* called(const Equation& e) {
  const auto& rule = e.primitive.rules().called;
  return rule ? rule(e.params) : nullptr;
}

class Inliner {
 public:
  // Appends a program applied to `inputs`; gives its outputs.
  std::vector<Atom> append(const Jaxpr& jaxpr, const std::vector<Atom>& inputs) {
    const JaxprData& j = *jaxpr;
    std::vector<Atom> now(j.vars.size());
    for (std::size_t i = 0; i < j.constvars.size(); ++i) {
      now[j.constvars[i]] = variable(j.consts[i].aval());
      out.constvars.push_back(now[j.constvars[i]].var);
      out.consts.push_back(j.consts[i]);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) now[j.invars[i]] = inputs[i];
    const auto read = [&](const Atom& a) { return a.is_literal() ? a : now[a.var]; };
    const auto read_all = [&](const std::vector<Atom>& atoms) {
      std::vector<Atom> values;
      for (const Atom& a : atoms) values.push_back(read(a));
      return values;
    };
    for (const Equation& e : j.eqns) {
      std::vector<Atom> operands = read_all(e.inputs);
      if (const Jaxpr* program = called(e)) {
        const std::vector<Atom> results = append(*program, operands);
        for (std::size_t i = 0; i < results.size(); ++i) now[e.outputs[i]] = results[i];
        continue;
      }
      check<ResourceExhaustedError>(
          static_cast<std::int64_t>(out.eqns.size()) < config().max_expanded_nodes,
          "inline_calls: the program has more than {} equations once what it calls is inlined. Call loops instead, or "
          "raise Config::max_expanded_nodes.",
          config().max_expanded_nodes);
      Equation mine{e.primitive, e.params, std::move(operands), {}, e.name_scope};
      for (const VarId v : e.outputs) {
        now[v] = variable(j.vars[v]);
        mine.outputs.push_back(now[v].var);
      }
      out.eqns.push_back(std::move(mine));
    }
    return read_all(j.outs);
  }

  Atom variable(const Aval& aval) {
    out.vars.push_back(aval);
    return Atom::of(static_cast<VarId>(out.vars.size() - 1));
  }
  JaxprData out;
};

}  // namespace

Jaxpr inline_calls(const Jaxpr& jaxpr) {
  if (std::ranges::none_of(jaxpr->eqns, [](const Equation& e) { return called(e) != nullptr; })) return jaxpr;
  Inliner inliner;
  std::vector<Atom> inputs;
  for (const VarId v : jaxpr->invars) {
    inputs.push_back(inliner.variable(jaxpr->vars[v]));
    inliner.out.invars.push_back(inputs.back().var);
  }
  inliner.out.outs = inliner.append(jaxpr, inputs);
  return Jaxpr(std::move(inliner.out));
}

}  // namespace tf2jax
