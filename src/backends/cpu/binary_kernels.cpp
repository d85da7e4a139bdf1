// Kernels of the binary and ternary elementwise primitives.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::cpu {

namespace {

template <class F>
Kernel arithmetic(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      return map_binary<T, T>(c.args[0], c.args[1], c.outputs[0], [f](T x, T y) -> T {
        if constexpr (std::is_same_v<T, bool>) return static_cast<bool>(f(int(x), int(y)));
        else if constexpr (std::is_integral_v<T>) return wrapping(f, x, y);
        else return static_cast<T>(f(wide(x), wide(y)));
      });
    })};
  };
}

template <class T>
T divide(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    if (y == 0) return static_cast<T>(-1);  // as XLA's CPU back end: all bits set
    if constexpr (std::is_signed_v<T>)
      if (y == T(-1)) return static_cast<T>(T(0) - static_cast<std::make_unsigned_t<T>>(x));
    return static_cast<T>(x / y);
  } else {
    return x / y;
  }
}
template <class T>
T remainder(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    if (y == 0) return x;
    if constexpr (std::is_signed_v<T>)
      if (y == T(-1)) return 0;
    return static_cast<T>(x % y);
  } else {
    return std::fmod(x, y);
  }
}

template <class T>
bool less_value(T x, T y) {
  if constexpr (kComplex<T>) return x.real() < y.real() || (x.real() == y.real() && x.imag() < y.imag());
  else return x < y;
}
template <class T>
bool is_nan(T x) {
  return x != x;
}

// NaN wins among real numbers; complex ones compare real parts, then imaginary ones, and NaN loses, as in JAX.
template <class T, class Better>
T extreme(T x, T y, Better better) {
  if constexpr (kComplex<T>)
    return (x.real() == y.real() ? better(x.imag(), y.imag()) : better(x.real(), y.real())) ? x : y;
  else if constexpr (std::is_floating_point_v<T>) {
    if (is_nan(x) || is_nan(y)) return is_nan(x) ? x : y;
    if (x == y) return std::signbit(x) == better(T(-1), T(1)) ? x : y;  // of zeros, the maximum is +0
    return better(y, x) ? y : x;
  } else return better(y, x) ? y : x;
}

template <class F>
Kernel real_numbers(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      if constexpr (kComplex<T> || std::is_same_v<T, bool>) detail_kernel::unsupported_dtype(dtype_of<T>);
      else
        return map_binary<T, T>(c.args[0], c.args[1], c.outputs[0],
                                [f](T x, T y) { return static_cast<T>(f(wide(x), wide(y))); });
    })};
  };
}
template <class F>
Kernel any_type(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      return map_binary<T, T>(c.args[0], c.args[1], c.outputs[0],
                              [f](T x, T y) { return static_cast<T>(f(wide(x), wide(y))); });
    })};
  };
}
template <class F>
Kernel compare_any(F f) {
  return [f](const KernelCall& c) -> Arrays {
    if (c.args[0].dtype() == DType::key)
      return {map_binary<std::uint64_t, bool>(c.args[0], c.args[1], c.outputs[0], f)};
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      return map_binary<T, bool>(c.args[0], c.args[1], c.outputs[0], [f](T x, T y) { return f(wide(x), wide(y)); });
    })};
  };
}
template <class F>
Kernel compare_ordered(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      if constexpr (kComplex<T>) detail_kernel::unsupported_dtype(dtype_of<T>);
      else
        return map_binary<T, bool>(c.args[0], c.args[1], c.outputs[0], [f](T x, T y) { return f(wide(x), wide(y)); });
    })};
  };
}
// Total order on floats: -NaN < -inf < … < -0 < +0 < … < inf < NaN.
template <class T>
auto total(T x) {
  if constexpr (std::is_same_v<T, float>) {
    const auto b = std::bit_cast<std::int32_t>(x);
    return b < 0 ? static_cast<std::int32_t>(b ^ 0x7fffffff) : b;
  } else if constexpr (std::is_same_v<T, double>) {
    const auto b = std::bit_cast<std::int64_t>(x);
    return b < 0 ? static_cast<std::int64_t>(b ^ 0x7fffffffffffffff) : b;
  } else {
    return x;
  }
}
template <class F>
Kernel compare_total(F f) {
  return compare_ordered([f](auto x, auto y) { return f(total(x), total(y)); });
}

template <class F>
Kernel bitwise(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      if constexpr (std::is_integral_v<T>)
        return map_binary<T, T>(c.args[0], c.args[1], c.outputs[0], [f](T x, T y) { return static_cast<T>(f(x, y)); });
      else detail_kernel::unsupported_dtype(dtype_of<T>);
    })};
  };
}

template <class T>
T next_after(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::nextafter(x, y);
  } else {  // 16-bit types: step the bits
    const float a = x, b = y;
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return y;
    if (a == 0) return T::from_bits(static_cast<std::uint16_t>((b > 0 ? 0 : 0x8000) | 1));
    return T::from_bits(static_cast<std::uint16_t>(x.bits + (((a < b) == (a > 0)) ? 1 : -1)));
  }
}

