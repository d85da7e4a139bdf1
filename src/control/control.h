// Public control flow over trees: cond, switch_case, while_loop, fori_loop, scan.
#pragma once
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/transforms/function.h"

namespace tf2jax {

/// `on_true(operands…)` where the scalar predicate holds, else `on_false(operands…)`. Both are traced and must return
/// the same types; one runs. Under vmap with a mapped predicate both run and the results are selected.
/// Throws: TypeError for a non-scalar predicate or differing branch types.
template <class T, class F, class... A>
auto cond(const Array& predicate, const T& on_true, const F& on_false, const A&... operands) {
  const auto yes = detail::flatten(on_true, operands...);
  const auto no = detail::flatten(on_false, operands...);
  const Arrays leaves = tree::leaves_of(detail::Arg<A>(operands)...);
  const Arrays out = cond_flat(predicate, yes, no, leaves);
  return *yes.result ? yes.rebuild(out) : no.rebuild(out);
}

/// branches[index](operands…), the index clamped into range.
template <class F, class... A>
auto switch_case(const Array& index, const std::vector<F>& branches, const A&... operands) {
  using Flat = decltype(detail::flatten(branches[0], operands...));
  std::vector<Flat> flat;
  std::vector<FlatFn> functions;
  for (const F& b : branches) {
    flat.push_back(detail::flatten(b, operands...));
    functions.emplace_back(flat.back());
  }
  const Arrays leaves = tree::leaves_of(detail::Arg<A>(operands)...);
  const Arrays out = switch_flat(index, functions, leaves);
  for (const Flat& f : flat)
    if (*f.result) return f.rebuild(out);
  return flat[0].rebuild(out);
}

/// Repeats carry = body(carry) while condition(carry), a boolean scalar, holds. Differentiable in forward mode; reverse
/// mode throws ValueError.
/// Throws: TypeError when the body changes the carry's types.
template <class C, class B, class T>
auto while_loop(const C& condition, const B& body, const T& init) {
  const detail::Arg<T> start(init);
  const auto test = detail::flatten(condition, start);
  const auto step = detail::flatten(body, start);
  return tree::with_leaves(start, while_flat(test, step, tree::leaves(start)));
}

/// Runs body(i, carry) for i in [lower, upper). With bounds known now it is a scan, differentiable in both modes.
template <class B, class T>
auto fori_loop(std::int64_t lower, std::int64_t upper, const B& body, const T& init) {
  const detail::Arg<T> start(init);
  Arrays initial{astype(Array(lower), canonical_dtype(DType::i64))};
  for (const Array& x : tree::leaves(start)) initial.push_back(x);
  const FlatFn step = [&](const Arrays& xs) {
    const Arrays carry(xs.begin() + 1, xs.end());
    Arrays out{xs[0] + 1};
    const detail::Arg<T> next(std::invoke(body, xs[0], tree::with_leaves(start, carry)));
    for (const Array& x : tree::leaves(next)) out.push_back(x);
    return out;
  };
  const Arrays out = scan_flat(step, initial, {}, std::max<std::int64_t>(upper - lower, 0));
  return tree::with_leaves(start, std::span(out).subspan(1));
}
/// With traced bounds: a while loop.
template <class B, class T>
auto fori_loop(const Array& lower, const Array& upper, const B& body, const T& init) {
  const detail::Arg<T> start(init);
  const auto out =
      while_loop([](const std::tuple<Array, Array, detail::Arg<T>>& s) { return less(std::get<0>(s), std::get<1>(s)); },
                 [&](const std::tuple<Array, Array, detail::Arg<T>>& s) {
                   const auto& [i, end, carry] = s;
                   detail::Arg<T> next(std::invoke(body, i, carry));
                   return std::tuple<Array, Array, detail::Arg<T>>(i + 1, end, std::move(next));
                 },
                 std::tuple<Array, Array, detail::Arg<T>>(astype(lower, canonical_dtype(DType::i64)),
                                                          astype(upper, canonical_dtype(DType::i64)), start));
  return std::get<2>(out);
}

struct ScanOptions {
  std::optional<std::int64_t> length = {};  ///< Steps; needed when xs has no leaves.
  bool reverse = false;                     ///< From the last slice to the first.
  std::int64_t unroll = 1;
};
/// Carries `init` through body(carry, x) -> std::pair{carry, y} over the leading axis of the leaves of xs.
/// Returns {last carry, stacked ys}. Differentiable in both modes.
/// Throws: TypeError naming the leaf when the carry changes type; ValueError when leading sizes differ.
template <class B, class C, class X>
auto scan(const B& body, const C& init, const X& xs, const ScanOptions& options = {}) {
  const detail::Arg<C> start(init);
  using Pair = std::remove_cvref_t<std::invoke_result_t<const B&, const detail::Arg<C>&, const X&>>;
  using Y = detail::Arg<std::remove_cvref_t<decltype(std::declval<Pair>().second)>>;
  std::optional<Y> like;
  const std::size_t n = tree::num_leaves(start);
  const FlatFn flat = [&](const Arrays& leaves) {
    const auto carry = tree::with_leaves(start, std::span(leaves).first(n));
    const auto x = tree::with_leaves(xs, std::span(leaves).subspan(n));
    auto [next, y] = std::invoke(body, carry, x);
    const detail::Arg<C> converted(next);
    Y out(y);
    Arrays flat_out = tree::leaves_of(converted, out);
    tree::for_each_leaf(out, [](Array& a) { a = Array(); });
    like = std::move(out);
    return flat_out;
  };
  const Arrays out =
      scan_flat(flat, tree::leaves(start), tree::leaves(xs), options.length, options.reverse, options.unroll);
  return std::pair<detail::Arg<C>, Y>(tree::with_leaves(start, std::span(out).first(n)),
                                      tree::with_leaves(*like, std::span(out).subspan(n)));
}

}  // namespace tf2jax
