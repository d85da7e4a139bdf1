// NumPy-like functions about the parts of floating-point numbers.
#include "tf2jax/ops/ieee.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

std::pair<Array, Array> inexact_pair(std::string_view where, const Array& x, const Array& y) {
  const Array operands[] = {x, y};
  const Arrays in = promote_inexact(where, operands);
  return {in[0], in[1]};
}
std::pair<Array, Array> real_pair(std::string_view where, const Array& x, const Array& y) {
  auto in = inexact_pair(where, x, y);
  check<DtypeError>(!is_complex(in.first.dtype()), "{}: complex numbers are not ordered. Got {} and {}.", where,
                    x.aval(), y.aval());
  return in;
}
// |x - y|, 0 for infinities of one sign.
Array distance(const Array& x, const Array& y) { return abs(where(equal(x, y), 0.0, sub(x, y))); }
DType signed_integer_of_width(std::int64_t bytes) {
  return bytes == 2 ? DType::i16 : bytes == 4 ? DType::i32 : DType::i64;
}
double largest(DType dtype) {
  switch (dtype) {
    case DType::f16: return 65504;
    case DType::bf16: return 0x1.FEp127;
    case DType::f32: return std::numeric_limits<float>::max();
    default: return std::numeric_limits<double>::max();
  }
}

}  // namespace

Array signbit(const Array& x) {
  check<DtypeError>(!is_complex(x.dtype()), "signbit: complex numbers have no sign. Got {}.", x.aval());
  if (!is_floating(x.dtype())) return less(x, zeros_like(x));
  const DType bits = signed_integer_of_width(itemsize(x.dtype()));
  return less(bitcast_convert_type_p().bind1({stop_gradient(x)}, NewDtype{bits}), 0);
}
Array copysign(const Array& x, const Array& y) {
  const auto [a, b] = real_pair("copysign", x, y);
  const Array magnitude = abs(a);
  return where(signbit(b), neg(magnitude), magnitude);
}
Array heaviside(const Array& x, const Array& h) {
  const auto [a, at_zero] = real_pair("heaviside", x, h);
  const Array step = where(less(a, 0), zeros_like(a), where(greater(a, 0), ones_like(a), at_zero));
  return where(isnan(a), a, step);
}
Array fmax(const Array& x, const Array& y) { return where(logical_or(greater(x, y), isnan(y)), x, y); }
Array fmin(const Array& x, const Array& y) { return where(logical_or(less(x, y), isnan(y)), x, y); }

Array nan_to_num(const Array& x, double nan) {
  if (is_complex(x.dtype())) return complex(nan_to_num(real(x), nan), nan_to_num(imag(x), nan));
  if (!is_floating(x.dtype())) return x;
  const double most = largest(x.dtype());
  const Array number = where(isnan(x), full_like(x, nan), x);
  return where(equal(x, INFINITY), full_like(x, most), where(equal(x, -INFINITY), full_like(x, -most), number));
}

Array hypot(const Array& x, const Array& y) {
  const auto [given_x, given_y] = real_pair("hypot", x, y);
  const Array a = abs(given_x), b = abs(given_y), more = maximum(a, b), less_of_both = minimum(a, b);
  const Array zero = equal(more, 0), scale = where(zero, ones_like(more), more);
  const Array length = where(zero, more, more * sqrt(1 + square(less_of_both / scale)));
  const Array infinite = logical_or(equal(a, INFINITY), equal(b, INFINITY));
  return where(infinite, full_like(length, INFINITY), length);
}

Array logaddexp(const Array& x, const Array& y) {
  const auto [a, b] = inexact_pair("logaddexp", x, y);
  if (is_complex(a.dtype())) {
    const Array largest = maximum(a, b), out = add(largest, log1p(exp(sub(add(a, b), largest * 2))));
    constexpr double kPi = std::numbers::pi;
    return complex(real(out), mod(imag(out) + kPi, 2 * kPi) - kPi);
  }
  return add(maximum(a, b), log1p(exp(neg(distance(a, b)))));
}
Array logaddexp2(const Array& x, const Array& y) {
  const auto [a, b] = real_pair("logaddexp2", x, y);
  return add(maximum(a, b), log1p(exp2(neg(distance(a, b)))) * std::numbers::log2e);
}
Array log_sigmoid(const Array& x) { return neg(softplus(neg(to_inexact(x)))); }

Array angle(const Array& x) {
  if (is_complex(x.dtype())) return atan2(imag(x), real(x));
  const Array y = rules::as_dtype(x, canonical_dtype(DType::f64));
  return where(isnan(y), y, where(less(y, 0), full_like(y, std::numbers::pi), zeros_like(y)));
}

}  // namespace tf2jax
