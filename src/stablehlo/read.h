// Reading StableHLO: portable artifacts, MLIR bytecode, and MLIR text.
#pragma once
#include <string_view>

#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// The module in `bytes`: MLIR bytecode of version 0 to 6 that holds VHLO (what JAX and StableHLO's tools serialize) or
/// StableHLO itself, or MLIR text as `lower(f).as_text()` prints it. Which of them is told by the first bytes.
/// Throws: DataLossError with the section and offset for damaged bytecode; ParseError with line and column for texts;
/// NotImplementedError for bytecode versions that are not known, and for what no JAX program contains (several blocks,
/// nested modules).
Module read_module(std::string_view bytes);

/// The same for a text. Throws: ParseError, NotImplementedError.
Module parse_module(std::string_view text);

}  // namespace tf2jax::stablehlo
