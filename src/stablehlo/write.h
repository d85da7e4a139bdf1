// Writing StableHLO: portable artifacts that JAX and StableHLO's tools read.
#pragma once
#include <string>

#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// Where an artifact may be read: by this version of StableHLO and later ones.
inline constexpr const char* kDefaultTarget = "1.5.0";

/// The module as a portable artifact (MLIR bytecode of VHLO) for a version of StableHLO, "0.9.0" to "1.20.0". The same
/// module gives the same bytes.
/// Throws: ValueError for a version that is not known; NotImplementedError for an operation that the version lacks, or
/// an attribute that has no portable form.
std::string write_module(const Module& module, const std::string& target = kDefaultTarget);

/// The module as MLIR text, as JAX's `lower(…).as_text()` prints modules; parse_module reads it. A text that was read
/// is printed the same again. Throws: NotImplementedError for an attribute that has no text.
std::string print_module(const Module& module);

}  // namespace tf2jax::stablehlo
