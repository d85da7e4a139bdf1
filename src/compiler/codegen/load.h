// The code generator, a module that is loaded when it is first needed.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::loops {

/// The process's code generator, loaded on first use. Throws: MissingCompiler when it is not there,
/// naming every place where it was sought.
CodeGenerator& code_generator();

}  // namespace tf2jax::loops
