// The program of a case: its text, the constants that the text does not carry, its inputs.
#pragma once
#include "golden.h"
#include "tf2jax/trace/jaxpr.h"

namespace conformance {

/// Reads a program of the case. Constants come from the exported module's text. Throws: Unsupported when they are
/// nowhere.
tf2jax::Jaxpr program_of(const json& c, const std::string& text);
/// Inputs in the dtypes and order of the program. Python scalars and weakly typed inputs are converted.
tf2jax::Arrays inputs_for(const tf2jax::Jaxpr& program, const tf2jax::Arrays& given);

}  // namespace conformance
