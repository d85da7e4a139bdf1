// Small edits of programs that control-flow rules need.
#include "tf2jax/control/jaxpr_edit.h"

namespace tf2jax {

namespace {
JaxprData copy(const Jaxpr& jaxpr) {
  JaxprData out = *jaxpr;
  out.memo = std::make_shared<JaxprMemo>();
  return out;
}
}  // namespace

Jaxpr reorder(const Jaxpr& jaxpr, const Order& in_order, const std::optional<Order>& out_order) {
  JaxprData out = copy(jaxpr);
  if (!in_order.empty()) {
    check<InternalError>(in_order.size() == out.invars.size(), "reorder: {} positions for {} inputs.", in_order.size(),
                         out.invars.size());
    for (std::size_t i = 0; i < in_order.size(); ++i) out.invars[i] = jaxpr->invars[in_order[i]];
  }
  if (out_order) {
    out.outs.clear();
    for (const std::size_t i : *out_order) out.outs.push_back(jaxpr->outs[i]);
  }
  return Jaxpr(std::move(out));
}

Jaxpr ignore_inputs(const Jaxpr& jaxpr, const Avals& extra) {
  JaxprData out = copy(jaxpr);
  for (const Aval& a : extra) {
    out.invars.push_back(static_cast<VarId>(out.vars.size()));
    out.vars.push_back(a);
  }
  return Jaxpr(std::move(out));
}

}  // namespace tf2jax
