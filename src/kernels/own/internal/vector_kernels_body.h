// The kernels behind vector_kernels.h, written once and compiled once per instruction set.
// Everything is in an unnamed namespace and no inline function of the standard library is used: a copy compiled for
// AVX-512 must never be the one the linker keeps for other files. Longer than other files because of that: its parts
// cannot be shared.
#pragma once
#include <immintrin.h>

#include "tf2jax/kernels/own/internal/vector_kernels.h"

namespace tf2jax::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kTileRows = 14;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kTileRows = 6;
#else
constexpr int kVectorBytes = 16, kTileRows = 4;
#endif
constexpr std::int64_t kDepth = 384, kRowBlock = 24 * kTileRows, kColumnBlock = 768;  // b panel: L2; a block: L1 and L2

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float Type __attribute__((vector_size(kVectorBytes)));
  typedef float Unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
};
template <>
struct VectorOf<double> {
  typedef double Type __attribute__((vector_size(kVectorBytes)));
  typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
};
template <>
struct VectorOf<std::uint32_t> {
  typedef std::uint32_t Type __attribute__((vector_size(kVectorBytes)));
  typedef std::uint32_t Unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
};
template <>
struct VectorOf<std::uint64_t> {
  typedef std::uint64_t Type __attribute__((vector_size(kVectorBytes)));
  typedef std::uint64_t Unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
using Unaligned = typename VectorOf<T>::Unaligned;
template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
inline Vector<T> load(const T* p) {
  return *reinterpret_cast<const Unaligned<T>*>(p);
}
template <class T>
inline void store(T* p, Vector<T> v) {
  *reinterpret_cast<Unaligned<T>*>(p) = v;
}
inline void stream(float* p, Vector<float> v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, reinterpret_cast<__m512>(v));
#elif defined(__AVX2__)
  _mm256_stream_ps(p, reinterpret_cast<__m256>(v));
#else
  _mm_stream_ps(p, reinterpret_cast<__m128>(v));
#endif
}
inline void stream(double* p, Vector<double> v) {
  stream(reinterpret_cast<float*>(p), reinterpret_cast<Vector<float>>(v));
}
inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

#if defined(__AVX512F__)
// The first `count` lanes only.
template <class T>
inline void store_some(T* p, Vector<T> v, std::int64_t count) {
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << count) - 1), reinterpret_cast<__m512i>(v));
  else _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << count) - 1), reinterpret_cast<__m512i>(v));
}
template <class T>
inline Vector<T> load_some(const T* p, std::int64_t count) {
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vector<T>>(_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << count) - 1), p));
  else return reinterpret_cast<Vector<T>>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << count) - 1), p));
}
#endif

// sum += a_tile * b_tile over one depth, the sums held in registers.
template <class T, int ROWS, int VECTORS>
[[gnu::always_inline]] inline void multiply_into(Vector<T> (&sum)[ROWS][VECTORS], std::int64_t depth, const T* a,
                                                 std::int64_t am, std::int64_t ak, const T* b, std::int64_t b_step) {
  constexpr int kWidth = kLanes<T>;
  for (std::int64_t p = 0; p < depth; ++p) {
    Vector<T> right[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) right[v] = load(b + v * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r) {
      const T left = a[r * am];
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; ++v) sum[r][v] += left * right[v];
    }
    a += ak;
    b += b_step;
  }
}

template <class T, int ROWS, int VECTORS>
[[gnu::always_inline]] inline void write_tile(const Vector<T> (&sum)[ROWS][VECTORS], T* c, std::int64_t cm,
                                              std::int64_t cn, std::int64_t columns, bool accumulate) {
  constexpr int kWidth = kLanes<T>;
  if (cn == 1 && columns == VECTORS * kWidth) {
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; ++v) {
        T* to = c + r * cm + v * kWidth;
        store(to, accumulate ? load(to) + sum[r][v] : sum[r][v]);
      }
    return;
  }
#if defined(__AVX512F__)
  if (cn == 1) {
    constexpr int kLast = VECTORS - 1;
    const std::int64_t rest = columns - kLast * kWidth;
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r) {
      T* const to = c + r * cm;
#pragma GCC unroll 4
      for (int v = 0; v < kLast; ++v)
        store(to + v * kWidth, accumulate ? load(to + v * kWidth) + sum[r][v] : sum[r][v]);
      T* const last = to + kLast * kWidth;
      store_some(last, accumulate ? load_some(last, rest) + sum[r][kLast] : sum[r][kLast], rest);
    }
    return;
  }
#endif
  alignas(64) T spill[ROWS * VECTORS * kWidth];
