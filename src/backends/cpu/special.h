// Scalar special functions that the C++ library lacks.
#pragma once
#include <cmath>
#include <limits>
#include <numbers>

namespace tf2jax::cpu {

/// Inverse error function by Giles' polynomial approximation for float, refined by Newton steps for double.
/// Source: M. Giles, "Approximating the erfinv function", GPU Computing Gems, 2011.
inline float erf_inv_value(float x) {
  if (!(std::abs(x) < 1.0f))
    return std::abs(x) == 1.0f ? std::copysign(std::numeric_limits<float>::infinity(), x)
                               : std::numeric_limits<float>::quiet_NaN();
  float w = -std::log1p(-x * x);
  float p;
  if (w < 5.0f) {
    w -= 2.5f;
    p = 2.81022636e-08f;
    p = 3.43273939e-07f + p * w;
    p = -3.5233877e-06f + p * w;
    p = -4.39150654e-06f + p * w;
    p = 0.00021858087f + p * w;
    p = -0.00125372503f + p * w;
    p = -0.00417768164f + p * w;
    p = 0.246640727f + p * w;
    p = 1.50140941f + p * w;
  } else {
    w = std::sqrt(w) - 3.0f;
    p = -0.000200214257f;
    p = 0.000100950558f + p * w;
    p = 0.00134934322f + p * w;
    p = -0.00367342844f + p * w;
    p = 0.00573950773f + p * w;
    p = -0.0076224613f + p * w;
    p = 0.00943887047f + p * w;
    p = 1.00167406f + p * w;
    p = 2.83297682f + p * w;
  }
  return p * x;
}
inline double erf_inv_value(double x) {
  if (!(std::abs(x) < 1.0))
    return std::abs(x) == 1.0 ? std::copysign(std::numeric_limits<double>::infinity(), x)
                              : std::numeric_limits<double>::quiet_NaN();
  if (x == 0.0) return x;
  const double a = std::abs(x);
  const auto start = static_cast<double>(erf_inv_value(static_cast<float>(a)));
  double y = std::isfinite(start) ? start : std::sqrt(-std::log1p(-a * a));
  for (int i = 0; i < 4; ++i) {
    // Halley's step; near 1 the complement keeps the digits that 1 - a would lose.
    const double error = a > 0.5 ? (1.0 - a) - std::erfc(y) : std::erf(y) - a;
    const double step = error / (2.0 * std::numbers::inv_sqrtpi * std::exp(-y * y));
    y -= step / (1.0 + y * step);
  }
  return std::copysign(y, x);
}

/// Digamma: reflection for negative arguments, recurrence up to 10, then the asymptotic series (DLMF 5.11.2).
inline double digamma_value(double x) {
  if (x == 0.0) return -std::numeric_limits<double>::infinity();
  if (x < 0.0) {
    if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
    const double fraction = x - std::round(x);  // in [-1/2, 1/2], where tan keeps its digits
    return digamma_value(1.0 - x) - std::numbers::pi / std::tan(std::numbers::pi * fraction);
  }
  double shift = 0.0;
  while (x < 10.0) {
    shift -= 1.0 / x;
    x += 1.0;
  }
  const double r = 1.0 / (x * x);
  const double series =
      r *
      (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r / 12))))));
  return shift + std::log(x) - 0.5 / x - series;
}

}  // namespace tf2jax::cpu
