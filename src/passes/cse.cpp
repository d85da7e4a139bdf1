// Common subexpression elimination.
#include "tf2jax/passes/cse.h"

#include <algorithm>
#include <unordered_map>

#include "tf2jax/trace/same_bytes.h"

namespace tf2jax {

namespace {

bool same_atom(const Atom& a, const Atom& b) {
  if (a.is_literal() != b.is_literal()) return false;
  if (!a.is_literal()) return a.var == b.var;
  return a.literal.aval() == b.literal.aval() && same_bytes(a.literal, b.literal);
}

std::size_t hash_of(const Equation& e) {
  std::size_t h = std::hash<const void*>{}(e.primitive.id()) ^ e.params.hash();
  for (const Atom& a : e.inputs)
    h = h * 1000003 + (a.is_literal() ? hash_value(a.literal.aval()) : static_cast<std::size_t>(a.var) + 7);
  return h;
}

bool same_equation(const Equation& a, const Equation& b) {
  return a.primitive == b.primitive && a.inputs.size() == b.inputs.size() &&
         std::ranges::equal(a.inputs, b.inputs, same_atom) && a.params == b.params;
}

}  // namespace

Jaxpr cse(const Jaxpr& jaxpr) {
  const JaxprData& j = *jaxpr;
  JaxprData out = j;
  out.memo = std::make_shared<JaxprMemo>();
  out.eqns.clear();
  std::vector<VarId> canonical(j.vars.size());
  for (std::size_t v = 0; v < canonical.size(); ++v) canonical[v] = static_cast<VarId>(v);
  const auto rename = [&](Atom& a) {
    if (!a.is_literal()) a.var = canonical[a.var];
  };
  std::unordered_multimap<std::size_t, std::size_t> seen;  // hash -> index into out.eqns
  for (Equation e : j.eqns) {
    std::ranges::for_each(e.inputs, rename);
    if (is_effectful(e)) {
      out.eqns.push_back(std::move(e));
      continue;
    }
    const std::size_t h = hash_of(e);
    const auto [first, last] = seen.equal_range(h);
    const auto it =
        std::find_if(first, last, [&](const auto& entry) { return same_equation(out.eqns[entry.second], e); });
    if (it != last) {
      for (std::size_t i = 0; i < e.outputs.size(); ++i) canonical[e.outputs[i]] = out.eqns[it->second].outputs[i];
      continue;
    }
    seen.emplace(h, out.eqns.size());
    out.eqns.push_back(std::move(e));
  }
  std::ranges::for_each(out.outs, rename);
  return Jaxpr(std::move(out));
}

}  // namespace tf2jax
