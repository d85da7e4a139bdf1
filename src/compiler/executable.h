// The compiled executable.
#pragma once
#include "tf2jax/compiler/program/program.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::compiler {

/// Whether plans are verified in full before code is made: in debug builds, and where the environment has
/// TF2JAX_VERIFY_PLANS=1, as in the tests (0 turns it off).
bool verifies_plans();

/// Compiles a program. Throws: UnexpectedTracerError when it captures tracers, MissingRule for a primitive without a
/// kernel, MissingCompiler when the code generator is not installed, InternalError with the program's text when its
/// plan does not hold.
std::shared_ptr<const Executable> make_executable(const Jaxpr& jaxpr, const CompileOptions& options);

}  // namespace tf2jax::compiler
