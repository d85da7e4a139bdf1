// From a program to a StableHLO module.
#pragma once
#include <map>
#include <string>

#include "tf2jax/stablehlo/module.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::stablehlo {

/// A module whose `main` is the program: calls are functions, control flow has regions, and what StableHLO has no
/// operation for is written out in operations it has.
/// Typed keys are their words, u32 with one axis of 2 more. Functions that StableHLO lacks (lgamma, igamma, …) are
/// composites, which carry what they are made of: a reader that knows the name has the primitive again.
/// Symbolic sizes are read from the arguments; what the shapes promise are shape assertions.
/// Throws: NotImplementedError that lists every primitive that cannot be written; ValueError when a constant is traced,
/// or sizes of the inputs do not tell a dimension variable.
Module from_jaxpr(const Jaxpr& program, const std::string& name = "jit_main");

/// Puts the number of the platform before the inputs of `main`, as modules for several platforms take it.
/// Throws: LookupError when there is no `main`.
void add_platform_index(Module& module);

/// Primitives of the program, nested ones included, that cannot be written, with how often they are there.
std::map<std::string, int> unwritable_primitives(const Jaxpr& program);

}  // namespace tf2jax::stablehlo
