// Whether operands fit the programs that an equation calls.
#pragma once
#include <string_view>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// Throws: TypeError unless there is one operand for each input of `program`, of its shape and dtype.
void check_operands(std::string_view where, std::string_view role, const Jaxpr& program,
                    std::span<const Aval> operands);
/// Throws: TypeError unless the results are these; weak types do not matter.
void check_results(std::string_view where, std::string_view role, const Jaxpr& program, std::span<const Aval> expected);

}  // namespace tf2jax
