// Products of small matrices as loops inside a kernel.
#pragma once
#include <functional>

#include "tf2jax/compiler/fusion/index_map.h"

namespace tf2jax::compiler {

/// out[b, i, j] = sum over q of lhs[b, i, q] rhs[b, q, j].
struct SmallProduct {
  struct Matrix {
    loops::BufferId buffer = -1;
    Affine offset;
    Dims strides;            // batch…, rows, columns
    bool is_steady = false;  // the same in every run of the kernel's loops
  };
  DType dtype = DType::f32;
  Dims batch;
  std::int64_t m = 1, n = 1, k = 1;
  Matrix lhs, rhs, out;
  std::int64_t multiplications() const { return num_elements(batch) * m * n * k; }
};

/// A dense copy of a steady matrix, row by row, made once.
using CopyOnce =
    std::function<loops::BufferId(const SmallProduct::Matrix& matrix, std::int64_t rows, std::int64_t columns)>;

/// Statements that compute the product; adds nodes, variables and accumulators to the kernel. `lanes`: elements of a
/// vector.
loops::Block lower_small_product(loops::Kernel& kernel, SmallProduct product, int lanes, const CopyOnce& copy_once);

/// Roughly the time of the product, in nanoseconds.
double time_of(const SmallProduct& product, int lanes);

}  // namespace tf2jax::compiler
