// The own kernels compiled for AVX-512.
#include "tf2jax/kernels/own/internal/vector_kernels_body.h"

namespace tf2jax::kernels {
const VectorKernels& kernels_avx512() {
  static constexpr VectorKernels kernels = table("avx512");
  return kernels;
}
}  // namespace tf2jax::kernels
