// Programs that were exported as StableHLO, as functions of the arguments that were exported with them.
#pragma once
#include "golden.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

/// Reads the module of an object with a `module`, or with `from_text` the text of it. Throws: Unsupported without one.
tf2jax::stablehlo::Module module_of(const Golden& golden, const json& exported, bool from_text = false);
/// Functions that modules write out as arithmetic and loops: their derivative rules are not in the module, and the
/// derivatives of what is written are other ones, such as none in reverse mode.
bool has_lost_rules(const json& c);
/// A module does not say that reads outside were promised not to happen: they are moved inside, and so is their
/// derivative.
bool promises_bounds(const json& c);
/// The program of an exported function for arguments of these types: those that it does not use are inputs too. Typed
/// keys go in and come out as the data they are made of.
tf2jax::Jaxpr program_of_module(const Golden& golden, const json& exported, const tf2jax::Avals& inputs,
                                bool from_text = false);

/// The program written as an artifact and read again. Throws: what writing and reading throw, and an Error when writing
/// it again gives other bytes.
tf2jax::Jaxpr rewritten(const tf2jax::Jaxpr& program);
/// Leaves the program as an artifact in `folder`, with a file of its inputs and of our results, for others to run.
void write_artifact(const tf2jax::Jaxpr& program, const tf2jax::Arrays& inputs, const std::string& name,
                    const std::string& folder);

}  // namespace conformance
