// make_jaxpr and eval_shape: look at a function without running it.
#pragma once
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/function.h"

namespace tf2jax {

namespace detail {
template <class T>
auto from_spec(const T& x) {
  if constexpr (std::same_as<T, Aval>) return make_tracer<Tracer>(nullptr, x);
  else return Arg<T>(x);
}
template <class F, class... A>
std::pair<Jaxpr, Flattened<F, A...>> stage_typed(const F& f, const A&... args) {
  auto flat = flatten(f, args...);
  Avals avals;
  for (const Array& x : tree::leaves_of(args...)) avals.push_back(x.aval());
  Jaxpr jaxpr = stage(flat, avals);
  return {std::move(jaxpr), std::move(flat)};
}
}  // namespace detail

/// The function (arguments or specs…) -> Jaxpr of f for them: make_jaxpr(f)(spec(f32, {3})). No data is touched.
template <class F>
auto make_jaxpr(F f) {
  return [f = std::move(f)]<class... A>(const A&... args) -> Jaxpr {
    return detail::stage_typed(f, detail::from_spec(args)...).first;
  };
}

/// Output avals of f for arguments or specs, in leaf order. No data is touched.
template <class F, class... A>
Avals eval_shape(const F& f, const A&... args) {
  return detail::stage_typed(f, detail::from_spec(args)...).first.output_avals();
}

}  // namespace tf2jax
