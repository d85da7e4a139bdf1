// Jaxpr: the intermediate representation, a list of primitive applications in single-assignment form.
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>
#include <typeinfo>
#include <vector>

#include "tf2jax/trace/array.h"
#include "tf2jax/trace/jaxpr_handle.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// An operand of an equation: a variable, or a literal (a concrete scalar).
struct Atom {
  VarId var = -1;
  Array literal;  // set when var < 0

  static Atom of(VarId v) { return {v, {}}; }
  static Atom of(Array value) { return {-1, std::move(value)}; }
  bool is_literal() const { return var < 0; }
};

struct Equation {
  Primitive primitive;
  EquationParams params;
  std::vector<Atom> inputs;
  std::vector<VarId> outputs;
  std::shared_ptr<const std::string> name_scope;  // where it came from; may be null
};

/// What a result is derived from a program by, such as the mask of inputs it is differentiated with respect to. Its
/// type says how it is derived, and `Result` what comes out.
template <class K>
concept MemoKey = std::equality_comparable<K> && requires { typename K::Result; };

/// Results derived from one program (its derivative, its executable, …), computed once and kept with it. Thread-safe.
class JaxprMemo {
 public:
  /// The result for `key`, computed by `make()` when absent. `make` may run twice under contention.
  template <MemoKey Key, class Make>
  std::shared_ptr<const typename Key::Result> get(const Key& key, Make&& make) {
    using Result = typename Key::Result;
    {
      const std::lock_guard lock(mutex_);
      if (auto found = find(key)) return found;
    }
    auto made = std::make_shared<const Result>(make());
    const std::lock_guard lock(mutex_);
    if (auto found = find(key)) return found;
    entries_.push_back({&typeid(Key), std::make_shared<const Key>(key), made});
    return made;
  }

 private:
  struct Entry {
    const std::type_info* type;
    std::shared_ptr<const void> key, result;
  };
  template <class Key>
  std::shared_ptr<const typename Key::Result> find(const Key& key) const {
    for (const Entry& e : entries_)
      if (*e.type == typeid(Key) && *static_cast<const Key*>(e.key.get()) == key)
        return std::static_pointer_cast<const typename Key::Result>(e.result);
    return nullptr;
  }
  std::mutex mutex_;
  std::vector<Entry> entries_;  // few
};

/// The contents of a Jaxpr. Every variable is defined once: by constvars, invars, or one equation.
struct JaxprData {
  Avals vars;                    // aval of each variable
  std::vector<VarId> constvars;  // bound to `consts`
  Arrays consts;
  std::vector<VarId> invars;
  std::vector<Equation> eqns;
  std::vector<Atom> outs;
  std::vector<VarId> named_unused;  // results that nothing uses and that print with a name all the same (read texts)
  std::shared_ptr<JaxprMemo> memo = std::make_shared<JaxprMemo>();
};

/// Applies the program to `args` under the current trace.
/// Throws: ShapeError or DtypeError when the arguments do not match its inputs.
Arrays eval_jaxpr(const Jaxpr& jaxpr, std::span<const Array> args);

/// Verifies that every variable is defined once before use and that avals agree with the primitives' rules, in
/// nested programs too. Throws: InternalError naming the equation.
void check_jaxpr(const Jaxpr& jaxpr);

/// True when some equation (nested ones included) has an effect.
bool has_effects(const Jaxpr& jaxpr);
bool is_effectful(const Equation& equation);

/// Programs found in the params of an equation.
inline std::vector<Jaxpr> nested_jaxprs(const EquationParams& params) { return params.programs(); }

/// Prints as JAX prints.
std::string to_string(const Jaxpr& jaxpr);
std::ostream& operator<<(std::ostream& os, const Jaxpr& jaxpr);

}  // namespace tf2jax
