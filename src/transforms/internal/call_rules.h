// Rules that every primitive calling one program shares: transform the program, call the result.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// `call(jaxpr, args)` binds the primitive with another program.
template <class Call>
JvpResult call_jvp(const Jaxpr& jaxpr, std::span<const Array> x, std::span<const Tangent> t, Call call) {
  Mask nonzero;
  Arrays args(x.begin(), x.end());
  for (const Tangent& d : t) {
    nonzero.push_back(!d.is_zero());
    if (!d.is_zero()) args.push_back(d.value());
  }
  const JvpJaxpr j = jvp_jaxpr(jaxpr, nonzero, Mask(jaxpr.num_outputs(), false));
  const Arrays flat = call(j.jaxpr, args);
  JvpResult out;
  std::size_t k = jaxpr.num_outputs();
  for (std::size_t i = 0; i < j.nonzero_out.size(); ++i) {
    out.primals.push_back(flat[i]);
    out.tangents.push_back(j.nonzero_out[i] ? Tangent(flat[k++]) : Tangent::zero(flat[i].aval()));
  }
  return out;
}

template <class Call>
BatchResult call_batch(const Jaxpr& jaxpr, std::span<const Array> x, std::span<const Axis> axes, Dim size, Call call) {
  Mask mapped;
  Arrays args;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mapped.push_back(axes[i].has_value());
    args.push_back(rules::mapped_to_front(x[i], axes[i]));
  }
  const BatchedJaxpr j = batch_jaxpr(jaxpr, size, mapped, Mask(jaxpr.num_outputs(), false));
  BatchResult out{call(j.jaxpr, args), {}};
  for (const bool m : j.mapped_out) out.axes.push_back(m ? Axis(0) : std::nullopt);
  return out;
}

}  // namespace tf2jax
