// Compiling ahead of time: jit(f).lower(arguments or specs…).compile().
#pragma once
#include "tf2jax/transforms/donation.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/make_jaxpr.h"

namespace tf2jax {

namespace detail {
/// Runs a program compiled ahead on leaves of its inputs' types; under a transform it is a call of the program.
/// Throws: TypeError naming the argument that differs.
Arrays run_compiled(const Jaxpr& jaxpr, const Executable& executable, const std::string& name,
                    std::span<const std::int32_t> donated, Arrays leaves, std::span<Array* const> handles);
/// The text of a program in a dialect; defined where StableHLO is written, on a floor above.
std::string program_text(const Jaxpr& jaxpr, const std::string& name, std::string_view dialect);
}  // namespace detail

/// A program compiled for fixed argument types. Copies share it; calls from many threads at once are safe.
template <class F, class... A>
class Compiled {
 public:
  using Flat = detail::Flattened<F, A...>;
  Compiled(Jaxpr jaxpr, Flat flat, std::shared_ptr<const Executable> executable, std::string name,
           std::vector<std::int32_t> donated)
      : jaxpr_(std::move(jaxpr)),
        flat_(std::move(flat)),
        executable_(std::move(executable)),
        name_(std::move(name)),
        donated_(std::move(donated)) {}

  /// Throws: TypeError when shapes or dtypes differ from those it was compiled for; for donated arguments as jit.
  auto operator()(const detail::Arg<A>&... args) const { return call(args...); }
  auto operator()(detail::Arg<A>&... args) const
    requires(sizeof...(A) > 0)
  {
    return call(args...);
  }
  /// The plan: fused loops, library calls, buffers.
  std::string explain() const { return executable_->explain(); }
  CostAnalysis cost() const { return executable_->cost(); }
  MemoryAnalysis memory() const { return executable_->memory(); }
  std::string as_text() const { return to_string(jaxpr_); }

 private:
  template <class... T>
  auto call(T&... args) const {
    const std::vector<Array*> handles = donated_.empty() ? std::vector<Array*>() : detail::handles_of(args...);
    return flat_.rebuild(
        detail::run_compiled(jaxpr_, *executable_, name_, donated_, tree::leaves_of(args...), handles));
  }

  Jaxpr jaxpr_;
  Flat flat_;
  std::shared_ptr<const Executable> executable_;
  std::string name_;
  std::vector<std::int32_t> donated_;
};

/// A traced program, not compiled yet.
template <class F, class... A>
class Lowered {
 public:
  using Flat = detail::Flattened<F, A...>;
  Lowered(Jaxpr jaxpr, Flat flat, std::string name, CompileOptions options)
      : jaxpr_(std::move(jaxpr)), flat_(std::move(flat)), name_(std::move(name)), options_(std::move(options)) {}

  const Jaxpr& jaxpr() const { return jaxpr_; }
  /// The program as a text: "jaxpr", or "stablehlo", the module that StableHLO's tools and JAX read.
  /// Throws: ValueError for another dialect; NotImplementedError for what StableHLO cannot say.
  std::string as_text(std::string_view dialect = "jaxpr") const { return detail::program_text(jaxpr_, name_, dialect); }
  Avals output_avals() const { return jaxpr_.output_avals(); }
  /// What jit was told about donation and subnormals holds here too.
  Compiled<F, A...> compile(CompileOptions options = {}) const {
    options.donated = options_.donated;
    options.flush_subnormals |= options_.flush_subnormals;
    return {jaxpr_, flat_, default_backend().compile(jaxpr_, options), name_, options_.donated};
  }

 private:
  Jaxpr jaxpr_;
  Flat flat_;
  std::string name_;
  CompileOptions options_;
};

namespace detail {
template <class F, class... A>
Lowered<F, A...> lower_typed(const F& f, const std::string& name, const CompileOptions& options, const A&... args) {
  auto [jaxpr, flat] = stage_typed(f, args...);
  warn_of_unusable(jaxpr, options.donated, name);
  return {std::move(jaxpr), std::move(flat), name, options};
}
}  // namespace detail

}  // namespace tf2jax
