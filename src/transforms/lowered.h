// Compiling ahead of time: jit(f).lower(arguments or specs…).compile().
#pragma once
#include "tf2jax/transforms/function.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/make_jaxpr.h"

namespace tf2jax {

namespace detail {
/// Runs a program compiled ahead on leaves of its inputs' types; under a transform it is a call of the program.
/// Throws: TypeError naming the argument that differs.
Arrays run_compiled(const Jaxpr& jaxpr, const Executable& executable, const std::string& name, std::span<const Array> leaves);
}  // namespace detail

/// A program compiled for fixed argument types. Copies share it; calls from many threads at once are safe.
template <class F, class... A>
class Compiled {
 public:
  using Flat = detail::Flattened<F, A...>;
  Compiled(Jaxpr jaxpr, Flat flat, std::shared_ptr<const Executable> executable, std::string name)
      : jaxpr_(std::move(jaxpr)), flat_(std::move(flat)), executable_(std::move(executable)), name_(std::move(name)) {}

  /// Throws: TypeError when shapes or dtypes differ from those it was compiled for.
  auto operator()(const detail::Arg<A>&... args) const {
    return flat_.rebuild(detail::run_compiled(jaxpr_, *executable_, name_, tree::leaves_of(args...)));
  }
  /// The plan: fused loops, library calls, buffers.
  std::string explain() const { return executable_->explain(); }
  CostAnalysis cost() const { return executable_->cost(); }
  MemoryAnalysis memory() const { return executable_->memory(); }
  std::string as_text() const { return to_string(jaxpr_); }

 private:
  Jaxpr jaxpr_;
  Flat flat_;
  std::shared_ptr<const Executable> executable_;
  std::string name_;
};

/// A traced program, not compiled yet.
template <class F, class... A>
class Lowered {
 public:
  using Flat = detail::Flattened<F, A...>;
  Lowered(Jaxpr jaxpr, Flat flat, std::string name) : jaxpr_(std::move(jaxpr)), flat_(std::move(flat)), name_(std::move(name)) {}

  const Jaxpr& jaxpr() const { return jaxpr_; }
  /// The program as a jaxpr's text.
  std::string as_text() const { return to_string(jaxpr_); }
  Avals output_avals() const { return jaxpr_.output_avals(); }
  Compiled<F, A...> compile(const CompileOptions& options = {}) const {
    return {jaxpr_, flat_, default_backend().compile(jaxpr_, options), name_};
  }

 private:
  Jaxpr jaxpr_;
  Flat flat_;
  std::string name_;
};

namespace detail {
template <class F, class... A>
Lowered<F, A...> lower_typed(const F& f, const std::string& name, const A&... args) {
  auto [jaxpr, flat] = stage_typed(f, args...);
  return {std::move(jaxpr), std::move(flat), name};
}
}  // namespace detail

}  // namespace tf2jax
