// One pool of worker threads per process, for data-parallel loops.
#pragma once
#include <cstdint>
#include <functional>

namespace tf2jax {

/// Threads used by parallel loops, the caller included: TF2JAX_NUM_THREADS, else the number of cores.
int num_threads();
/// Changes the count; 1 turns parallel loops off. Throws: ValueError below 1.
void set_num_threads(int count);

/// True while a body of parallel_for runs on this thread: loops started here run on this thread alone.
bool inside_parallel_loop();

/// Runs `body(begin, end)` over a partition of [0, size) in pieces of at least `grain`. Blocks until done.
/// Calls from inside a body run on the calling thread. The first exception thrown by a body is rethrown.
void parallel_for(std::int64_t size, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& body);

}  // namespace tf2jax
