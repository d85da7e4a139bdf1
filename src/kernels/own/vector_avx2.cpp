// The own kernels compiled for AVX2 and FMA.
#include "tf2jax/kernels/own/internal/vector_kernels_body.h"

namespace tf2jax::kernels {
const VectorKernels& kernels_avx2() {
  static constexpr VectorKernels kernels = table("avx2");
  return kernels;
}
}  // namespace tf2jax::kernels
