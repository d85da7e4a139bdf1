// From typed functions over trees to flat functions over arrays: the glue under every public transform.
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tf2jax/trace/staging.h"
#include "tf2jax/tree/tree.h"

namespace tf2jax {

/// Marks an argument that vmap does not map.
inline constexpr std::nullopt_t none = std::nullopt;

namespace detail {

/// The type an argument has inside a transform: a C++ scalar becomes an Array.
template <class T>
using Arg = std::conditional_t<Scalar<std::remove_cvref_t<T>>, Array, std::remove_cvref_t<T>>;

/// F takes these arguments; what transforms return is constrained by it, so that overloads and arity can be asked.
template <class F, class... A>
concept Callable = std::invocable<const F&, const Arg<A>&...>;

template <class F, class... A>
using Result = Arg<std::invoke_result_t<const F&, const Arg<A>&...>>;

/// A typed function seen as a flat one. `result` receives the structure of the last output, without values.
template <class F, class... A>
struct Flattened {
  using Out = Result<F, A...>;
  F function;
  std::tuple<Arg<A>...> like;
  std::shared_ptr<std::optional<Out>> result = std::make_shared<std::optional<Out>>();

  Arrays operator()(const Arrays& leaves) const {
    auto args = like;
    std::size_t i = 0;
    std::apply([&](auto&... a) { (tree::for_each_leaf(a, [&](Array& x) { x = leaves[i++]; }), ...); }, args);
    Out out = std::apply([&](auto&... a) -> Out { return Out(std::invoke(function, std::as_const(a)...)); }, args);
    Arrays flat = tree::leaves(out);
    tree::for_each_leaf(out, [](Array& x) { x = Array(); });
    *result = std::move(out);
    return flat;
  }
  Out rebuild(std::span<const Array> leaves) const { return tree::with_leaves(**result, leaves); }
};

template <class F, class... A>
Flattened<F, A...> flatten(const F& f, const A&... args) {
  return {f, std::tuple<Arg<A>...>(args...)};
}

/// Calls f with the elements of `args` as separate arguments; f takes 1 to 8 Arrays.
template <std::size_t N = 1, class F>
decltype(auto) apply_arrays(const F& f, const Arrays& args) {
  if constexpr (N > 8) {
    static_assert(N <= 8, "the function must be callable with 1 to 8 Arrays");
  } else if constexpr ([]<std::size_t... I>(std::index_sequence<I...>) {
                         return std::invocable<const F&, decltype((void(I), std::declval<const Array&>()))...>;
                       }(std::make_index_sequence<N>())) {
    check<TreeError>(args.size() == N, "function: the number of arguments is wrong. Got {}; expected {} arrays.",
                     args.size(), N);
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
      return f(args[I]...);
    }(std::make_index_sequence<N>());
  } else {
    return apply_arrays<N + 1>(f, args);
  }
}

}  // namespace detail
}  // namespace tf2jax
