// The compiled executable.
#pragma once
#include "tf2jax/backends/llvm/program.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::compiler {

/// Compiles a program. Throws: UnexpectedTracerError when it captures tracers, MissingRule for a primitive without a
/// kernel, MissingCompiler when the code generator is not installed.
std::shared_ptr<const Executable> make_executable(const Jaxpr& jaxpr, const CompileOptions& options);

}  // namespace tf2jax::compiler
