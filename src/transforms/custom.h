// Public custom derivatives and checkpoint.
#pragma once
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/function.h"

namespace tf2jax {

/// A function with its own forward-mode rule; see custom_jvp.
template <class F, class Rule>
class CustomJvp {
 public:
  CustomJvp(F f, Rule rule, std::string name) : f_(std::move(f)), rule_(std::move(rule)), name_(std::move(name)) {}
  template <class... A>
    requires detail::Callable<F, A...>
  auto operator()(const A&... args) const {
    const auto flat = detail::flatten(f_, args...);
    using Out = typename decltype(flat)::Out;
    auto rule = std::make_shared<const JvpRule>(
        [rule = rule_, like = flat.like](const Arrays& primals, const Arrays& tangents) {
          const std::pair<Out, Out> r = rule(tree::with_leaves(like, primals), tree::with_leaves(like, tangents));
          return tree::leaves_of(r.first, r.second);
        });
    const Arrays leaves = tree::leaves_of(detail::Arg<A>(args)...);
    return flat.rebuild(custom_jvp_flat(name_, flat, std::move(rule), leaves));
  }

 private:
  F f_;
  Rule rule_;
  std::string name_;
};

template <class F>
class CustomJvpBuilder {
 public:
  CustomJvpBuilder(F f, std::string name) : f_(std::move(f)), name_(std::move(name)) {}
  /// `rule(tuple of primals, tuple of tangents)` returns std::pair{output, output tangent}; the tangent must be linear
  /// in the input tangents. Integer arguments have float0 tangents.
  template <class Rule>
  CustomJvp<F, Rule> defjvp(Rule rule) const {
    return {f_, std::move(rule), name_};
  }

 private:
  F f_;
  std::string name_;
};

/// f with a derivative rule of its own for both modes: custom_jvp(f).defjvp(rule). Values the function captures are not
/// differentiated.
template <class F>
CustomJvpBuilder<F> custom_jvp(F f, std::string name = "custom_jvp") {
  return {std::move(f), std::move(name)};
}

/// f with a reverse-mode rule of its own. fwd(args…) returns std::pair{output, residuals}; bwd(residuals, cotangent)
/// returns a tuple of argument cotangents (for one argument, its cotangent alone is also accepted). Forward mode throws
/// TypeError.
template <class F, class Fwd, class Bwd>
auto custom_vjp(F f, Fwd fwd, Bwd bwd, std::string name = "custom_vjp") {
  return [f = std::move(f), fwd = std::move(fwd), bwd = std::move(bwd),
          name = std::move(name)]<class... A>(const A&... args)
    requires detail::Callable<F, A...>
  {
    const auto flat = detail::flatten(f, args...);
    using Out = typename decltype(flat)::Out;
    using Pair = std::remove_cvref_t<std::invoke_result_t<const Fwd&, const detail::Arg<A>&...>>;
    using Residuals = std::remove_cvref_t<decltype(std::declval<Pair>().second)>;
    // The residuals' structure is known once fwd has run; the backward rule runs later.
    auto residuals = std::make_shared<std::optional<Residuals>>();
    auto output = std::make_shared<std::optional<Out>>();
    auto forward = std::make_shared<const FwdRule>([fwd, like = flat.like, residuals, output](const Arrays& primals) {
      Pair r = std::apply(fwd, tree::with_leaves(like, primals));
      Out out(r.first);
      Arrays leaves = tree::leaves_of(out, r.second);
      tree::for_each_leaf(r.second, [](Array& x) { x = Array(); });
      tree::for_each_leaf(out, [](Array& x) { x = Array(); });
      *residuals = std::move(r.second);
      *output = std::move(out);
      return leaves;
    });
    auto backward = std::make_shared<const BwdRule>(
        [bwd, like = flat.like, residuals, output](const Arrays& saved, const Arrays& cotangents) {
          const auto out = bwd(tree::with_leaves(**residuals, saved), tree::with_leaves(**output, cotangents));
          return tree::leaves(out);
        });
    const Arrays leaves = tree::leaves_of(detail::Arg<A>(args)...);
    return flat.rebuild(custom_vjp_flat(name, flat, std::move(forward), std::move(backward), leaves));
  };
}

/// f whose intermediate values are recomputed in the backward pass instead of stored.
template <class F>
auto checkpoint(F f) {
  return [f = std::move(f)]<class... A>(const A&... args)
    requires detail::Callable<F, A...>
  {
    const auto flat = detail::flatten(f, args...);
    const Arrays leaves = tree::leaves_of(detail::Arg<A>(args)...);
    return flat.rebuild(checkpoint_flat(flat, leaves));
  };
}

}  // namespace tf2jax
