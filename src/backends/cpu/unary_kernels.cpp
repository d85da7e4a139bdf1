// Kernels of the unary elementwise primitives on real numbers.
#include <algorithm>
#include <bit>
#include <cmath>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/special.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::cpu {

namespace {

template <class F>
Kernel floating(F f) {
  return unary_kernel<float16, bfloat16, float, double>([f](auto x) { return f(wide(x)); });
}

template <class T>
T integer_power(T base, std::uint64_t n) {
  T out = T(1);
  for (; n; n >>= 1) {
    if (n & 1) out = static_cast<T>(out * base);
    base = static_cast<T>(base * base);
  }
  return out;
}

Arrays integer_pow_kernel(const KernelCall& c) {
  const std::int64_t y = c.params.get<IntegerPow>().y;
  const auto n = static_cast<std::uint64_t>(y < 0 ? -y : y);
  return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (std::is_same_v<T, bool>) detail_kernel::unsupported_dtype(DType::bool_);
    else
      return map_unary<T, T>(c.args[0], c.outputs[0], [=](T x) {
        if constexpr (std::is_integral_v<T>) {
          if (y < 0) return static_cast<T>(x == T(1) ? T(1) : T(0));
          return wrapping([n](auto v) { return integer_power(v, n); }, x);
        } else {
          const auto p = integer_power(wide(x), n);
          return static_cast<T>(y < 0 ? decltype(p)(1) / p : p);
        }
      });
  })};
}

Arrays sign_kernel(const KernelCall& c) {
  return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    return map_unary<T, T>(c.args[0], c.outputs[0], [](T v) -> T {
      if constexpr (requires { v.real(); }) {
        using R = typename T::value_type;
        const R m = std::abs(v);
        return m == R(0) ? v : v / m;
      } else if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
        return static_cast<T>(v != T(0));
      } else if constexpr (std::is_integral_v<T>) {
        return static_cast<T>((v > 0) - (v < 0));
      } else {
        const auto x = wide(v);
        return static_cast<T>(x > 0 ? decltype(x)(1) : x < 0 ? decltype(x)(-1) : x);  // keeps -0 and NaN
      }
    });
  })};
}

template <class F>
Kernel numeric(F f) {
  return [f](const KernelCall& c) -> Arrays {
    return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
      if constexpr (std::is_same_v<T, bool>) detail_kernel::unsupported_dtype(DType::bool_);
      else if constexpr (std::is_integral_v<T>)
        return map_unary<T, T>(c.args[0], c.outputs[0], [f](T x) { return wrapping(f, x); });
      else return map_unary<T, T>(c.args[0], c.outputs[0], [f](T x) { return f(wide(x)); });
    })};
  };
}

template <class F>
Kernel integers(F f) {
  return unary_kernel<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                      std::uint64_t>(f);
}

Arrays round_kernel(const KernelCall& c) {
  const bool even = c.params.get<RoundParams>().rounding_method == 1;
  const Kernel k =
      even ? floating([](auto x) { return std::nearbyint(x); }) : floating([](auto x) { return std::round(x); });
  return k(c);
}

Arrays is_finite_kernel(const KernelCall& c) {
  return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      return map_unary<T, bool>(c.args[0], c.outputs[0], [](T x) { return std::isfinite(wide(x)); });
    else detail_kernel::unsupported_dtype(dtype_of<T>);
  })};
}

Arrays reduce_precision_kernel(const KernelCall& c) {
  const auto& p = c.params.get<ReducePrecision>();
  // More bits than a double has change nothing.
  const int exponent = static_cast<int>(std::min<std::int64_t>(p.exponent_bits, 12)),
            mantissa = static_cast<int>(std::min<std::int64_t>(p.mantissa_bits, 52));
  const int bias = (1 << (exponent - 1)) - 1;
  const Kernel k = floating([=](auto x) {
    if (!std::isfinite(x) || x == 0) return x;
    int e;
    std::frexp(x, &e);  // x = m 2^e with m in [1/2, 1)
    const double unit = std::ldexp(1.0, e - 1 - mantissa);
    double units = unit == 0 ? 0 : std::nearbyint(x / unit);
    // Ties go to the even last bit; where no bit of the mantissa stays that is the exponent's, whose bias is odd in
    // every type.
    if (mantissa == 0 && std::abs(x / unit) == 1.5) units = std::copysign(e % 2 == 0 ? 1 : 2, x);
    const auto rounded = unit == 0 ? x : static_cast<decltype(x)>(units * unit);
    if (std::abs(rounded) >= std::ldexp(decltype(x)(1), bias + 1))
      return std::copysign(std::numeric_limits<decltype(x)>::infinity(), x);
    if (std::abs(rounded) < std::ldexp(decltype(x)(1), 1 - bias))
      return std::copysign(decltype(x)(0), x);  // no subnormals
    return rounded;
  });
  return k(c);
}

}  // namespace

void register_unary_kernels(KernelTable& table) {
  table.add(neg_p(), numeric([](auto x) { return -x; }));
  table.add(square_p(), numeric([](auto x) { return x * x; }));
  table.add(one_minus_square_p(), numeric([](auto x) {
              using T = decltype(x);
              return (T(1) - x) * (T(1) + x);
            }));
  table.add(sign_p(), sign_kernel);
  table.add(integer_pow_p(), integer_pow_kernel);
  table.add(floor_p(), floating([](auto x) { return std::floor(x); }));
  table.add(ceil_p(), floating([](auto x) { return std::ceil(x); }));
  table.add(round_p(), round_kernel);
  table.add(is_finite_p(), is_finite_kernel);
  table.add(cbrt_p(), floating([](auto x) { return std::cbrt(x); }));
  table.add(erf_p(), floating([](auto x) { return std::erf(x); }));
  table.add(erfc_p(), floating([](auto x) { return std::erfc(x); }));
  table.add(erf_inv_p(), floating([](auto x) { return erf_inv_value(x); }));
  table.add(lgamma_p(), floating([](auto x) {
              int sign;
              return static_cast<decltype(x)>(::lgamma_r(static_cast<double>(x), &sign));
            }));
  table.add(digamma_p(),
            floating([](auto x) { return static_cast<decltype(x)>(digamma_value(static_cast<double>(x))); }));
  table.add(reduce_precision_p(), reduce_precision_kernel);
  table.add(population_count_p(),
            integers([](auto x) { return std::popcount(static_cast<std::make_unsigned_t<decltype(x)>>(x)); }));
  table.add(clz_p(),
            integers([](auto x) { return std::countl_zero(static_cast<std::make_unsigned_t<decltype(x)>>(x)); }));
  table.add(not_p(), [](const KernelCall& c) -> Arrays {
    if (c.args[0].dtype() == DType::bool_)
      return {map_unary<bool, bool>(c.args[0], c.outputs[0], [](bool x) { return !x; })};
    return integers([](auto x) { return ~x; })(c);
  });
  const Kernel identity = [](const KernelCall& c) -> Arrays { return {c.args[0]}; };
  table.add(copy_p(), identity);
  table.add(stop_gradient_p(), identity);
}

}  // namespace tf2jax::cpu
