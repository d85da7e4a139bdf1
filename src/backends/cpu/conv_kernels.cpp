// Kernel of conv_general_dilated: Convolution where it takes the case; otherwise patches are gathered into a matrix
// (im2col) and multiplied with the kernel.
#include <Eigen/Core>

#include <algorithm>
#include <cstring>
#include <memory>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/kernels/convolution.h"
#include "tf2jax/ops/conv.h"

namespace tf2jax::cpu {
namespace {

template <class To, class From>
To rounded_to(From v) {
  if constexpr (std::same_as<To, float16> || std::same_as<To, bfloat16>) return To(static_cast<float>(v));
  else return static_cast<To>(v);
}

template <class T>
struct Buffer {
  std::unique_ptr<T[]> owned;
  const T* data = nullptr;
};

template <class To, class From>
To convert(From v) {
  if constexpr (std::same_as<From, float16> || std::same_as<From, bfloat16>)
    return static_cast<To>(static_cast<float>(v));
  else return static_cast<To>(v);
}

// `x` as elements of T with its axes permuted; the data itself when nothing changes.
template <class T>
Buffer<T> permuted(const Array& x, const Axes& order) {
  Buffer<T> b;
  const Dims dims = x.dims();
  if (dtype_of<T> == x.dtype() && order == iota_axes(x.rank())) {
    b.data = reinterpret_cast<const T*>(x.bytes().data());
    return b;
  }
  b.owned = std::make_unique<T[]>(std::max<std::int64_t>(1, num_elements(dims)));
  b.data = b.owned.get();
  const Dims strides = row_major_strides(dims);
  Dims sizes, steps;
  for (std::int64_t a : order) {
    sizes.push_back(dims[a]);
    steps.push_back(strides[a]);
  }
  visit_dtype(x.dtype(), [&]<class S>(std::type_identity<S>) {
    if constexpr (requires(S s) { static_cast<T>(s); } || std::same_as<S, float16> || std::same_as<S, bfloat16>) {
      if constexpr (is_complex(dtype_of<S>) == is_complex(dtype_of<T>)) {
        const S* in = reinterpret_cast<const S*>(x.bytes().data());
        T* out = b.owned.get();
        Dims index(sizes.size(), 0);
        std::int64_t from = 0;
        const std::int64_t total = num_elements(sizes);
        for (std::int64_t i = 0; i < total; ++i) {
          out[i] = convert<T>(in[from]);
          for (std::size_t a = sizes.size(); a-- > 0;) {
            from += steps[a];
            if (++index[a] < sizes[a]) break;
            from -= steps[a] * sizes[a];
            index[a] = 0;
          }
        }
      }
    }
  });
  return b;
}

// Canonical form: lhs [N, spatial, C], rhs [kernel, I, O], out [N, spatial, O].
struct Problem {
  std::int64_t batch, groups, in_features, out_features;  // of one group; batch of one batch group
  bool batch_groups;
  Dims in, kernel, out, strides, in_dilation, kernel_dilation;
  Padding padding;
};

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Map = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstMap = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

template <class T>
void convolve(const Problem& p, const T* lhs, const T* rhs, T* out) {
  const std::size_t rank = p.in.size();
  const std::int64_t in_points = num_elements(p.in), kernel_points = num_elements(p.kernel),
                     out_points = num_elements(p.out);
  const std::int64_t lhs_row = p.in_features * (p.batch_groups ? 1 : p.groups), out_row = p.out_features * p.groups;
  const std::int64_t depth = kernel_points * p.in_features;
  bool pointwise = kernel_points == 1;
  for (std::size_t i = 0; i < rank; ++i)
    pointwise = pointwise && p.strides[i] == 1 && p.in_dilation[i] == 1 &&
                p.padding[i] == std::pair<std::int64_t, std::int64_t>(0, 0);
  const Dims in_strides = row_major_strides(p.in);
  const std::int64_t rows = p.batch * out_points;
  const std::int64_t block = std::clamp<std::int64_t>(65536 / std::max<std::int64_t>(1, depth), 8, 512);

  for (std::int64_t g = 0; g < p.groups; ++g) {
    const T* group_lhs = lhs + (p.batch_groups ? g * p.batch * in_points * lhs_row : g * p.in_features);
    const ConstMap<T> weights(rhs + g * p.out_features, depth, p.out_features, Eigen::OuterStride<>(out_row));
    // Whole blocks: how Eigen sums depends on how many rows it is given.
    parallel_for((rows + block - 1) / block, 1, [&](std::int64_t begin, std::int64_t end) {
      std::unique_ptr<T[]> patches;
      if (!pointwise) patches = std::make_unique<T[]>(std::min(block, rows) * depth);
      for (std::int64_t first = begin * block; first < std::min(rows, end * block); first += block) {
        const std::int64_t count = std::min(block, rows - first);
        Map<T> result(out + first * out_row + g * p.out_features, count, p.out_features, Eigen::OuterStride<>(out_row));
        if (pointwise) {
          result.noalias() =
              ConstMap<T>(group_lhs + first * lhs_row, count, p.in_features, Eigen::OuterStride<>(lhs_row)) * weights;
          continue;
        }
        for (std::int64_t r = 0; r < count; ++r) {
          const std::int64_t n = (first + r) / out_points;
          std::int64_t rest = (first + r) % out_points, at[16];
          for (std::size_t a = rank; a-- > 0;) {
            at[a] = rest % p.out[a] * p.strides[a] - p.padding[a].first;
            rest /= p.out[a];
          }
          T* to = patches.get() + r * depth;
          std::int64_t k[16] = {};
          for (std::int64_t e = 0; e < kernel_points; ++e, to += p.in_features) {
            std::int64_t offset = 0;
            for (std::size_t a = 0; a < rank && offset >= 0; ++a) {
              const std::int64_t q = at[a] + k[a] * p.kernel_dilation[a];
              offset = q < 0 || q % p.in_dilation[a] != 0 || q / p.in_dilation[a] >= p.in[a]
                           ? -1
                           : offset + q / p.in_dilation[a] * in_strides[a];
            }
            if (offset < 0) std::fill(to, to + p.in_features, T(0));
            else std::copy_n(group_lhs + (n * in_points + offset) * lhs_row, p.in_features, to);
            for (std::size_t a = rank; a-- > 0;) {
              if (++k[a] < p.kernel[a]) break;
              k[a] = 0;
            }
          }
        }
        result.noalias() = ConstMap<T>(patches.get(), count, depth, Eigen::OuterStride<>(depth)) * weights;
      }
    });
  }
}

Axes canonical(const Axes& spec, bool kernel) {  // spec: (N, C, spatial…) or (O, I, spatial…)
  Axes order(spec.begin() + 2, spec.end());
  if (kernel) {
    order.push_back(spec[1]);
    order.push_back(spec[0]);
  } else {
    order.insert(order.begin(), spec[0]);
    order.push_back(spec[1]);
  }
  return order;
}

template <class T>
Array run(const KernelCall& call) {
  const auto& c = call.params.get<ConvParams>();
  const ConvDims& d = c.dimension_numbers;
  const Array &lhs = call.args[0], &rhs = call.args[1];
  const Dims l = lhs.dims(), r = rhs.dims(), o = call.outputs[0].dims();
  const auto size = [](const Dims& dims, std::int64_t axis) { return dims[axis]; };
  Problem p;
  p.batch_groups = c.batch_group_count > 1;
  p.groups = p.batch_groups ? c.batch_group_count : c.feature_group_count;
  p.batch = size(o, d.out_spec[0]);
  p.in_features = size(r, d.rhs_spec[1]);
  p.out_features = size(r, d.rhs_spec[0]) / p.groups;
  for (std::size_t i = 2; i < d.lhs_spec.size(); ++i) {
    p.in.push_back(size(l, d.lhs_spec[i]));
    p.kernel.push_back(size(r, d.rhs_spec[i]));
    p.out.push_back(size(o, d.out_spec[i]));
  }
  p.strides = c.window_strides;
  p.in_dilation = c.lhs_dilation;
  p.kernel_dilation = c.rhs_dilation;
  p.padding = c.padding;
  const Buffer<T> a = permuted<T>(lhs, canonical(d.lhs_spec, false)), b = permuted<T>(rhs, canonical(d.rhs_spec, true));
  const Axes out_order = canonical(d.out_spec, false);
  const std::int64_t total = num_elements(o);
  const auto compute = [&](T* out) {
    if (num_elements(r) == 0 || num_elements(l) == 0) std::fill(out, out + total, T(0));
    else convolve<T>(p, a.data, b.data, out);
  };
  return detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    if (total == 0) return;
    if (out_order == iota_axes(static_cast<std::int64_t>(o.size())) && call.outputs[0].dtype == dtype_of<T>) {
      compute(reinterpret_cast<T*>(bytes));
      return;
    }
    const auto canonical_out = std::make_unique<T[]>(total);
    compute(canonical_out.get());
    // Element (canonical position) goes to the position the layout asks for.
    const Dims strides = row_major_strides(o);
    Dims sizes, steps, index(o.size(), 0);
    for (std::int64_t axis : out_order) {
      sizes.push_back(size(o, axis));
      steps.push_back(size(strides, axis));
    }
    visit_dtype(call.outputs[0].dtype, [&]<class S>(std::type_identity<S>) {
      if constexpr (requires(S s) { s.real(); } == requires(T t) { t.real(); }) {
        S* out = reinterpret_cast<S*>(bytes);
        std::int64_t to = 0;
        for (std::int64_t i = 0; i < total; ++i) {
          out[to] = rounded_to<S>(canonical_out[i]);
          for (std::size_t axis = sizes.size(); axis-- > 0;) {
            to += steps[axis];
            if (++index[axis] < sizes[axis]) break;
            to -= steps[axis] * sizes[axis];
            index[axis] = 0;
          }
        }
      }
    });
  });
}

