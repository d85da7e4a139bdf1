// Kernel of dot_general: both operands as stacks of matrices, multiplied by Eigen.
#include <Eigen/Core>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/strided.h"
#include "tf2jax/ops/dot.h"

namespace tf2jax::cpu {

namespace {

struct Matrices {
  Array data;          // [batch, rows, columns]
  bool transposed;     // stored as [batch, columns, rows]
};

// Brings axes into the order batch, free, contracted, or leaves them when batch, contracted, free is already there.
Matrices arrange(const Array& x, const Axes& batch, const Axes& contract) {
  Axes free;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (!contains(batch, i) && !contains(contract, i)) free.push_back(i);
  const auto order = [&](const Axes& second, const Axes& third) {
    Axes out = batch;
    out.insert(out.end(), second.begin(), second.end());
    out.insert(out.end(), third.begin(), third.end());
    return out;
  };
  if (order(contract, free) == iota_axes(x.rank())) return {x, true};
  const Axes wanted = order(free, contract);
  if (wanted == iota_axes(x.rank())) return {x, false};
  const Dims dims = x.dims(), strides = row_major_strides(dims);
  Dims new_dims, new_strides;
  for (const auto a : wanted) {
    new_dims.push_back(dims[static_cast<std::size_t>(a)]);
    new_strides.push_back(strides[static_cast<std::size_t>(a)]);
  }
  const int width = itemsize(x.dtype());
  const Array copy = make_array<std::byte>({x.dtype(), symbolic(new_dims), false}, [&](std::byte* out) {
    copy_strided(new_dims, {out, row_major_strides(new_dims)}, {const_cast<std::byte*>(x.bytes().data()), new_strides}, width);
  });
  return {copy, false};
}

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Map = Eigen::Map<const Matrix<T>>;

// Integers wrap: they multiply as unsigned.
template <class T>
void multiply(const T* a, bool a_transposed, const T* b, bool b_transposed, T* out, std::int64_t m, std::int64_t n, std::int64_t k) {
  Eigen::Map<Matrix<T>> y(out, m, n);
  if (k == 0) {
    y.setZero();
    return;
  }
  const auto product = [&](const auto& lhs, const auto& rhs) {
    // Columns in parallel pieces, so that one product uses every thread.
    const std::int64_t flops = m * n * k;
    if (flops < 1 << 18 || num_threads() == 1) {
      y.noalias() = lhs * rhs;
    } else if (n >= m) {
      parallel_for(n, std::max<std::int64_t>(64, (1 << 18) / (m * k + 1)), [&](std::int64_t begin, std::int64_t end) {
        y.middleCols(begin, end - begin).noalias() = lhs * rhs.middleCols(begin, end - begin);
      });
    } else {
      parallel_for(m, std::max<std::int64_t>(64, (1 << 18) / (n * k + 1)), [&](std::int64_t begin, std::int64_t end) {
        y.middleRows(begin, end - begin).noalias() = lhs.middleRows(begin, end - begin) * rhs;
      });
    }
  };
  const Map<T> plain_a(a, a_transposed ? k : m, a_transposed ? m : k), plain_b(b, b_transposed ? k : n, b_transposed ? n : k);
  // The right operand is stored [n, k] unless transposed.
  if (a_transposed && b_transposed) product(plain_a.transpose(), plain_b);
  else if (a_transposed) product(plain_a.transpose(), plain_b.transpose());
  else if (b_transposed) product(plain_a, plain_b);
  else product(plain_a, plain_b.transpose());
}

template <class T>
Array batched(const Matrices& a, const Matrices& b, const Aval& out, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
  return make_array<T>(out, [&](T* y) {
    const T *p = elements<T>(a.data), *q = elements<T>(b.data);
    for (std::int64_t i = 0; i < batch; ++i) multiply<T>(p + i * m * k, a.transposed, q + i * n * k, b.transposed, y + i * m * n, m, n, k);
  });
}

Array converted(const Array& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  return visit_dtype(x.dtype(), [&]<class From>(std::type_identity<From>) -> Array {
    return visit_dtype(dtype, [&]<class To>(std::type_identity<To>) -> Array {
      return map_unary<From, To>(x, {dtype, x.shape(), false}, [](From v) { return tf2jax::detail::convert_scalar<To>(v); });
    });
  });
}

// The type the product is computed in: halves in float, small integers and bools in 32 bits.
DType compute_dtype(DType operand, DType result) {
  const DType d = itemsize(result) > itemsize(operand) || (is_inexact(result) && !is_inexact(operand)) ? result : operand;
  switch (d) {
    case DType::f16: case DType::bf16: return DType::f32;
    case DType::bool_: case DType::i8: case DType::i16: return DType::i32;
    case DType::u8: case DType::u16: return DType::u32;
    default: return d;
  }
}

Arrays dot_kernel(const KernelCall& c) {
  const DotDims& d = c.params.get<DotParams>().dimension_numbers;
  const Aval& out = c.outputs[0];
  // Mixed operands multiply in the result's type, as the result is the wider of the two.
  const DType operands = c.args[0].dtype() == c.args[1].dtype() ? c.args[0].dtype() : out.dtype;
  const DType compute = compute_dtype(operands, out.dtype);
  const Matrices left = arrange(converted(c.args[0], compute), d.lhs_batch, d.lhs_contract);
  const Dims lhs = c.args[0].dims();
  std::int64_t batch = 1, k = 1;
  for (const auto i : d.lhs_batch) batch *= lhs[static_cast<std::size_t>(i)];
  const Matrices right = arrange(converted(c.args[1], compute), d.rhs_batch, d.rhs_contract);
  for (const auto i : d.lhs_contract) k *= lhs[static_cast<std::size_t>(i)];
  const std::int64_t volume = batch * k;
  std::int64_t m = 1, n = 1;
  if (volume) {
    m = c.args[0].size() / volume;
    n = c.args[1].size() / volume;
  } else if (batch) {   // an empty contraction: zeros
    const Dims o = out.dims();
    m = num_elements(o) / batch;
    n = 1;
  }
  const Aval computed{compute, out.shape, false};
  const Array y = [&]() -> Array {
    switch (compute) {
      case DType::f32: return batched<float>(left, right, computed, batch, m, n, k);
      case DType::f64: return batched<double>(left, right, computed, batch, m, n, k);
      case DType::c64: return batched<complex64>(left, right, computed, batch, m, n, k);
      case DType::c128: return batched<complex128>(left, right, computed, batch, m, n, k);
      case DType::i32: case DType::u32: return batched<std::uint32_t>(left, right, computed, batch, m, n, k);
      default: return batched<std::uint64_t>(left, right, computed, batch, m, n, k);
    }
  }();
  if (compute == out.dtype) return {y};
  return {converted(y, out.dtype)};
}

}  // namespace

void register_dot_kernels(KernelTable& table) { table.add(dot_general_p(), dot_kernel); }

}  // namespace tf2jax::cpu