template <class T>
T power(T x, T y) {
  if constexpr (kComplex<T>) {  // the library's takes the logarithm of 0
    if (x == T(0)) {
      if (y == T(0)) return T(1);
      constexpr auto nan = std::numeric_limits<typename T::value_type>::quiet_NaN();
      return y.imag() == 0 && y.real() > 0 ? T(0) : T(nan, nan);
    }
  }
  return std::pow(x, y);
}

Arrays pow_kernel(const KernelCall& c) {
  const DType exponent = c.args[1].dtype();
  if (exponent == c.args[0].dtype())
    return {binary_kernel<float16, bfloat16, float, double, complex64, complex128>(
        [](auto x, auto y) { return power(wide(x), wide(y)); })(c)};
  // Integer exponents: by repeated squaring, as x*x*… rounds better than exp(y log x) for small y.
  const Dims dims = c.outputs[0].dims();
  const Array base = materialize(c.args[0], dims), powers = materialize(c.args[1], dims);
  return {visit_dtype(base.dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (std::is_integral_v<T>) {
      detail_kernel::unsupported_dtype(dtype_of<T>);
    } else {
      const std::vector<std::int64_t> n = powers.to_vector<std::int64_t>();
      return make_array<T>(c.outputs[0], [&](T* out) {
        const T* x = elements<T>(base);
        for (std::size_t i = 0; i < n.size(); ++i) {
          auto b = wide(x[i]);
          auto p = decltype(b)(1);
          for (std::uint64_t k = n[i] < 0 ? 0 - static_cast<std::uint64_t>(n[i]) : static_cast<std::uint64_t>(n[i]); k;
               k >>= 1, b *= b)
            if (k & 1) p *= b;
          out[i] = static_cast<T>(n[i] < 0 ? decltype(p)(1) / p : p);
        }
      });
    }
  })};
}

Arrays complex_kernel(const KernelCall& c) {
  if (c.args[0].dtype() == DType::f32)
    return {map_binary<float, complex64>(c.args[0], c.args[1], c.outputs[0],
                                         [](float a, float b) { return complex64(a, b); })};
  return {map_binary<double, complex128>(c.args[0], c.args[1], c.outputs[0],
                                         [](double a, double b) { return complex128(a, b); })};
}

Arrays clamp_kernel(const KernelCall& c) {
  const Dims dims = c.outputs[0].dims();
  const bool scalar_lo = c.args[0].rank() == 0, scalar_hi = c.args[2].rank() == 0;
  return {visit_dtype(c.args[1].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    return make_array<T>(c.outputs[0], [&](T* out) {
      const T *lo = elements<T>(c.args[0]), *x = elements<T>(c.args[1]), *hi = elements<T>(c.args[2]);
      for (std::int64_t i = 0; i < num_elements(dims); ++i) {
        const T low = lo[scalar_lo ? 0 : i], high = hi[scalar_hi ? 0 : i], v = x[i];
        if (is_nan(wide(v))) out[i] = v;
        else if (is_nan(wide(low)) || is_nan(wide(high))) out[i] = is_nan(wide(low)) ? low : high;
        else if constexpr (kComplex<T>) {
          const T raised = less_value(v, low) ? low : v;
          out[i] = less_value(high, raised) ? high : raised;
        } else {
          out[i] = static_cast<T>(extreme(extreme(wide(v), wide(low), std::greater<>()), wide(high), std::less<>()));
        }
      }
    });
  })};
}

// Which case each element takes: bools as they are, integers of any width as i32 in [0, last].
Array selector(const Array& which, std::int64_t last) {
  if (which.dtype() == DType::bool_) return which;
  return make_array<std::int32_t>(Aval{DType::i32, which.aval().shape, false}, [&](std::int32_t* out) {
    visit_dtype(which.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (std::integral<T> && !std::same_as<T, bool>)
        for (std::int64_t i = 0; i < which.size(); ++i) {
          const T v = elements<T>(which)[i];
          out[i] = std::cmp_less(v, 0)         ? 0
                   : std::cmp_greater(v, last) ? static_cast<std::int32_t>(last)
                                               : static_cast<std::int32_t>(v);
        }
    });
  });
}

Arrays select_kernel(const KernelCall& c) {
  const Array which = selector(c.args[0], static_cast<std::int64_t>(c.args.size()) - 2);
  const std::size_t width = itemsize(c.outputs[0].dtype);
  const bool scalar = which.rank() == 0 && c.outputs[0].rank() != 0;
  const auto choose = [&](std::int64_t i) {
    if (which.dtype() == DType::bool_) return static_cast<std::int64_t>(elements<bool>(which)[i]);
    return std::int64_t{elements<std::int32_t>(which)[i]};
  };
  if (scalar) {
    const Array& chosen = c.args[1 + choose(0)];  // its type may be weak, unlike the result's
    return {chosen.aval() == c.outputs[0] ? chosen : detail::exact_array(c.outputs[0], chosen.bytes())};
  }
  return {make_array<std::byte>(c.outputs[0], [&](std::byte* out) {
    const std::int64_t n = which.size();
    const auto run = [&]<class T>(std::type_identity<T>) {
      T* y = reinterpret_cast<T*>(out);
      if (which.dtype() == DType::bool_) {
        const bool* w = elements<bool>(which);
        const T *a = elements<T>(c.args[1]), *b = elements<T>(c.args[2]);
        for (std::int64_t i = 0; i < n; ++i) y[i] = w[i] ? b[i] : a[i];
      } else {
        for (std::int64_t i = 0; i < n; ++i) y[i] = elements<T>(c.args[1 + choose(i)])[i];
      }
    };
    switch (width) {
      case 1: run(std::type_identity<std::uint8_t>{}); break;
      case 2: run(std::type_identity<std::uint16_t>{}); break;
      case 4: run(std::type_identity<std::uint32_t>{}); break;
      case 8: run(std::type_identity<std::uint64_t>{}); break;
      case 16: run(std::type_identity<complex128>{}); break;
      default: break;
    }
  })};
}

