// ProgramCache: executables of equal programs, so that a loop or a function traced again is not compiled again.
#pragma once
#include <list>
#include <memory>
#include <mutex>

#include "tf2jax/trace/backend.h"

namespace tf2jax {

/// The most recently used executables by the structure of their programs and the options. Programs that hold large constants are not
/// kept. Thread-safe; compiling happens outside the lock, so that two threads may compile the same program.
class ProgramCache {
 public:
  explicit ProgramCache(std::size_t max_entries) : max_entries_(max_entries) {}
  std::shared_ptr<const Executable> compile(const Jaxpr& jaxpr, const CompileOptions& options);

 private:
  struct Entry {
    std::size_t hash;
    Jaxpr jaxpr;
    CompileOptions options;
    std::shared_ptr<const Executable> executable;
  };
  const std::size_t max_entries_;
  std::mutex mutex_;
  std::list<Entry> entries_;   // the latest first
};

/// An executable at once: it runs through the interpreter until the compiled one, made on another thread, is ready.
/// When compiling fails, later runs throw what it threw. Destroying it waits for the compiler.
std::shared_ptr<const Executable> compile_in_background(const Jaxpr& jaxpr, const CompileOptions& options);

}  // namespace tf2jax
