// Stacks of matrices, as kernels of linear algebra go through them.
#pragma once
#include <algorithm>
#include <cmath>

#include "tf2jax/backends/cpu/elementwise.h"

namespace tf2jax::cpu {

template <class T>
using Real = decltype(std::abs(T()));

/// Calls f with the type of the elements: real or complex, of single or double precision. Throws: InternalError for
/// others, which no rule lets through.
template <class F>
Arrays by_matrix_dtype(DType dtype, F f) {
  switch (dtype) {
    case DType::f32: return f(std::type_identity<float>{});
    case DType::f64: return f(std::type_identity<double>{});
    case DType::c64: return f(std::type_identity<complex64>{});
    case DType::c128: return f(std::type_identity<complex128>{});
    default: detail_kernel::unsupported_dtype(dtype);
  }
}

/// The leading axes together, and the last two.
struct MatrixStack {
  explicit MatrixStack(const Dims& dims) : rows(dims[dims.size() - 2]), columns(dims[dims.size() - 1]) {
    for (std::size_t i = 0; i + 2 < dims.size(); ++i) count *= dims[i];
  }
  std::int64_t area() const { return rows * columns; }

  std::int64_t count = 1, rows, columns;
};

}  // namespace tf2jax::cpu
