// StagingTrace: records every operation into a Jaxpr.
#pragma once
#include <functional>
#include <memory>
#include <unordered_map>

#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

/// A function over flat lists of arrays: what every transform works on.
using FlatFn = std::function<Arrays(const Arrays&)>;

/// Grows a Jaxpr. Not thread-safe; belongs to one trace.
class JaxprBuilder {
 public:
  VarId add_var(const Aval& aval);
  VarId add_input(const Aval& aval);
  /// The atom of a value that is not a variable of this program: a literal for concrete scalars, else a constvar.
  Atom constant(const Array& value);
  void add(Equation equation) { data_.eqns.push_back(std::move(equation)); }
  const Aval& aval(VarId v) const { return data_.vars[v]; }
  /// Closes the program. Constants may be tracers of outer traces.
  Jaxpr finish(std::vector<Atom> outs);

 private:
  JaxprData data_;
  std::unordered_map<const void*, VarId> constants_;
};

/// Runs `f` on tracers of the given avals and returns the program it performs. Values captured from outer traces
/// become constants.
/// Throws: what `f` throws; UnexpectedTracerError when a tracer of an ended trace is used.
Jaxpr stage(const FlatFn& f, const Avals& inputs);

/// Moves constants that are tracers (or, with `all`, every constant) to the front of the inputs: the returned arrays
/// are the operands to pass there.
std::pair<Jaxpr, Arrays> hoist_constants(const Jaxpr& jaxpr, bool all_constants = false);

}  // namespace tf2jax
