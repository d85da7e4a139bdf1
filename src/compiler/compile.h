// From a jaxpr to a program that runs.
#pragma once
#include "tf2jax/compiler/program/program.h"

namespace tf2jax::compiler {

struct ProgramOptions {
  bool check_bounds = false;
  bool simulate = false;       // no code is made: loops are run statement by statement
  bool verify = false;         // the plan is checked in full before code is made
  bool bounded_loops = false;  // loops count their steps
  std::string cache_directory;
  std::size_t steady_inputs = 0;  // the first ones; they change only before `prepare`
  std::vector<SharedMemory> may_share;
};

/// Compiles a program whose sizes are concrete.
std::shared_ptr<const Program> compile_program(const Jaxpr& jaxpr, const ProgramOptions& options);

}  // namespace tf2jax::compiler
