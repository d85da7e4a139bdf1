// Which of the own kernels this machine runs.
#include "tf2jax/kernels/own/internal/vector_kernels.h"

namespace tf2jax::kernels {

const VectorKernels& vector_kernels() {
  static const VectorKernels& best = []() -> const VectorKernels& {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
      return kernels_avx512();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kernels_avx2();
    return kernels_baseline();
  }();
  return best;
}

}  // namespace tf2jax::kernels
