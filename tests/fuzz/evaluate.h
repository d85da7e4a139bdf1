// The slow judge of compiled programs: op by op, loops in C++, nothing compiled.
#pragma once
#include <tf2jax/tf2jax.h>

#include <functional>
#include <optional>

namespace tf2jax::fuzz {

/// Called with the operands and results of each primitive; may replace the results.
using Observer = std::function<void(const Primitive&, const Arrays& operands, Arrays& results)>;

/// Runs the program with the eager kernels alone. Calls are stepped into; scan, while and cond are loops and branches
/// here.
Arrays evaluate(const Jaxpr& jaxpr, const Arrays& args, const Observer& observe = {});
/// Likewise, one equation.
Arrays evaluate(const Equation& equation, const Arrays& operands, const Observer& observe = {});

/// What gives the results of an equation on operands.
using EquationFn = std::function<Arrays(const Equation&, const Arrays&)>;
/// The values of all variables of a program, equation by equation.
Arrays values_of(const Jaxpr& program, const Arrays& args, const EquationFn& results);
/// The outputs among the values of all variables.
Arrays outputs_of(const Jaxpr& program, const Arrays& values);
/// What an equation calls, if it is a mere call.
std::optional<Jaxpr> called_program(const Equation& equation);

}  // namespace tf2jax::fuzz
