// The own kernels compiled for what every x86-64 has.
#include "tf2jax/kernels/own/internal/vector_kernels_body.h"

namespace tf2jax::kernels {
const VectorKernels& kernels_baseline() {
  static constexpr VectorKernels kernels = table("baseline");
  return kernels;
}
}  // namespace tf2jax::kernels
