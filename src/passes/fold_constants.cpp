// Constant folding.
#include "tf2jax/passes/fold_constants.h"

#include <algorithm>

#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/backend.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

std::optional<Array> fold_equation(const Primitive& primitive, const EquationParams& params,
                                   std::span<const Array> operands, const Avals& results) {
  if (operands.empty() || results.size() != 1 || primitive.effectful() || primitive.rules().impl ||
      !is_concrete(results[0].shape))
    return std::nullopt;
  std::int64_t largest = 4096;
  for (const Array& x : operands) {
    if (!x.is_concrete()) return std::nullopt;
    largest = std::max(largest, num_elements(x.dims()));
  }
  const std::int64_t size = num_elements(results[0].dims());
  if (primitive == broadcast_in_dim_p() && size > 1 && num_elements(operands[0].dims()) == 1) return std::nullopt;
  if (size > largest || size > kLargestFolded) return std::nullopt;
  const Kernel* kernel = primitive.rules().kernel.load(std::memory_order_acquire);
  if (!kernel) kernel = default_backend().kernel(primitive);
  if (!kernel) return std::nullopt;
  const TraceScope scope(eval_trace());
  return (*kernel)({operands, params, results})[0];
}

Jaxpr fold_constants(const Jaxpr& jaxpr) {
  const JaxprData& j = *jaxpr;
  JaxprData out = j;
  out.memo = std::make_shared<JaxprMemo>();
  out.eqns.clear();
  Arrays known(j.vars.size());
  for (std::size_t i = 0; i < j.constvars.size(); ++i) known[j.constvars[i]] = j.consts[i];
  const auto value = [&](const Atom& a) { return a.is_literal() ? a.literal : known[a.var]; };
  for (const Equation& e : j.eqns) {
    Arrays operands;
    for (const Atom& a : e.inputs)
      if (const Array x = value(a); x.has_value()) operands.push_back(x);
    Avals results;
    for (const VarId v : e.outputs) results.push_back(j.vars[v]);
    const auto folded =
        operands.size() == e.inputs.size() ? fold_equation(e.primitive, e.params, operands, results) : std::nullopt;
    if (!folded) {
      out.eqns.push_back(e);
      continue;
    }
    known[e.outputs[0]] = *folded;
    out.constvars.push_back(e.outputs[0]);
    out.consts.push_back(*folded);
  }
  return Jaxpr(std::move(out));
}

}  // namespace tf2jax