std::shared_ptr<const kernels::Convolution> fast_convolution(const KernelCall& call) {
  const auto& c = call.params.get<ConvParams>();
  const DType dtype = call.outputs[0].dtype;
  if (call.args[0].dtype() != dtype || call.args[1].dtype() != dtype || (dtype != DType::f32 && dtype != DType::f64))
    return nullptr;
  kernels::ConvSpec s;
  s.dtype = dtype;
  s.lhs = call.args[0].dims(), s.rhs = call.args[1].dims(), s.out = call.outputs[0].dims();
  s.lhs_spec = c.dimension_numbers.lhs_spec, s.rhs_spec = c.dimension_numbers.rhs_spec,
  s.out_spec = c.dimension_numbers.out_spec;
  s.strides = c.window_strides, s.padding = c.padding, s.lhs_dilation = c.lhs_dilation, s.rhs_dilation = c.rhs_dilation;
  s.feature_group_count = c.feature_group_count, s.batch_group_count = c.batch_group_count;
  return kernels::cached_convolution(s);
}

Arrays conv_kernel(const KernelCall& call) {
  if (const auto fast = fast_convolution(call))
    return {detail::exact_array(call.outputs[0], [&](std::byte* out) {
      fast->run(call.args[0].bytes().data(), call.args[1].bytes().data(), out);
    })};
  check<NotImplementedError>(
      call.args[0].rank() <= 16,
      "conv_general_dilated: the operand has too many spatial axes. Got {}; expected at most 14 of them.",
      call.args[0].aval());
  const DType in = call.args[0].dtype(), out = call.outputs[0].dtype;
  if (in == DType::c128 || out == DType::c128) return {run<complex128>(call)};
  if (in == DType::c64) return {run<complex64>(call)};
  if (is_integer(in) && is_integer(out)) return {run<std::int64_t>(call)};
  if (in == DType::f64 || out == DType::f64 || is_integer(in)) return {run<double>(call)};
  return {run<float>(call)};
}

}  // namespace

void register_conv_kernels(KernelTable& table) { table.add(conv_general_dilated_p(), conv_kernel); }

}  // namespace tf2jax::cpu