#pragma GCC unroll 16
  for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) store(spill + (r * VECTORS + v) * kWidth, sum[r][v]);
  for (int r = 0; r < ROWS; ++r)
    for (std::int64_t j = 0; j < columns; ++j) {
      T* to = c + r * cm + j * cn;
      *to = accumulate ? *to + spill[r * VECTORS * kWidth + j] : spill[r * VECTORS * kWidth + j];
    }
}

// c tile of ROWS x (VECTORS * lanes).
template <class T, int ROWS, int VECTORS>
void tile(std::int64_t depth, const T* a, std::int64_t am, std::int64_t ak, const T* b, std::int64_t b_step, T* c,
          std::int64_t cm, std::int64_t cn, std::int64_t columns, bool accumulate) {
  Vector<T> sum[ROWS][VECTORS] = {};
  multiply_into(sum, depth, a, am, ak, b, b_step);
  write_tile(sum, c, cm, cn, columns, accumulate);
}

template <class T, int ROWS, int VECTORS>
void tap_tile(const TapPiece& g, std::int64_t row) {
  Vector<T> sum[ROWS][VECTORS] = {};
  const T* const a = static_cast<const T*>(g.a) + row * g.am;
  const T* const b = static_cast<const T*>(g.b);
  for (std::int64_t t = 0; t < g.taps; ++t)
    multiply_into(sum, g.depth, a + g.a_offsets[t], g.am, g.ak, b + g.b_offsets[t], g.b_step);
  write_tile(sum, static_cast<T*>(g.c) + row * g.cm, g.cm, 1, g.columns, g.accumulate);
}

template <class T, int VECTORS, int ROWS>
void tap_rows(const TapPiece& g, std::int64_t row) {
  if constexpr (ROWS > 0) {
    if (g.rows - row >= ROWS) return tap_tile<T, ROWS, VECTORS>(g, row);
    tap_rows<T, VECTORS, ROWS - 1>(g, row);
  }
}

template <class T>
void taps(const TapPiece& g) {
  // Equal tiles: 16 rows are two of 8, not one of 14 and one of 2.
  const std::int64_t tiles = (g.rows + kTileRows - 1) / kTileRows, height = (g.rows + tiles - 1) / tiles;
  for (std::int64_t row = 0; row < g.rows; row += height) {
    TapPiece piece = g;
    piece.rows = least(g.rows, row + height);
    if (g.columns <= kLanes<T>) tap_rows<T, 1, kTileRows>(piece, row);
    else tap_rows<T, 2, kTileRows>(piece, row);
  }
}

template <class T>
using Tile = void (*)(std::int64_t, const T*, std::int64_t, std::int64_t, const T*, std::int64_t, T*, std::int64_t,
                      std::int64_t, std::int64_t, bool);

template <class T, int VECTORS>
Tile<T> tile_of(std::int64_t rows) {
  switch (rows) {
    case 1: return tile<T, 1, VECTORS>;
    case 2: return tile<T, 2, VECTORS>;
    case 3: return tile<T, 3, VECTORS>;
    case 4: return tile<T, 4, VECTORS>;
#if defined(__AVX2__)
    case 5: return tile<T, 5, VECTORS>;
    case 6: return tile<T, 6, VECTORS>;
#endif
#if defined(__AVX512F__)
    case 7: return tile<T, 7, VECTORS>;
    case 8: return tile<T, 8, VECTORS>;
    case 9: return tile<T, 9, VECTORS>;
    case 10: return tile<T, 10, VECTORS>;
    case 11: return tile<T, 11, VECTORS>;
    case 12: return tile<T, 12, VECTORS>;
    case 13: return tile<T, 13, VECTORS>;
    case 14: return tile<T, 14, VECTORS>;
#endif
    default: return nullptr;
  }
}

// Panels of `width` consecutive columns: panel[p][j] = b[p, j], zero beyond `columns`.
template <class T>
void pack_panel(const T* b, std::int64_t bk, std::int64_t bn, std::int64_t depth, std::int64_t columns,
                std::int64_t width, T* out) {
  if (bn == 1 && columns == width) {
    for (std::int64_t p = 0; p < depth; ++p)
      for (std::int64_t j = 0; j < width; j += kLanes<T>) store(out + p * width + j, load(b + p * bk + j));
    return;
  }
  constexpr std::int64_t kStrip = 8;  // rows at a time, so that a strided read uses its cache line while it is there
  for (std::int64_t first = 0; first < depth; first += kStrip) {
    const std::int64_t last = least(depth, first + kStrip);
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t p = first; p < last; ++p) out[p * width + j] = b[p * bk + j * bn];
    for (std::int64_t j = columns; j < width; ++j)
      for (std::int64_t p = first; p < last; ++p) out[p * width + j] = T(0);
  }
}

