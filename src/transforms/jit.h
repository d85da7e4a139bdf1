// jit: trace once per argument signature, compile, and run the executable.
#pragma once
#include "tf2jax/base/config.h"
#include "tf2jax/base/snapshot_list.h"
#include "tf2jax/transforms/function.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/lowered.h"

namespace tf2jax {

struct JitOptions {
  std::string name = "jit";       ///< Printed in jaxprs.
  std::size_t max_entries = 256;  ///< Signatures kept; the oldest go first.
  bool interpret_first = false;   ///< First calls run op by op while another thread compiles.
  /// Subnormal numbers are taken for zero, which some processors compute with much faster. What is folded into
  /// constants beforehand keeps them; under a transform the outermost jit decides.
  bool flush_subnormals = false;
  /// Arguments whose arrays the call deletes, so that results take their memory; negative numbers count from the end.
  /// Memory is reused for results of the same shape and dtype where nobody else holds the array; what cannot be used at
  /// all is a warning. Under a transform nothing is donated.
  std::vector<int> donate_argnums = {};
};

namespace detail {
/// What does not depend on the function's types: one compiled signature.
struct JitEntry {
  Avals avals;
  std::string structure;
  Config config;
  Jaxpr jaxpr;
  std::shared_ptr<const Executable> executable;  // null when the program captures outer tracers
  std::vector<std::int32_t> donated;             // leaves
};
bool matches(const JitEntry& entry, std::span<const Array> leaves, std::string_view structure);
/// Traces; `cacheable` is false when tracers of an outer transform were captured.
/// Throws: ValueError for donate_argnums that are not there.
JitEntry trace_entry(const FlatFn& f, const JitOptions& options, std::span<const Array> leaves,
                     std::span<const std::size_t> leaves_per_argument, std::string structure, bool& cacheable);
/// How a program is compiled by jit.
CompileOptions compile_options(const JitOptions& options, std::span<const std::size_t> leaves_per_argument);
bool all_concrete(std::span<const Array> leaves);
/// Runs an entry on concrete or traced leaves.
Arrays run_entry(const JitEntry& entry, const std::string& name, std::span<const Array> leaves);
/// Likewise, deleting donated leaves unless something is traced.
Arrays run_donating(const JitEntry& entry, const std::string& name, Arrays leaves, std::span<Array* const> handles);
}  // namespace detail

/// A function compiled by jit. Owns its cache; copies share it. Safe to call from many threads at once: nothing is
/// locked while one traces, compiles or looks an entry up, and threads that meet a new signature together compile it
/// once. The key: dtype, shape and weak type of every leaf, tree structure, static fields, configuration. Arrays that f
/// captures are constants of the program; a captured tracer of an enclosing transform is passed as an operand.
template <class F>
class Jitted {
 public:
  explicit Jitted(F f, JitOptions options) : state_(std::make_shared<State>(std::move(f), std::move(options))) {}

  /// Throws: what f throws when it is traced; for donated arguments also ValueError when an array is donated and passed
  /// once more, DeletedArrayError when it was donated before.
  template <class... A>
    requires detail::Callable<F, A...>
  auto operator()(A&&... args) const {
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
    const Out& like = *static_cast<const Out*>(entry->like.get());
    if (!entry->compiled.donated.empty())
      return tree::with_leaves(like, detail::run_donating(entry->compiled, state_->options.name, std::move(leaves),
                                                          detail::handles_of(args...)));
    return tree::with_leaves(like, detail::run_entry(entry->compiled, state_->options.name, leaves));
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
    const std::size_t counts[] = {tree::num_leaves(detail::from_spec(args))..., 0};
    return detail::lower_typed(state_->function, state_->options.name,
                               detail::compile_options(state_->options, std::span(counts, sizeof...(A))),
                               detail::from_spec(args)...);
  }
  /// How many signatures are compiled now.
  std::size_t cache_size() const { return state_->entries.items()->size(); }
  void clear_cache() const { state_->entries.clear(); }

 private:
  struct Entry {
    detail::JitEntry compiled;
    std::shared_ptr<const void> like;  // the output's structure
    const std::type_info* signature;
  };
  struct State {
    State(F f, JitOptions o) : function(std::move(f)), options(std::move(o)) {}
    const F function;
    const JitOptions options;
    detail::SnapshotList<Entry> entries;
  };

  template <class T>
  static decltype(auto) as_arg(const T& x) {
    if constexpr (Scalar<T>) return Array(x);
    else return (x);
  }
  std::shared_ptr<const Entry> find(std::span<const Array> leaves, std::string_view structure,
                                    const std::type_info& signature) const {
    return state_->entries.find(
        [&](const Entry& e) { return *e.signature == signature && detail::matches(e.compiled, leaves, structure); });
  }
  template <class Out, class... A>
  std::shared_ptr<const Entry> make(const Arrays& leaves, std::string structure, const A&... args) const {
    const auto flat = detail::flatten(state_->function, args...);
    bool cacheable = true;
    auto entry = std::make_shared<Entry>();
    const std::size_t counts[] = {tree::num_leaves(static_cast<const detail::Arg<A>&>(as_arg(args)))..., 0};
    entry->compiled = detail::trace_entry(flat, state_->options, leaves, std::span(counts, sizeof...(A)),
                                          std::move(structure), cacheable);
    entry->like = std::make_shared<const Out>(std::move(**flat.result));
    entry->signature = &typeid(std::tuple<detail::Arg<A>...>);
    if (!cacheable) return entry;
    const auto same = [&](const Entry& e) {
      return *e.signature == *entry->signature && detail::matches(e.compiled, leaves, entry->compiled.structure);
    };
    return state_->entries.add(entry, state_->options.max_entries, same);
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
