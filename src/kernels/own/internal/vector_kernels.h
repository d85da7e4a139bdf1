// Own matrix kernels, one table per instruction set; each works on one thread and takes any strides.
#pragma once
#include <cstdint>

namespace tf2jax::kernels {

/// c[m, n] (+)= a[m, k] * b[k, n]; strides in elements.
struct GemmPiece {
  std::int64_t m, n, k;
  const void *a, *b;
  void* c;
  std::int64_t am, ak, bk, bn, cm, cn;
  bool accumulate;
  void* scratch;  // of gemm_scratch_bytes, aligned to 64
};

/// `count` outer products c[i, r, :] = a[i, r] * b[i, :]. Rows of c are contiguous.
struct OuterPiece {
  std::int64_t begin, end;  // of the count * rows rows
  std::int64_t rows, columns;
  const void *a, *b;
  void* c;
  std::int64_t a_outer, a_row, b_outer, b_column, c_outer, c_row;
  bool streaming;  // bypass the caches
};

/// c[rows, columns] (+)= sum over taps of a_tap[rows, depth] * b_tap[depth, columns], where a_tap = a + a_offsets[tap]
/// has the strides (am, ak) and b_tap = b + b_offsets[tap] the row stride b_step. Rows of b are readable up to the next
/// multiple of the lanes. The inner loops of direct convolutions: rows of pixels against the taps of a kernel.
struct TapPiece {
  std::int64_t rows, columns, taps, depth;
  const void* a;
  const std::int64_t* a_offsets;
  std::int64_t am, ak;
  const void* b;
  const std::int64_t* b_offsets;
  std::int64_t b_step;
  void* c;
  std::int64_t cm;
  bool accumulate;
};

struct VectorKernels {
  const char* name;
  std::int64_t (*gemm_scratch_bytes)();
  void (*gemm_f32)(const GemmPiece&);
  void (*gemm_f64)(const GemmPiece&);
  /// Integers of 32 and 64 bits, signed or not: products wrap.
  void (*gemm_i32)(const GemmPiece&);
  void (*gemm_i64)(const GemmPiece&);
  /// n <= kGemvColumns, b packed as n vectors of length k.
  void (*gemv_f32)(const GemmPiece&);
  void (*gemv_f64)(const GemmPiece&);
  /// Needs b_column == 1.
  void (*outer_f32)(const OuterPiece&);
  void (*outer_f64)(const OuterPiece&);
  void (*taps_f32)(const TapPiece&);
  void (*taps_f64)(const TapPiece&);
  std::int64_t lanes_f32;  // of f64: half
};
inline constexpr std::int64_t kGemvColumns = 4;

const VectorKernels& kernels_baseline();
const VectorKernels& kernels_avx2();
const VectorKernels& kernels_avx512();
/// The best this machine runs.
const VectorKernels& vector_kernels();

}  // namespace tf2jax::kernels
