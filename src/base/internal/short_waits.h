// Waiting threads of the OpenMP team give the processor up soon.
#pragma once
#include <chrono>

namespace tf2jax::detail {

/// Call before a team of several threads starts. While other processes contend for the processors it keeps libgomp's
/// threads from spinning while they wait, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT says how they wait.
void shorten_waits(int threads);
/// Call when a loop is done: how long the caller worked on its pieces, and then waited for the others.
void note_wait(std::chrono::nanoseconds worked, std::chrono::nanoseconds waited);

}  // namespace tf2jax::detail