// Blocks of kTileRows rows: block[p][r] = a[r, p].
template <class T>
void pack_rows(const T* a, std::int64_t am, std::int64_t ak, std::int64_t rows, std::int64_t depth, T* out) {
  for (std::int64_t first = 0; first < rows; first += kTileRows) {
    const std::int64_t count = least(kTileRows, rows - first);
    const T* from = a + first * am;
    if (am == 1) {
      for (std::int64_t p = 0; p < depth; ++p)
        for (std::int64_t r = 0; r < count; ++r) out[p * count + r] = from[p * ak + r];
    } else {
      constexpr std::int64_t kStrip = 16;
      for (std::int64_t begin = 0; begin < depth; begin += kStrip) {
        const std::int64_t end = least(depth, begin + kStrip);
        for (std::int64_t r = 0; r < count; ++r)
          for (std::int64_t p = begin; p < end; ++p) out[p * count + r] = from[r * am + p * ak];
      }
    }
    out += count * depth;
  }
}

template <class T>
void gemm(const GemmPiece& g) {
  constexpr std::int64_t kWide = 2 * kLanes<T>;
  T* const packed_b = static_cast<T*>(g.scratch);
  T* const packed_a = packed_b + kDepth * (kColumnBlock + kWide);
  // With few rows a panel is used too rarely to pay for its copy, with few columns a block of rows is.
  const bool direct_b = g.bn == 1 && g.m <= 2 * kTileRows,
             direct_a = (g.n <= 2 * kWide && (g.ak == 1 || g.am == 1)) || (g.ak == 1 && g.m <= kTileRows);
  for (std::int64_t j0 = 0; j0 < g.n; j0 += kColumnBlock) {
    const std::int64_t columns = least(kColumnBlock, g.n - j0);
    for (std::int64_t p0 = 0; p0 < g.k; p0 += kDepth) {
      const std::int64_t depth = least(kDepth, g.k - p0);
      const bool accumulate = g.accumulate || p0 > 0;
      const T* const b = static_cast<const T*>(g.b) + p0 * g.bk + j0 * g.bn;
      for (std::int64_t j = 0; j < columns; j += kWide) {
        const std::int64_t here = least(kWide, columns - j), width = here <= kLanes<T> ? kLanes<T> : kWide;
        if (!direct_b || here != width) pack_panel(b + j * g.bn, g.bk, g.bn, depth, here, width, packed_b + j * depth);
      }
      for (std::int64_t i0 = 0; i0 < g.m; i0 += kRowBlock) {
        const std::int64_t rows = least(kRowBlock, g.m - i0);
        const T* const a = static_cast<const T*>(g.a) + i0 * g.am + p0 * g.ak;
        if (!direct_a) pack_rows(a, g.am, g.ak, rows, depth, packed_a);
        for (std::int64_t j = 0; j < columns; j += kWide) {
          const std::int64_t here = least(kWide, columns - j);
          const bool narrow = here <= kLanes<T>, direct = direct_b && here == (narrow ? kLanes<T> : kWide);
          const T* const right = direct ? b + j : packed_b + j * depth;
          const std::int64_t step = direct ? g.bk : narrow ? kLanes<T> : kWide;
          for (std::int64_t i = 0; i < rows; i += kTileRows) {
            const std::int64_t count = least(kTileRows, rows - i);
            const Tile<T> run = narrow ? tile_of<T, 1>(count) : tile_of<T, 2>(count);
            T* const c = static_cast<T*>(g.c) + (i0 + i) * g.cm + (j0 + j) * g.cn;
            if (direct_a) run(depth, a + i * g.am, g.am, g.ak, right, step, c, g.cm, g.cn, here, accumulate);
            else run(depth, packed_a + i * depth, 1, count, right, step, c, g.cm, g.cn, here, accumulate);
          }
        }
      }
    }
  }
}

template <class T>
T sum_of(Vector<T> v) {
  T total = 0;
  for (int i = 0; i < kLanes<T>; ++i) total += v[i];
  return total;
}

template <class T>
void put(const GemmPiece& g, std::int64_t i, std::int64_t j, T value) {
  T* const to = static_cast<T*>(g.c) + i * g.cm + j * g.cn;
  *to = g.accumulate ? *to + value : value;
}

// Rows of a are contiguous: ROWS dot products with each vector at once.
template <class T, int ROWS, int COLUMNS>
void dot_rows(const GemmPiece& g, std::int64_t row) {
  constexpr int kWidth = kLanes<T>, kChains = ROWS * COLUMNS >= 8 ? 1 : 2;  // two chains hide the latency of the sums
  const T* const a = static_cast<const T*>(g.a) + row * g.am;
  const T* const x = static_cast<const T*>(g.b);
  Vector<T> sum[kChains][ROWS][COLUMNS] = {};
  std::int64_t p = 0;
  for (; p + kChains * kWidth <= g.k; p += kChains * kWidth)
#pragma GCC unroll 2
    for (int s = 0; s < kChains; ++s)
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; ++r) {
        const Vector<T> left = load(a + r * g.am + p + s * kWidth);
#pragma GCC unroll 4
        for (int c = 0; c < COLUMNS; ++c) sum[s][r][c] += left * load(x + c * g.k + p + s * kWidth);
      }
  for (int r = 0; r < ROWS; ++r)
    for (int c = 0; c < COLUMNS; ++c) {
      Vector<T> all = sum[0][r][c];
      if constexpr (kChains == 2) all += sum[1][r][c];
      T total = sum_of<T>(all);
      for (std::int64_t q = p; q < g.k; ++q) total += a[r * g.am + q] * x[c * g.k + q];
      put<T>(g, row + r, c, total);
    }
}

