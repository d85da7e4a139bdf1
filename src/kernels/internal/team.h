// How many threads a call into oneDNN uses.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tf2jax/base/buffer_pool.h"

namespace tf2jax::kernels {

/// num_threads(), or 1 inside a parallel loop.
int team_size();
/// Likewise, and 1 for few multiplications: below 2^20 a second thread saves little (64^3 gains nothing) and, on a busy
/// machine, costs much. Always 1 where the bits must not depend on the number of threads: oneDNN splits sums by it.
int team_for(std::int64_t multiplications, bool deterministic);

/// oneDNN's calls on this thread use `threads` threads while this lives.
class TeamScope {
 public:
  explicit TeamScope(int threads);
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;

 private:
  int before_;
};

/// Memory of this thread, aligned to 64 bytes, valid until the next call with the same slot. Grows and stays.
enum class ScratchSlot { panels, operand, input, cotangent, tile };
void* thread_scratch(ScratchSlot slot, std::size_t bytes);

/// A block of the buffer pool.
class PooledBuffer {
 public:
  explicit PooledBuffer(std::size_t bytes) : data_(allocate_buffer(bytes)), bytes_(bytes) {}
  ~PooledBuffer() { free_buffer(data_, bytes_); }
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  std::size_t bytes_;
};

}  // namespace tf2jax::kernels
