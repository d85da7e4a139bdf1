// Kernels of reductions and cumulative operations.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax::cpu {
namespace {

template <class T>
concept Half = std::same_as<T, float16> || std::same_as<T, bfloat16>;
template <class T>
concept ComplexNumber = std::same_as<T, complex64> || std::same_as<T, complex128>;

struct Sum;
// The type to accumulate in. Halves lose too much in their own precision, and so does a long sum of floats.
template <class Op, class T>
struct AccumulatorOf {
  using type = std::conditional_t<Half<T>, float, T>;
};
template <>
struct AccumulatorOf<Sum, float> {
  using type = double;
};
template <>
struct AccumulatorOf<Sum, complex64> {
  using type = complex128;
};
template <class Op, class T>
using Accumulator = typename AccumulatorOf<Op, T>::type;

template <class T>
bool is_nan(T v) {
  if constexpr (std::floating_point<T>) return v != v;
  else return false;
}
// Of equal numbers only zeros differ: the maximum is the positive one.
template <class T>
T of_equals(T a, T b, bool largest) {
  if constexpr (std::floating_point<T>) return std::signbit(a) == largest ? b : a;
  else return a;
}
template <class T>
bool less(T a, T b) {
  if constexpr (ComplexNumber<T>) return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  else return a < b;
}
template <class T>
T lowest() {
  if constexpr (ComplexNumber<T>) return T(-std::numeric_limits<typename T::value_type>::infinity());
  else if constexpr (std::floating_point<T>) return -std::numeric_limits<T>::infinity();
  else return std::numeric_limits<T>::lowest();
}
template <class T>
T highest() {
  if constexpr (ComplexNumber<T>) return T(std::numeric_limits<typename T::value_type>::infinity());
  else if constexpr (std::floating_point<T>) return std::numeric_limits<T>::infinity();
  else return std::numeric_limits<T>::max();
}

template <class T, class F>
T combined(T a, T b, F f) {
  if constexpr (std::same_as<T, bool>) return f(a, b) != 0;
  else if constexpr (std::integral<T>) return wrapping(f, a, b);
  else return static_cast<T>(f(a, b));
}

struct Sum {
  template <class T>
  static T identity() {
    return T(0);
  }
  template <class T>
  static T apply(T a, T b) {
    return combined(a, b, [](auto x, auto y) { return x + y; });
  }
};
struct Product {
  template <class T>
  static T identity() {
    return T(1);
  }
  template <class T>
  static T apply(T a, T b) {
    return combined(a, b, [](auto x, auto y) { return x * y; });
  }
};
struct Max {
  template <class T>
  static T identity() {
    return lowest<T>();
  }
  template <class T>
  static T apply(T a, T b) {
    return is_nan(a) ? a : is_nan(b) ? b : less(a, b) ? b : a == b ? of_equals(a, b, true) : a;
  }
};
struct Min {
  template <class T>
  static T identity() {
    return highest<T>();
  }
  template <class T>
  static T apply(T a, T b) {
    return is_nan(a) ? a : is_nan(b) ? b : less(b, a) ? b : a == b ? of_equals(a, b, false) : a;
  }
};
struct And {
  template <class T>
  static T identity() {
    return static_cast<T>(~T(0));
  }
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
template <>
bool And::identity<bool>() {
  return true;
}
struct Or {
  template <class T>
  static T identity() {
    return T(0);
  }
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T identity() {
    return T(0);
  }
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};

// Several independent partial results let the compiler use vector registers.
template <class Op, class A, class T>
A reduce_run(const T* p, std::int64_t n) {
  constexpr std::int64_t kLanes = 16;
  A lanes[kLanes];
  std::fill(lanes, lanes + kLanes, Op::template identity<A>());
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] = Op::template apply<A>(lanes[k], static_cast<A>(p[i + k]));
  for (std::int64_t k = 0; i < n; ++i, ++k) lanes[k] = Op::template apply<A>(lanes[k], static_cast<A>(p[i]));
  for (std::int64_t step = kLanes / 2; step > 0; step /= 2)
    for (std::int64_t k = 0; k < step; ++k) lanes[k] = Op::template apply<A>(lanes[k], lanes[k + step]);
  return lanes[0];
}

// Neighbouring axes of the same kind merged, size-1 axes dropped.
struct Plan {
  Dims sizes;
  std::vector<bool> reduced;
};
Plan plan(const Dims& dims, const Axes& axes) {
  Plan out;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    const bool r = contains(axes, static_cast<std::int64_t>(i));
    if (!out.sizes.empty() && out.reduced.back() == r) out.sizes.back() *= dims[i];
    else {
      out.sizes.push_back(dims[i]);
      out.reduced.push_back(r);
    }
  }
  return out;
}

