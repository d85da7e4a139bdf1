// Waiting threads of the OpenMP team give the processor up soon.
#pragma once

namespace tf2jax::detail {

/// Call before a team of several threads starts. The first call bounds how long libgomp's threads spin while they wait,
/// unless OMP_WAIT_POLICY or GOMP_SPINCOUNT says how.
void shorten_waits();

}  // namespace tf2jax::detail
