// Public differentiation: jvp, linearize, vjp, grad, value_and_grad, jacobians, hessian.
#pragma once
#include "tf2jax/transforms/function.h"
#include "tf2jax/transforms/jvp.h"
#include "tf2jax/transforms/linearize.h"

namespace tf2jax {

namespace detail {
/// Throws TypeError unless the value is a real floating scalar.
void check_scalar_output(std::string_view where, const Arrays& out);
/// Throws TypeError naming an argument leaf that cannot be differentiated.
void check_differentiable(std::string_view where, const Arrays& leaves);
Tangents checked_tangents(const Arrays& primals, const Arrays& tangents);
Arrays tangents_or_zeros(const JvpResult& r);
/// Cotangents of the inputs for the first output's cotangent 1, the other outputs being auxiliary.
Arrays gradient_of_first(const Linearized& l);
/// One row per element: the identity matrix's rows in the shapes of `like`.
Array standard_basis(const Aval& like);
/// Forward (or reverse) Jacobian of a flat function of one array, as [out shape + in shape] per output.
Arrays jacobian_forward(const FlatFn& f, const Array& x);
/// Reverse Jacobian: per input leaf, [out shape + leaf shape] for the single output.
Arrays jacobian_reverse(const FlatFn& f, const Arrays& xs);

template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
}  // namespace detail

/// Values and directional derivatives: jvp(f, {x, y}, {dx, dy}) -> {f(x, y), df}. f takes Arrays, one per primal.
/// Throws: TypeError when a tangent does not match its primal.
template <class F>
auto jvp(const F& f, const Arrays& primals, const Arrays& tangents) {
  using Out = detail::Arg<std::remove_cvref_t<decltype(detail::apply_arrays(f, primals))>>;
  std::optional<Out> like;
  const FlatFn flat = [&](const Arrays& xs) {
    Out out = detail::apply_arrays(f, xs);
    Arrays leaves = tree::leaves(out);
    like = std::move(out);
    return leaves;
  };
  const JvpResult r = jvp_flat(flat, primals, detail::checked_tangents(primals, tangents));
  return std::pair<Out, Out>(tree::with_leaves(*like, r.primals),
                             tree::with_leaves(*like, detail::tangents_or_zeros(r)));
}
/// As above for arguments that are trees: jvp(f, std::tuple{model, x}, std::tuple{dmodel, dx}).
template <class F, class... A>
auto jvp(const F& f, const std::tuple<A...>& primals, const std::tuple<A...>& tangents) {
  const auto flat = std::apply([&](const auto&... a) { return detail::flatten(f, a...); }, primals);
  const Arrays p = tree::leaves(primals);
  const JvpResult r = jvp_flat(flat, p, detail::checked_tangents(p, tree::leaves(tangents)));
  return std::pair(flat.rebuild(r.primals), flat.rebuild(detail::tangents_or_zeros(r)));
}

/// f(args…) and its linear map at that point: {value, tangents… -> output tangent}.
template <class F, class... A>
auto linearize(const F& f, const A&... args) {
  const auto flat = detail::flatten(f, args...);
  auto l = std::make_shared<const Linearized>(linearize_flat(flat, tree::leaves_of(detail::Arg<A>(args)...)));
  auto out = flat.rebuild(l->outs);
  auto linear = [l, flat](const detail::Arg<A>&... tangents) {
    return flat.rebuild(apply_linearized(*l, tree::leaves_of(tangents...)));
  };
  return std::pair(std::move(out), std::move(linear));
}

/// f(args…) and its pullback: {value, cotangent -> tuple of argument cotangents}. Integer and bool arguments get
/// float0 zeros. The pullback may be called many times.
template <class F, class... A>
auto vjp(const F& f, const A&... args) {
  const auto flat = detail::flatten(f, args...);
  auto l = std::make_shared<const Linearized>(linearize_flat(flat, tree::leaves_of(detail::Arg<A>(args)...)));
  using Out = typename decltype(flat)::Out;
  Out out = flat.rebuild(l->outs);
  auto pullback = [l, like = flat.like](const Out& cotangent) {
    return tree::with_leaves(like, apply_pullback(*l, tree::leaves(cotangent)));
  };
  return std::pair<Out, decltype(pullback)>(std::move(out), std::move(pullback));
}

/// The function (args…) -> {value, gradient with respect to argument `Argnums` (default 0)}; several Argnums give a
/// tuple of gradients. f returns one real scalar, or std::pair{scalar, aux}: then value is that pair, and aux is not
/// differentiated.
/// Throws: TypeError when the output is not a real scalar or an argument leaf is not inexact.
template <std::size_t... Argnums, class F>
auto value_and_grad(F f) {
  return [f = std::move(f)]<class... A>(const A&... args)
    requires detail::Callable<F, A...>
  {
    if constexpr (sizeof...(Argnums) == 0) {
      return value_and_grad<0>(f)(args...);
    } else {
      using Out = detail::Result<F, A...>;
      std::tuple<detail::Arg<A>...> all(args...);
      auto chosen = std::tuple(std::get<Argnums>(all)...);
      std::optional<Out> last;
      const FlatFn flat = [&](const Arrays& xs) -> Arrays {
        auto inner = all;
        auto differentiated = tree::with_leaves(chosen, xs);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
          ((std::get<Argnums>(inner) = std::get<I>(differentiated)), ...);
        }(std::make_index_sequence<sizeof...(Argnums)>());
        Out out = std::apply([&](auto&... a) -> Out { return Out(std::invoke(f, std::as_const(a)...)); }, inner);
        Arrays leaves = tree::leaves(out);
        last = std::move(out);
        return leaves;
      };
      const Arrays primals = tree::leaves(chosen);
      detail::check_differentiable("grad", primals);
      const Linearized l = linearize_flat(flat, primals);
      if constexpr (detail::IsPair<Out>::value) {
        detail::check_scalar_output(
            "grad", {l.outs.begin(), l.outs.begin() + static_cast<std::ptrdiff_t>(tree::num_leaves(last->first))});
      } else {
        detail::check_scalar_output("grad", l.outs);
      }
      auto gradient = tree::with_leaves(chosen, detail::gradient_of_first(l));
      Out value = tree::with_leaves(*last, l.outs);
      if constexpr (sizeof...(Argnums) == 1) return std::pair(std::move(value), std::get<0>(std::move(gradient)));
      else return std::pair(std::move(value), std::move(gradient));
    }
  };
}

