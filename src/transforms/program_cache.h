// ProgramCache: executables of equal programs, so that a loop or a function traced again is not compiled again.
#pragma once
#include <atomic>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "tf2jax/base/config.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax {

/// The most recently used executables by the structure of their programs, the options and the configuration. Programs
/// that hold large constants are not kept. Thread-safe; compiling and comparing happen outside the lock, and who asks
/// for a program that another thread compiles waits for it.
class ProgramCache {
 public:
  explicit ProgramCache(std::size_t max_entries) : max_entries_(max_entries) {}
  std::shared_ptr<const Executable> compile(const Jaxpr& jaxpr, const CompileOptions& options);

 private:
  struct Key {
    std::size_t hash;
    Jaxpr jaxpr;
    CompileOptions options;
    Config config;
  };
  struct Entry {
    explicit Entry(Key k) : key(std::move(k)) {}
    bool is_for(const Key& key) const;
    const Key key;
    std::promise<std::shared_ptr<const Executable>> promise;
    const std::shared_future<std::shared_ptr<const Executable>> executable =
        promise.get_future();  // null when compiling failed
    const std::thread::id owner = std::this_thread::get_id();
    std::atomic<bool> ready = false;
  };
  using Entries = std::list<std::shared_ptr<Entry>>;  // the latest first
  std::pair<std::shared_ptr<Entry>, bool> find_or_add(Key key);
  void remove(const std::shared_ptr<Entry>& entry);
  void trim();

  const std::size_t max_entries_;
  std::mutex mutex_;
  Entries entries_;
};

}  // namespace tf2jax
