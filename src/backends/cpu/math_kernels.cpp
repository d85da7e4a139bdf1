// Kernels of the elementary functions on real and complex numbers.
#include <cmath>
#include <complex>
#include <limits>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::cpu {

namespace {

template <class F>
Kernel inexact(F f) {
  return unary_kernel<float16, bfloat16, float, double, complex64, complex128>([f](auto x) { return f(wide(x)); });
}

// expm1 and log1p of complex numbers without cancellation near 0.
template <class T>
std::complex<T> expm1_value(std::complex<T> z) {
  const T x = z.real(), y = z.imag(), s = std::sin(y / 2);
  return {std::expm1(x) * std::cos(y) - 2 * s * s, std::exp(x) * std::sin(y)};
}
template <class T>
T expm1_value(T x) {
  return std::expm1(x);
}
template <class T>
std::complex<T> log1p_value(std::complex<T> z) {
  const T x = z.real(), y = z.imag();
  if (std::abs(x) < T(0.5) && std::abs(y) < T(0.5)) return {std::log1p(x * (2 + x) + y * y) / 2, std::atan2(y, 1 + x)};
  return std::log(std::complex<T>(1 + x, y));
}
template <class T>
T log1p_value(T x) {
  return std::log1p(x);
}

// tanh of complex numbers saturates instead of overflowing.
template <class T>
std::complex<T> tanh_value(std::complex<T> z) {
  if (std::abs(z.real()) > T(20) && std::isfinite(z.imag()))
    return {std::copysign(T(1), z.real()),
            T(4) * std::sin(z.imag()) * std::cos(z.imag()) * std::exp(-2 * std::abs(z.real()))};
  return std::tanh(z);
}
template <class T>
T tanh_value(T x) {
  return std::tanh(x);
}

template <class T>
T logistic_value(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class F>
Arrays complex_to_real(const KernelCall& c, F f) {
  if (c.args[0].dtype() == DType::c64) return {map_unary<complex64, float>(c.args[0], c.outputs[0], f)};
  return {map_unary<complex128, double>(c.args[0], c.outputs[0], f)};
}

Arrays abs_kernel(const KernelCall& c) {
  if (is_complex(c.args[0].dtype())) return complex_to_real(c, [](auto z) { return std::abs(z); });
  return {visit_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (kComplex<T> || std::is_same_v<T, bool>) detail_kernel::unsupported_dtype(dtype_of<T>);
    else
      return map_unary<T, T>(c.args[0], c.outputs[0], [](T x) {
        if constexpr (std::is_unsigned_v<T>) return x;
        else if constexpr (std::is_integral_v<T>) return x < 0 ? wrapping([](auto v) { return -v; }, x) : x;
        else return static_cast<T>(std::abs(wide(x)));
      });
  })};
}

Arrays conj_kernel(const KernelCall& c) {
  switch (c.args[0].dtype()) {
    case DType::c64:
      return {map_unary<complex64, complex64>(c.args[0], c.outputs[0], [](auto z) { return std::conj(z); })};
    case DType::c128:
      return {map_unary<complex128, complex128>(c.args[0], c.outputs[0], [](auto z) { return std::conj(z); })};
    case DType::f64:
      return {map_unary<double, complex128>(c.args[0], c.outputs[0], [](double x) { return complex128(x, 0.0); })};
    case DType::f32:
      return {map_unary<float, complex64>(c.args[0], c.outputs[0], [](float x) { return complex64(x, 0.0f); })};
    default: detail_kernel::unsupported_dtype(c.args[0].dtype());
  }
}

}  // namespace

void register_complex_unary_kernels(KernelTable& table) {
  table.add(exp_p(), inexact([](auto x) { return std::exp(x); }));
  table.add(exp2_p(), inexact([](auto x) {
              if constexpr (kComplex<decltype(x)>) return std::pow(decltype(x)(2), x);
              else return std::exp2(x);
            }));
  table.add(expm1_p(), inexact([](auto x) { return expm1_value(x); }));
  table.add(log_p(), inexact([](auto x) { return std::log(x); }));
  table.add(log2_p(), inexact([](auto x) {
              if constexpr (kComplex<decltype(x)>) return std::log(x) / std::log(typename decltype(x)::value_type(2));
              else return std::log2(x);
            }));
  table.add(log1p_p(), inexact([](auto x) { return log1p_value(x); }));
  table.add(tanh_p(), inexact([](auto x) { return tanh_value(x); }));
  table.add(logistic_p(), inexact([](auto x) { return logistic_value(x); }));
  table.add(sin_p(), inexact([](auto x) { return std::sin(x); }));
  table.add(cos_p(), inexact([](auto x) { return std::cos(x); }));
  table.add(tan_p(), inexact([](auto x) { return std::tan(x); }));
  table.add(asin_p(), inexact([](auto x) { return std::asin(x); }));
  table.add(acos_p(), inexact([](auto x) { return std::acos(x); }));
  table.add(atan_p(), inexact([](auto x) { return std::atan(x); }));
  table.add(sinh_p(), inexact([](auto x) { return std::sinh(x); }));
  table.add(cosh_p(), inexact([](auto x) { return std::cosh(x); }));
  table.add(asinh_p(), inexact([](auto x) { return std::asinh(x); }));
  table.add(acosh_p(), inexact([](auto x) { return std::acosh(x); }));
  table.add(atanh_p(), inexact([](auto x) { return std::atanh(x); }));
  table.add(sqrt_p(), inexact([](auto x) { return std::sqrt(x); }));
  table.add(rsqrt_p(), inexact([](auto x) { return decltype(x)(1) / std::sqrt(x); }));
  table.add(abs_p(), abs_kernel);
  table.add(conj_p(), conj_kernel);
  table.add(real_p(), [](const KernelCall& c) { return complex_to_real(c, [](auto z) { return z.real(); }); });
  table.add(imag_p(), [](const KernelCall& c) { return complex_to_real(c, [](auto z) { return z.imag(); }); });
}

}  // namespace tf2jax::cpu