Arrays atan2_kernel(const KernelCall& c) {
  if (is_complex(c.args[0].dtype())) {
    // atan2(y, x) = -i log((x + i y) / sqrt(x^2 + y^2))
    return binary_kernel<complex64, complex128>([](auto y, auto x) {
      using Z = decltype(x);
      const Z i(0, 1);
      return -i * std::log((x + i * y) / std::sqrt(x * x + y * y));
    })(c);
  }
  return binary_kernel<float16, bfloat16, float, double>([](auto y, auto x) { return std::atan2(wide(y), wide(x)); })(
      c);
}

// Shifts by the width or more give what shifting bit by bit would: zeros, or copies of the sign.
template <class Shift>
Kernel logical_shift(Shift shift) {
  return bitwise([shift](auto x, auto y) {
    using T = decltype(x);
    if constexpr (std::is_same_v<T, bool>) return x;
    else {
      using U = std::make_unsigned_t<T>;
      return static_cast<U>(y) >= sizeof(T) * 8 ? T(0) : static_cast<T>(shift(static_cast<U>(x), static_cast<U>(y)));
    }
  });
}
Kernel arithmetic_shift_right() {
  return bitwise([](auto x, auto y) {
    using T = decltype(x);
    if constexpr (std::is_same_v<T, bool>) return x;
    else {
      using S = std::make_signed_t<T>;
      using U = std::make_unsigned_t<T>;
      const U n = std::min<U>(static_cast<U>(y), static_cast<U>(sizeof(T) * 8 - 1));
      return static_cast<T>(static_cast<S>(x) >> n);
    }
  });
}

}  // namespace

void register_binary_kernels(KernelTable& table) {
  const Kernel sum = arithmetic([](auto x, auto y) { return x + y; });
  table.add(add_p(), sum);
  table.add(add_any_p(), sum);
  table.add(sub_p(), arithmetic([](auto x, auto y) { return x - y; }));
  table.add(mul_p(), arithmetic([](auto x, auto y) { return x * y; }));
  table.add(div_p(), any_type([](auto x, auto y) { return divide(x, y); }));
  table.add(rem_p(), real_numbers([](auto x, auto y) { return remainder(x, y); }));
  table.add(max_p(), any_type([](auto x, auto y) { return extreme(x, y, [](auto a, auto b) { return a > b; }); }));
  table.add(min_p(), any_type([](auto x, auto y) { return extreme(x, y, [](auto a, auto b) { return a < b; }); }));
  table.add(pow_p(), pow_kernel);
  table.add(atan2_p(), atan2_kernel);
  table.add(nextafter_p(),
            binary_kernel<float16, bfloat16, float, double>([](auto x, auto y) { return next_after(x, y); }));
  table.add(and_p(), bitwise([](auto x, auto y) { return x & y; }));
  table.add(or_p(), bitwise([](auto x, auto y) { return x | y; }));
  table.add(xor_p(), bitwise([](auto x, auto y) { return x ^ y; }));
  table.add(shift_left_p(), logical_shift([](auto x, auto n) { return x << n; }));
  table.add(shift_right_logical_p(), logical_shift([](auto x, auto n) { return x >> n; }));
  table.add(shift_right_arithmetic_p(), arithmetic_shift_right());
  table.add(eq_p(), compare_any([](auto x, auto y) { return x == y; }));
  table.add(ne_p(), compare_any([](auto x, auto y) { return x != y; }));
  table.add(lt_p(), compare_ordered([](auto x, auto y) { return x < y; }));
  table.add(le_p(), compare_ordered([](auto x, auto y) { return x <= y; }));
  table.add(gt_p(), compare_ordered([](auto x, auto y) { return x > y; }));
  table.add(ge_p(), compare_ordered([](auto x, auto y) { return x >= y; }));
  table.add(eq_to_p(), compare_total([](auto x, auto y) { return x == y; }));
  table.add(le_to_p(), compare_total([](auto x, auto y) { return x <= y; }));
  table.add(lt_to_p(), compare_total([](auto x, auto y) { return x < y; }));
  table.add(complex_p(), complex_kernel);
  table.add(clamp_p(), clamp_kernel);
  table.add(select_n_p(), select_kernel);
}

}  // namespace tf2jax::cpu
