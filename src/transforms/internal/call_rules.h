// Rules that every primitive calling one program shares: transform the program, call the result.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

// In each, `call(jaxpr, args)` binds the primitive with another program.

template <class Call>
JvpResult call_jvp(const Jaxpr& jaxpr, std::span<const Array> x, std::span<const Tangent> t, Call call) {
  const JvpJaxpr j = jvp_jaxpr(jaxpr, masks::nonzero(t), Mask(jaxpr.num_outputs(), false));
  const Arrays flat = call(j.jaxpr, joined(x, masks::nonzero_values(t)));
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
  Arrays args;
  for (std::size_t i = 0; i < x.size(); ++i) args.push_back(rules::mapped_to_front(x[i], axes[i]));
  const BatchedJaxpr j = batch_jaxpr(jaxpr, size, masks::mapped(axes), Mask(jaxpr.num_outputs(), false));
  return {call(j.jaxpr, args), masks::front_axes(j.mapped_out)};
}

/// `transposed(linear, nonzero)` is the program that pulls the nonzero cotangents back to the linear operands.
template <class Transposed, class Call>
Tangents call_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, Transposed transposed, Call call) {
  const TransposedJaxpr j = transposed(masks::linear(x), masks::nonzero(ct));
  const Arrays flat = call(j.jaxpr, joined(masks::known_values(x), masks::nonzero_values(ct)));
  Tangents out;
  std::size_t k = 0, i = 0;
  for (const LinearArg& a : x)
    out.push_back(a.is_linear() && j.nonzero_out[i++] ? Tangent(flat[k++]) : Tangent::zero(a.aval));
  return out;
}

}  // namespace tf2jax
