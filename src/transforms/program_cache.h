// ProgramCache: executables of equal programs, so that a loop or a function traced again is not compiled again.
#pragma once
#include <list>
#include <memory>
#include <mutex>

#include "tf2jax/trace/backend.h"

namespace tf2jax {

/// The most recently used executables by the structure of their programs. Programs that hold large constants are not
/// kept. Thread-safe; compiling happens outside the lock, so that two threads may compile the same program.
class ProgramCache {
 public:
  explicit ProgramCache(std::size_t max_entries) : max_entries_(max_entries) {}
  std::shared_ptr<const Executable> compile(const Jaxpr& jaxpr);

 private:
  struct Entry {
    std::size_t hash;
    Jaxpr jaxpr;
    std::shared_ptr<const Executable> executable;
  };
  const std::size_t max_entries_;
  std::mutex mutex_;
  std::list<Entry> entries_;   // the latest first
};

}  // namespace tf2jax