// Columns of a are contiguous: a block of sums held in registers, one column of a per step.
template <class T, int VECTORS, int COLUMNS>
void sum_columns(const GemmPiece& g, std::int64_t row) {
  constexpr int kWidth = kLanes<T>;
  const T* a = static_cast<const T*>(g.a) + row;
  const T* const x = static_cast<const T*>(g.b);
  Vector<T> sum[VECTORS][COLUMNS] = {};
  for (std::int64_t p = 0; p < g.k; ++p, a += g.ak) {
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; ++v) {
      const Vector<T> left = load(a + v * kWidth);
#pragma GCC unroll 4
      for (int c = 0; c < COLUMNS; ++c) sum[v][c] += x[c * g.k + p] * left;
    }
  }
  for (int v = 0; v < VECTORS; ++v)
    for (int c = 0; c < COLUMNS; ++c)
      for (int i = 0; i < kWidth; ++i) put<T>(g, row + v * kWidth + i, c, T(sum[v][c][i]));
}

template <class T, int COLUMNS>
void gemv_columns(const GemmPiece& g) {
  std::int64_t row = 0;
  if (g.ak == 1) {
    for (; row + 4 <= g.m; row += 4) dot_rows<T, 4, COLUMNS>(g, row);
    for (; row < g.m; ++row) dot_rows<T, 1, COLUMNS>(g, row);
    return;
  }
  if (g.am == 1) {
    constexpr int kWidth = kLanes<T>, kBlock = COLUMNS == 1 ? 8 : 4;
    for (; row + kBlock * kWidth <= g.m; row += kBlock * kWidth) sum_columns<T, kBlock, COLUMNS>(g, row);
    for (; row + kWidth <= g.m; row += kWidth) sum_columns<T, 1, COLUMNS>(g, row);
  }
  const T* const a = static_cast<const T*>(g.a);
  const T* const x = static_cast<const T*>(g.b);
  for (; row < g.m; ++row)
    for (int c = 0; c < COLUMNS; ++c) {
      T total = 0;
      for (std::int64_t p = 0; p < g.k; ++p) total += a[row * g.am + p * g.ak] * x[c * g.k + p];
      put<T>(g, row, c, total);
    }
}

template <class T>
void gemv(const GemmPiece& g) {
  switch (g.n) {
    case 1: return gemv_columns<T, 1>(g);
    case 2: return gemv_columns<T, 2>(g);
    case 3: return gemv_columns<T, 3>(g);
    default: return gemv_columns<T, 4>(g);
  }
}

template <class T>
void outer(const OuterPiece& g) {
  constexpr int kWidth = kLanes<T>;
  for (std::int64_t i = g.begin; i < g.end; ++i) {
    const std::int64_t which = i / g.rows, row = i % g.rows;
    const T left = static_cast<const T*>(g.a)[which * g.a_outer + row * g.a_row];
    const T* const b = static_cast<const T*>(g.b) + which * g.b_outer;
    T* const c = static_cast<T*>(g.c) + which * g.c_outer + row * g.c_row;
    std::int64_t j = 0;
    if (g.streaming) {
      for (; j < g.columns && reinterpret_cast<std::uintptr_t>(c + j) % kVectorBytes; ++j) c[j] = left * b[j];
      for (; j + kWidth <= g.columns; j += kWidth) stream(c + j, left * load(b + j));
    } else {
      for (; j + kWidth <= g.columns; j += kWidth) store(c + j, left * load(b + j));
    }
    for (; j < g.columns; ++j) c[j] = left * b[j];
  }
  if (g.streaming) _mm_sfence();
}

std::int64_t gemm_scratch_bytes() {
  return static_cast<std::int64_t>(sizeof(double)) * kDepth * (kColumnBlock + 2 * kLanes<float> + kRowBlock);
}

constexpr VectorKernels table(const char* name) {
  return {name,         gemm_scratch_bytes, gemm<float>,  gemm<double>,  gemm<std::uint32_t>, gemm<std::uint64_t>,
          gemv<float>,  gemv<double>,       outer<float>, outer<double>, taps<float>,         taps<double>,
          kLanes<float>};
}

}  // namespace
}  // namespace tf2jax::kernels