// Rows of `columns` elements, each to one value.
template <class Op, class T>
void reduce_rows(const T* in, T* out, std::int64_t rows, std::int64_t columns) {
  using A = Accumulator<Op, T>;
  if (rows == 1 && columns >= (1 << 16)) {
    constexpr std::int64_t kPiece = 1 << 14;
    const std::int64_t pieces = (columns + kPiece - 1) / kPiece;
    const auto partial = std::make_unique<A[]>(pieces);  // not vector: A may be bool
    parallel_for(pieces, 1, [&](std::int64_t b, std::int64_t e) {
      for (std::int64_t i = b; i < e; ++i)
        partial[i] = reduce_run<Op, A>(in + i * kPiece, std::min(kPiece, columns - i * kPiece));
    });
    A v = Op::template identity<A>();
    for (std::int64_t i = 0; i < pieces; ++i) v = Op::template apply<A>(v, partial[i]);
    *out = static_cast<T>(v);
    return;
  }
  parallel_for(rows, std::max<std::int64_t>(1, 32768 / columns), [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t r = b; r < e; ++r) out[r] = static_cast<T>(reduce_run<Op, A>(in + r * columns, columns));
  });
}

// Any axes: walks the input in order, with the last axis as an inner loop.
template <class Op, class T>
void reduce_any(const T* in, T* out, const Plan& p, std::int64_t total) {
  using A = Accumulator<Op, T>;
  const std::size_t rank = p.sizes.size();
  Dims out_strides(rank, 0);
  std::int64_t kept = 1;
  for (std::size_t i = rank; i-- > 0;)
    if (!p.reduced[i]) {
      out_strides[i] = kept;
      kept *= p.sizes[i];
    }
  const auto acc = std::make_unique<A[]>(kept);
  std::fill(acc.get(), acc.get() + kept, Op::template identity<A>());
  const std::int64_t inner = p.sizes.back(), outer = total / inner;
  Dims index(rank, 0);
  std::int64_t at = 0;
  for (std::int64_t o = 0; o < outer; ++o) {
    A* a = acc.get() + at;
    const T* x = in + o * inner;
    if (p.reduced.back()) *a = Op::template apply<A>(*a, reduce_run<Op, A>(x, inner));
    else
      for (std::int64_t i = 0; i < inner; ++i) a[i] = Op::template apply<A>(a[i], static_cast<A>(x[i]));
    for (std::size_t d = rank - 1; d-- > 0;) {
      at += out_strides[d];
      if (++index[d] < p.sizes[d]) break;
      at -= out_strides[d] * p.sizes[d];
      index[d] = 0;
    }
  }
  for (std::int64_t i = 0; i < kept; ++i) out[i] = static_cast<T>(acc[i]);
}

template <class Op, class T>
void reduce_typed(const T* in, T* out, const Dims& dims, const Axes& axes) {
  const Plan p = plan(dims, axes);
  const std::int64_t total = num_elements(dims);
  const std::size_t rank = p.sizes.size();
  if (rank == 0) {
    *out = *in;
  } else if (total == 0) {
    std::int64_t n = 1;
    for (std::size_t i = 0; i < dims.size(); ++i)
      if (!contains(axes, static_cast<std::int64_t>(i))) n *= dims[i];
    std::fill(out, out + n, static_cast<T>(Op::template identity<Accumulator<Op, T>>()));
  } else if (rank == 1 && !p.reduced[0]) {
    std::copy(in, in + total, out);
  } else if (rank == 1 || (rank == 2 && p.reduced[1])) {
    reduce_rows<Op>(in, out, total / p.sizes.back(), p.sizes.back());
  } else {
    reduce_any<Op>(in, out, p, total);
  }
}

template <class Op, class P, bool kBitwise = false>
Arrays reduce_kernel(const KernelCall& call) {
  const Array& x = call.args[0];
  const Axes& axes = call.params.get<P>().axes;
  return {detail::exact_array(call.outputs[0], [&](std::byte* out) {
    visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (!kBitwise || std::integral<T>)
        reduce_typed<Op, T>(reinterpret_cast<const T*>(x.bytes().data()), reinterpret_cast<T*>(out), x.dims(), axes);
    });
  })};
}