/// The gradient function of f: value_and_grad without the value ({gradient, aux} when f returns {scalar, aux}).
template <std::size_t... Argnums, class F>
auto grad(F f) {
  return [g = value_and_grad<Argnums...>(std::move(f))]<class... A>(const A&... args)
    requires detail::Callable<F, A...>
  {
    auto [value, gradient] = g(args...);
    if constexpr (detail::IsPair<decltype(value)>::value)
      return std::pair(std::move(gradient), std::move(value.second));
    else return gradient;
  };
}

/// The Jacobian by forward mode with respect to argument 0, an Array: [out shape + in shape] for each output leaf.
/// Best for few inputs. Differentiates under vmap, one basis vector per example.
template <class F>
auto jacfwd(F f) {
  return [f = std::move(f)]<class... Rest>(const Array& x, const Rest&... rest)
    requires detail::Callable<F, Array, Rest...>
  {
    const auto g = [&](const Array& v) { return std::invoke(f, v, rest...); };
    const auto flat = detail::flatten(g, x);
    detail::check_differentiable("jacfwd", {x});
    const Arrays columns = detail::jacobian_forward(flat, x);
    return flat.rebuild(columns);
  };
}
/// The Jacobian by reverse mode with respect to argument 0, any tree, of a function that returns one Array: in the
/// argument's structure, [out shape + leaf shape]. Best for few outputs.
template <class F>
auto jacrev(F f) {
  return [f = std::move(f)]<class X, class... Rest>(const X& x, const Rest&... rest) -> detail::Arg<X>
           requires detail::Callable<F, X, Rest...>
  {
    const detail::Arg<X> primal(x);
    const auto flat = detail::flatten([&](const detail::Arg<X>& v) { return std::invoke(f, v, rest...); }, primal);
    const Arrays leaves = tree::leaves(primal);
    detail::check_differentiable("jacrev", leaves);
    return tree::with_leaves(primal, detail::jacobian_reverse(flat, leaves));
  };
}
/// The matrix of second derivatives of a scalar function of one Array, [in shape + in shape]: forward over reverse.
template <class F>
auto hessian(F f) {
  return jacfwd(jacrev(std::move(f)));
}

}  // namespace tf2jax
