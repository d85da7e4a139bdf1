// Data-parallel loops on the process's team of threads: OpenMP's, which oneDNN uses too, or an own pool without OpenMP.
#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace tf2jax {

/// Threads used by parallel loops, the caller included: TF2JAX_NUM_THREADS, else the processors that affinity and
/// cgroup quotas grant.
int num_threads();
/// Changes the count; 1 turns parallel loops off. Throws: ValueError below 1.
void set_num_threads(int count);

/// True while a body of parallel_for runs on this thread: loops started here run on this thread alone.
bool inside_parallel_loop();

using LoopBody = void (*)(void* context, std::int64_t begin, std::int64_t end);

/// Runs `body(context, begin, end)` over a partition of [0, size) in pieces of at least `grain`. Blocks until done.
/// Calls from inside a body run on the calling thread. The first exception thrown by a body is rethrown.
void parallel_for(std::int64_t size, std::int64_t grain, LoopBody body, void* context);
/// Likewise with any callable `body(begin, end)`; nothing is allocated for it.
template <std::invocable<std::int64_t, std::int64_t> Body>
void parallel_for(std::int64_t size, std::int64_t grain, Body&& body) {
  using Stored = std::remove_reference_t<Body>;
  parallel_for(
      size, grain,
      [](void* context, std::int64_t begin, std::int64_t end) { (*static_cast<Stored*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace tf2jax