template <bool kMax>
Arrays arg_kernel(const KernelCall& call) {
  const Array& x = call.args[0];
  const auto& p = call.params.get<ArgReduce>();
  const Dims dims = x.dims();
  std::int64_t outer = 1, inner = 1;
  const std::size_t axis = p.axes[0];
  for (std::size_t i = 0; i < dims.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : dims[i];
  const std::int64_t n = dims[axis];
  std::vector<std::int64_t> best(outer * inner);
  visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
    if constexpr (!ComplexNumber<T>) {
      using A = std::conditional_t<Half<T>, float, T>;
      const T* in = reinterpret_cast<const T*>(x.bytes().data());
      for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i) {
          const T* column = in + o * n * inner + i;
          std::int64_t at = 0;
          A value = static_cast<A>(column[0]);
          for (std::int64_t k = 1; k < n && !is_nan(value); ++k) {
            const A v = static_cast<A>(column[k * inner]);
            if (is_nan(v) || (kMax ? less(value, v) : less(v, value))) {
              value = v;
              at = k;
            }
          }
          best[o * inner + i] = at;
        }
    }
  });
  return {detail::exact_array(call.outputs[0], [&](std::byte* out) {
    visit_dtype(p.index_dtype, [&]<class I>(std::type_identity<I>) {
      if constexpr (std::integral<I>)
        for (std::size_t i = 0; i < best.size(); ++i) reinterpret_cast<I*>(out)[i] = static_cast<I>(best[i]);
    });
  })};
}

struct LogAddExp {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::floating_point<T>) {
      const T delta = a - b;
      if (delta != delta) return a + b;  // equal infinities, or NaN
      return std::max(a, b) + std::log1p(std::exp(-std::fabs(delta)));
    } else if constexpr (ComplexNumber<T>) {
      const T largest = less(a, b) ? b : a, smallest = less(a, b) ? a : b;
      return largest + std::log(T(1) + std::exp(smallest - largest));
    } else {
      return a;
    }
  }
};

template <class Op>
Arrays cumulative_kernel(const KernelCall& call) {
  const Array& x = call.args[0];
  const auto& p = call.params.get<Cumulative>();
  const Dims dims = x.dims();
  std::int64_t outer = 1, inner = 1;
  const std::size_t axis = p.axis;
  for (std::size_t i = 0; i < dims.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : dims[i];
  const std::int64_t n = dims[axis];
  return {detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    if (n == 0) return;
    visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
      using A = Accumulator<Op, T>;
      const T* in = reinterpret_cast<const T*>(x.bytes().data());
      T* out = reinterpret_cast<T*>(bytes);
      parallel_for(outer, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, n * inner)),
                   [&](std::int64_t b, std::int64_t e) {
                     const auto running = std::make_unique<A[]>(inner);
                     for (std::int64_t o = b; o < e; ++o)
                       for (std::int64_t k = 0; k < n; ++k) {
                         const std::int64_t row = (o * n + (p.reverse ? n - 1 - k : k)) * inner;
                         for (std::int64_t i = 0; i < inner; ++i) {
                           A& r = running[i];
                           const A v = static_cast<A>(in[row + i]);
                           r = k == 0 ? v : Op::template apply<A>(r, v);
                           out[row + i] = static_cast<T>(r);
                         }
                       }
                   });
    });
  })};
}

}  // namespace

void register_reduce_kernels(KernelTable& table) {
  table.add(reduce_sum_p(), reduce_kernel<Sum, ReduceAxes>);
  table.add(reduce_prod_p(), reduce_kernel<Product, PlainReduceAxes>);
  table.add(reduce_max_p(), reduce_kernel<Max, ReduceAxes>);
  table.add(reduce_min_p(), reduce_kernel<Min, ReduceAxes>);
  table.add(reduce_and_p(), reduce_kernel<And, PlainReduceAxes, true>);
  table.add(reduce_or_p(), reduce_kernel<Or, PlainReduceAxes, true>);
  table.add(reduce_xor_p(), reduce_kernel<Xor, PlainReduceAxes, true>);
  table.add(argmax_p(), arg_kernel<true>);
  table.add(argmin_p(), arg_kernel<false>);
  table.add(cumsum_p(), cumulative_kernel<Sum>);
  table.add(cumprod_p(), cumulative_kernel<Product>);
  table.add(cummax_p(), cumulative_kernel<Max>);
  table.add(cummin_p(), cumulative_kernel<Min>);
  table.add(cumlogsumexp_p(), cumulative_kernel<LogAddExp>);
}

}  // namespace tf2jax::cpu
