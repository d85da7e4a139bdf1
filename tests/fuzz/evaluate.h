// The slow judge of compiled programs: op by op, loops in C++, nothing compiled.
#pragma once
#include <tf2jax/tf2jax.h>

#include <functional>

namespace tf2jax::fuzz {

/// Called with the results of each primitive; may replace them.
using Observer = std::function<void(const Primitive&, Arrays&)>;

/// Runs the program with the eager kernels alone. Calls are stepped into; scan, while and cond are loops and branches here.
Arrays evaluate(const Jaxpr& jaxpr, const Arrays& args, const Observer& observe = {});
/// Likewise, one equation.
Arrays evaluate(const Equation& equation, const Arrays& operands, const Observer& observe = {});

}  // namespace tf2jax::fuzz
