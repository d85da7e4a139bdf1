// jit: trace once per argument signature, compile, and run the executable.
#pragma once
#include <mutex>
#include <shared_mutex>

#include "tf2jax/base/config.h"
#include "tf2jax/transforms/function.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/lowered.h"

namespace tf2jax {

struct JitOptions {
  std::string name = "jit";       ///< Printed in jaxprs.
  std::size_t max_entries = 256;  ///< Signatures kept; the oldest go first.
  bool interpret_first = false;   ///< First calls run op by op while another thread compiles.
};

namespace detail {
/// What does not depend on the function's types: one compiled signature.
struct JitEntry {
  Avals avals;
  std::string structure;
  Config config;
  Jaxpr jaxpr;
  std::shared_ptr<const Executable> executable;   // null when the program captures outer tracers
};
bool matches(const JitEntry& entry, std::span<const Array> leaves, std::string_view structure);
/// Traces; `cacheable` is false when tracers of an outer transform were captured.
JitEntry trace_entry(const FlatFn& f, const JitOptions& options, std::span<const Array> leaves, std::string structure, bool& cacheable);
bool all_concrete(std::span<const Array> leaves);
/// Runs an entry on concrete or traced leaves.
Arrays run_entry(const JitEntry& entry, const std::string& name, std::span<const Array> leaves);
}  // namespace detail

/// A function compiled by jit. Owns its cache; copies share it. Safe to call from many threads at once: tracing happens
/// outside the lock.
/// The key: dtype, shape and weak type of every leaf, tree structure, static fields, configuration. Arrays that f
/// captures are constants of the program; a captured tracer of an enclosing transform is passed as an operand.
template <class F>
class Jitted {
 public:
  explicit Jitted(F f, JitOptions options) : state_(std::make_shared<State>(std::move(f), std::move(options))) {}

  template <class... A>
    requires detail::Callable<F, A...>
  auto operator()(const A&... args) const {
    using Out = detail::Result<F, A...>;
    if (config().disable_jit) return Out(std::invoke(state_->function, detail::Arg<A>(args)...));
    Arrays leaves;
    std::string structure;
    const auto add = [&](const auto& a) {
      tree::for_each_leaf(a, [&](const Array& x) { leaves.push_back(x); });
      tree::append_structure(structure, a);
    };
    (add(static_cast<const detail::Arg<A>&>(as_arg(args))), ...);
    using Signature = std::tuple<detail::Arg<A>...>;
    std::shared_ptr<const Entry> entry = find(leaves, structure, typeid(Signature));
    if (!entry) entry = make<Out>(leaves, std::move(structure), args...);
    return tree::with_leaves(*std::static_pointer_cast<const Out>(entry->like), detail::run_entry(entry->compiled, state_->options.name, leaves));
  }

  /// The program for arguments like these (values or specs are not run).
  template <class... A>
  Jaxpr jaxpr(const A&... args) const {
    const auto flat = detail::flatten(state_->function, args...);
    Avals avals;
    for (const Array& x : tree::leaves_of(detail::Arg<A>(args)...)) avals.push_back(x.aval());
    return stage(flat, avals);
  }
  /// Traces for arguments or specs without running: jit(f).lower(spec(f32, {128, 784})).compile().
  template <class... A>
  auto lower(const A&... args) const {
    return detail::lower_typed(state_->function, state_->options.name, detail::from_spec(args)...);
  }
  /// How many signatures are compiled now.
  std::size_t cache_size() const {
    const std::shared_lock lock(state_->mutex);
    return state_->entries.size();
  }
  void clear_cache() const {
    const std::unique_lock lock(state_->mutex);
    state_->entries.clear();
  }

 private:
  struct Entry {
    detail::JitEntry compiled;
    std::shared_ptr<const void> like;   // the output's structure
    const std::type_info* signature;
  };
  struct State {
    State(F f, JitOptions o) : function(std::move(f)), options(std::move(o)) {}
    const F function;
    const JitOptions options;
    mutable std::shared_mutex mutex;
    std::vector<std::shared_ptr<const Entry>> entries;   // newest first
  };

  template <class T>
  static decltype(auto) as_arg(const T& x) {
    if constexpr (Scalar<T>) return Array(x);
    else return (x);
  }
  std::shared_ptr<const Entry> find(std::span<const Array> leaves, std::string_view structure, const std::type_info& signature) const {
    const std::shared_lock lock(state_->mutex);
    for (const auto& e : state_->entries)
      if (*e->signature == signature && detail::matches(e->compiled, leaves, structure)) return e;
    return nullptr;
  }
  template <class Out, class... A>
  std::shared_ptr<const Entry> make(const Arrays& leaves, std::string structure, const A&... args) const {
    const auto flat = detail::flatten(state_->function, args...);
    bool cacheable = true;
    auto entry = std::make_shared<Entry>();
    entry->compiled = detail::trace_entry(flat, state_->options, leaves, std::move(structure), cacheable);
    entry->like = std::make_shared<const Out>(std::move(**flat.result));
    entry->signature = &typeid(std::tuple<detail::Arg<A>...>);
    if (cacheable) {
      const std::unique_lock lock(state_->mutex);
      state_->entries.insert(state_->entries.begin(), entry);
      if (state_->entries.size() > state_->options.max_entries) state_->entries.pop_back();
    }
    return entry;
  }

  std::shared_ptr<State> state_;
};

/// Compiles f: each new argument signature is traced once, later calls run the compiled program. Works inside every
/// other transform and they inside it.
template <class F>
Jitted<F> jit(F f, JitOptions options = {}) {
  return Jitted<F>(std::move(f), std::move(options));
}

}  // namespace tf2jax
