// Kernel of dot_general: both operands as stacks of matrices; real numbers multiplied by Matmul, complex ones by Eigen.
#include <Eigen/Core>

#include <optional>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/strided.h"
#include "tf2jax/kernels/matmul.h"
#include "tf2jax/ops/dot.h"

namespace tf2jax::cpu {

namespace {

// One operand as a stack of matrices: batch axes, then its free axes as one and its contracted axes as one.
struct Matrices {
  Array data;
  Dims batch_strides;
  std::int64_t free_stride, contract_stride;
};

// The stride of several axes seen as one, or nothing when they do not follow each other in memory.
std::optional<std::int64_t> merged_stride(const Axes& axes, const Dims& dims, const Dims& strides) {
  std::int64_t stride = 1, expected = -1;
  for (std::size_t i = axes.size(); i-- > 0;) {
    const std::int64_t size = dims[axes[i]], here = strides[axes[i]];
    if (size == 1) continue;
    if (expected < 0) stride = here;
    else if (here != expected) return std::nullopt;
    expected = here * size;
  }
  return stride;
}

// `x` where it lies when its strides allow, else a copy in the order batch, free, contracted.
Matrices arrange(const Array& x, const Axes& batch, const Axes& contract) {
  Axes free;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (!contains(batch, i) && !contains(contract, i)) free.push_back(i);
  const Dims dims = x.dims(), strides = row_major_strides(dims);
  const auto free_stride = merged_stride(free, dims, strides), contract_stride = merged_stride(contract, dims, strides);
  if (free_stride && contract_stride) {
    Dims batch_strides;
    for (const auto a : batch) batch_strides.push_back(strides[a]);
    return {x, batch_strides, *free_stride, *contract_stride};
  }
  Dims new_dims, new_strides;
  std::int64_t inner = 1, depth = 1;
  for (const Axes* axes : {&batch, static_cast<const Axes*>(&free), &contract})
    for (const auto a : *axes) {
      new_dims.push_back(dims[a]);
      new_strides.push_back(strides[a]);
      if (axes != &batch) inner *= new_dims.back();
      if (axes == &contract) depth *= new_dims.back();
    }
  const int width = itemsize(x.dtype());
  const Array copy = make_array<std::byte>({x.dtype(), symbolic(new_dims), false}, [&](std::byte* out) {
    copy_strided(new_dims, {out, row_major_strides(new_dims)}, {const_cast<std::byte*>(x.bytes().data()), new_strides},
                 width);
  });
  Dims batch_strides(batch.size());
  for (std::size_t i = batch.size(); i-- > 0; inner *= new_dims[i]) batch_strides[i] = inner;
  return {copy, batch_strides, depth, 1};
}

// The first elements of the operands' matrices in place i of the batch.
template <class T>
std::pair<const T*, const T*> in_batch(const Matrices& a, const Matrices& b, const Dims& batch, std::int64_t i) {
  const T *p = elements<T>(a.data), *q = elements<T>(b.data);
  for (std::size_t axis = batch.size(); axis-- > 0; i /= batch[axis]) {
    p += i % batch[axis] * a.batch_strides[axis];
    q += i % batch[axis] * b.batch_strides[axis];
  }
  return {p, q};
}

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Integers wrap: they multiply as unsigned.
template <class T>
Array by_eigen(const Matrices& a, const Matrices& b, const Aval& out, const Dims& batch, std::int64_t m, std::int64_t n,
               std::int64_t k) {
  using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  using Map = Eigen::Map<const Matrix<T>, 0, Strides>;
  return make_array<T>(out, [&](T* y) {
    parallel_for(num_elements(batch), std::max<std::int64_t>(1, (1 << 16) / (m * n * k + 1)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     const auto [p, q] = in_batch<T>(a, b, batch, i);
                     Eigen::Map<Matrix<T>> result(y + i * m * n, m, n);
                     if (k == 0) result.setZero();
                     else
                       result.noalias() = Map(p, m, k, Strides(a.free_stride, a.contract_stride)) *
                                          Map(q, k, n, Strides(b.contract_stride, b.free_stride));
                   }
                 });
  });
}

Array by_matmul(const Matrices& a, const Matrices& b, const Aval& out, const Dims& batch, std::int64_t m,
                std::int64_t n, std::int64_t k) {
  kernels::MatmulSpec s = kernels::contiguous_matmul(a.data.dtype(), m, n, k, batch);
  s.out_dtype = out.dtype;
  s.a_strides = a.batch_strides;
  s.b_strides = b.batch_strides;
  s.a_strides.insert(s.a_strides.end(), {a.free_stride, a.contract_stride});
  s.b_strides.insert(s.b_strides.end(), {b.contract_stride, b.free_stride});
  const auto matmul = kernels::cached_matmul(s);
  return make_array<std::byte>(out,
                               [&](std::byte* y) { matmul->run(a.data.bytes().data(), b.data.bytes().data(), y); });
}

// Without a sum: its products themselves, so that a negative zero stays one.
template <class T>
Array by_products(const Matrices& a, const Matrices& b, const Aval& out, const Dims& batch, std::int64_t m,
                  std::int64_t n) {
  return make_array<T>(out, [&](T* y) {
    for (std::int64_t i = 0; i < num_elements(batch); ++i) {
      const auto [p, q] = in_batch<T>(a, b, batch, i);
      for (std::int64_t r = 0; r < m; ++r)
        for (std::int64_t k = 0; k < n; ++k) *y++ = p[r * a.free_stride] * q[k * b.free_stride];
    }
  });
}

Array converted(const Array& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  return visit_dtype(x.dtype(), [&]<class From>(std::type_identity<From>) -> Array {
    return visit_dtype(dtype, [&]<class To>(std::type_identity<To>) -> Array {
      return map_unary<From, To>(x, {dtype, x.shape(), false},
                                 [](From v) { return tf2jax::detail::convert_scalar<To>(v); });
    });
  });
}

// The type the product is computed in: halves in float, small integers and bools in 32 bits.
DType compute_dtype(DType operand, DType result) {
  const DType d =
      itemsize(result) > itemsize(operand) || (is_inexact(result) && !is_inexact(operand)) ? result : operand;
  switch (d) {
    case DType::f16:
    case DType::bf16: return DType::f32;
    case DType::bool_:
    case DType::i8:
    case DType::i16: return DType::i32;
    case DType::u8:
    case DType::u16: return DType::u32;
    default: return d;
  }
}

Arrays dot_kernel(const KernelCall& c) {
  const DotDims& d = c.params.get<DotParams>().dimension_numbers;
  const Aval& out = c.outputs[0];
  // Mixed operands multiply in the result's type, as the result is the wider of the two.
  const bool same = c.args[0].dtype() == c.args[1].dtype();
  const DType operands = same ? c.args[0].dtype() : out.dtype;
  const Dims lhs = c.args[0].dims(), rhs = c.args[1].dims();
  std::int64_t m = 1, n = 1, k = 1;
  for (const auto i : d.lhs_contract) k *= lhs[i];
  const bool halves = same && k != 1 && (operands == DType::bf16 || operands == DType::f16) &&
                      (out.dtype == operands || out.dtype == DType::f32);
  const DType compute = halves ? operands : compute_dtype(operands, out.dtype);
  Dims batch;
  for (const auto i : d.lhs_batch) batch.push_back(lhs[i]);
  for (std::int64_t i = 0; i < c.args[0].rank(); ++i)
    if (!contains(d.lhs_batch, i) && !contains(d.lhs_contract, i)) m *= lhs[i];
  for (std::int64_t i = 0; i < c.args[1].rank(); ++i)
    if (!contains(d.rhs_batch, i) && !contains(d.rhs_contract, i)) n *= rhs[i];
  const Matrices left = arrange(converted(c.args[0], compute), d.lhs_batch, d.lhs_contract);
  const Matrices right = arrange(converted(c.args[1], compute), d.rhs_batch, d.rhs_contract);
  if (halves) return {by_matmul(left, right, out, batch, m, n, k)};
  const Aval computed{compute, out.shape, false};
  const bool few_products = k == 1 && (m < 16 || n < 16);  // the product kernel multiplies without a sum too
  const Array y = [&]() -> Array {
    if (few_products && compute == DType::f32) return by_products<float>(left, right, computed, batch, m, n);
    if (few_products && compute == DType::f64) return by_products<double>(left, right, computed, batch, m, n);
    switch (compute) {
      case DType::c64: return by_eigen<complex64>(left, right, computed, batch, m, n, k);
      case DType::c128: return by_eigen<complex128>(left, right, computed, batch, m, n, k);
      default: return by_matmul(left, right, computed, batch, m, n, k);
    }
  }();
  if (compute == out.dtype) return {y};
  return {converted(y, out.dtype)};
}

}  // namespace

void register_dot_kernels(KernelTable& table) { table.add(dot_general_p(), dot_kernel); }

}  // namespace tf2jax::cpu
