// parse_jaxpr: reads the text of a Jaxpr, ours or JAX's.
#pragma once
#include <string_view>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// The program that `text` prints. Reads shared programs (`let name = { … } in`), nested ones, and binders with or
/// without types. Constvars (`{ lambda a:f32[3]; … }`) carry no values in text: their constants are zeros unless
/// `consts` gives them.
/// Throws: ParseError with line and column; NotImplementedError naming a primitive that is not registered.
Jaxpr parse_jaxpr(std::string_view text, Arrays consts = {});

}  // namespace tf2jax
