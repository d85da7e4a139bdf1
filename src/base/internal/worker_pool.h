// Worker threads for builds without OpenMP.
#pragma once

namespace tf2jax::detail {

/// Calls `work(context, index)` on the caller (index 0) and on up to threads-1 workers. Returns when the caller's call
/// has returned and no worker's is still running.
void run_on_workers(int threads, void (*work)(void* context, int index), void* context);

}  // namespace tf2jax::detail
