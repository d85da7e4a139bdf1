// The executables of programs.
#pragma once
#include <memory>

#include "tf2jax/trace/backend.h"

namespace tf2jax {

/// The executable of a program, compiled by the default backend once and kept: with the program, or, compiled with
/// other options, for equal programs. Under `Config::interpret` or `disable_jit` it is interpreted. Tracer constants
/// are not allowed.
std::shared_ptr<const Executable> compiled(const Jaxpr& jaxpr, const CompileOptions& options = {});

/// An executable at once: it runs through the interpreter until the compiled one, made on another thread, is ready.
/// When compiling fails, later runs throw what it threw. Destroying it waits for the compiler.
std::shared_ptr<const Executable> compile_in_background(const Jaxpr& jaxpr, const CompileOptions& options);

}  // namespace tf2jax
