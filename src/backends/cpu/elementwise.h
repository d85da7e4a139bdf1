// Elementwise loops over concrete arrays, and kernels made from scalar functions.
#pragma once
#include <algorithm>
#include <concepts>
#include <cstring>
#include <type_traits>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax::cpu {

/// Elements per piece of work handed to a thread: below it a loop stays on the calling thread.
inline constexpr std::int64_t kGrain = 32768;

template <class T>
inline constexpr bool kComplex = requires(T x) { x.real(); };
template <class T>
inline constexpr bool kHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;
/// Half types compute in float; the result is rounded when stored.
template <class T>
auto wide(T x) {
  if constexpr (kHalf<T>) return static_cast<float>(x);
  else return x;
}

/// f(x...) of integers, which wrap: arithmetic happens in an unsigned type that nothing promotes.
template <class T, class F>
T wrapping(F f, T x, std::same_as<T> auto... more) {
  using U = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
  return static_cast<T>(f(static_cast<U>(x), static_cast<U>(more)...));
}

/// `x` repeated to exactly `dims` (scalars and size-1 axes repeat); `x` itself when it has them.
Array materialize(const Array& x, const Dims& dims);

/// A new array of `aval` whose elements are written by `fill(T* out)`.
template <class T, class Fill>
Array make_array(const Aval& aval, Fill&& fill) {
  detail::Ref<detail::ConcreteValue> value(new detail::ConcreteValue(aval));
  fill(reinterpret_cast<T*>(value->data));
  return Array(detail::Ref<const detail::Value>(value.get()));
}
template <class T>
const T* elements(const Array& x) {
  return reinterpret_cast<const T*>(x.bytes().data());
}

/// Runs `body(begin, end)` over [0, n), in parallel when that pays.
template <class Body>
void for_range(std::int64_t n, Body&& body) {
  if (n <= kGrain) body(std::int64_t{0}, n);
  else parallel_for(n, kGrain, body);
}

/// out[i] = f(x[i]).
template <class In, class Out, class F>
Array map_unary(const Array& x, const Aval& out, F f) {
  return make_array<Out>(out, [&](Out* y) {
    const In* a = elements<In>(x);
    for_range(x.size(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = static_cast<Out>(f(a[i]));
    });
  });
}

/// out[i] = f(x[i], y[i]), with scalar operands repeated.
template <class In, class Out, class F>
Array map_binary(const Array& lhs, const Array& rhs, const Aval& out, F f) {
  const Dims dims = out.dims();
  const std::int64_t n = num_elements(dims);
  const bool lhs_scalar = lhs.rank() == 0 && !dims.empty(), rhs_scalar = rhs.rank() == 0 && !dims.empty();
  const Array a = lhs_scalar ? lhs : materialize(lhs, dims), b = rhs_scalar ? rhs : materialize(rhs, dims);
  return make_array<Out>(out, [&](Out* y) {
    const In *p = elements<In>(a), *q = elements<In>(b);
    for_range(n, [&](std::int64_t begin, std::int64_t end) {
      if (lhs_scalar && !rhs_scalar) {
        const In s = *p;
        for (std::int64_t i = begin; i < end; ++i) y[i] = static_cast<Out>(f(s, q[i]));
      } else if (rhs_scalar && !lhs_scalar) {
        const In s = *q;
        for (std::int64_t i = begin; i < end; ++i) y[i] = static_cast<Out>(f(p[i], s));
      } else if (lhs_scalar) {
        std::fill(y + begin, y + end, static_cast<Out>(f(*p, *q)));
      } else {
        for (std::int64_t i = begin; i < end; ++i) y[i] = static_cast<Out>(f(p[i], q[i]));
      }
    });
  });
}

namespace detail_kernel {
[[noreturn]] void unsupported_dtype(DType dtype);
}

/// A kernel for a unary primitive that keeps the dtype, from one generic scalar function; `T...` are the element types
/// it accepts. f16 and bf16 compute in float.
template <class... T, class F>
Kernel unary_kernel(F f) {
  return [f](const KernelCall& c) -> Arrays {
    Arrays out;
    const bool done =
        ((c.args[0].dtype() == dtype_of<T> && (out.push_back(map_unary<T, T>(c.args[0], c.outputs[0], f)), true)) ||
         ...);
    if (!done) detail_kernel::unsupported_dtype(c.args[0].dtype());
    return out;
  };
}
/// Likewise for two operands of one dtype.
template <class... T, class F>
Kernel binary_kernel(F f) {
  return [f](const KernelCall& c) -> Arrays {
    Arrays out;
    const bool done = ((c.args[0].dtype() == dtype_of<T> &&
                        (out.push_back(map_binary<T, T>(c.args[0], c.args[1], c.outputs[0], f)), true)) ||
                       ...);
    if (!done) detail_kernel::unsupported_dtype(c.args[0].dtype());
    return out;
  };
}
/// Two operands of one dtype to bool.
template <class... T, class F>
Kernel comparison_kernel(F f) {
  return [f](const KernelCall& c) -> Arrays {
    Arrays out;
    const bool done = ((c.args[0].dtype() == dtype_of<T> &&
                        (out.push_back(map_binary<T, bool>(c.args[0], c.args[1], c.outputs[0], f)), true)) ||
                       ...);
    if (!done) detail_kernel::unsupported_dtype(c.args[0].dtype());
    return out;
  };
}

}  // namespace tf2jax::cpu
