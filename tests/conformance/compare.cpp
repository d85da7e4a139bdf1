// Comparison of results with recorded ones.
#include "compare.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace conformance {

using namespace tf2jax;

namespace {

struct Precision {
  double rtol, tiny;
};
Precision precision_of(DType d) {
  switch (real_dtype(d)) {
    case DType::f64: return {1e-11, std::numeric_limits<double>::min()};
    case DType::f32: return {2e-5, std::numeric_limits<float>::min()};
    case DType::f16: return {2e-3, 6.2e-5};
    case DType::bf16: return {1.6e-2, std::numeric_limits<float>::min()};
    default: return {0, 0};
  }
}

// One real component. Returns the error in units of what is allowed; infinity when it can never be right.
double component_error(double got, double want, double allowed, double tiny) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  if (std::isnan(got) || std::isnan(want)) return HUGE_VAL;
  if (std::isinf(got) || std::isinf(want)) return HUGE_VAL;
  if (std::fabs(got) <= tiny && std::fabs(want) <= tiny) return 0;
  return allowed > 0 ? std::fabs(got - want) / allowed : HUGE_VAL;
}

}  // namespace

Comparison compare(const Array& got, const Array& want, const Tolerance& t) {
  Comparison out;
  if (got.dtype() != want.dtype() || !identical(got.shape(), want.shape())) {
    out.worst = HUGE_VAL;
    out.message = fmt::format("got {}, expected {}", got.aval().to_string(), want.aval().to_string());
    return out;
  }
  if (want.dtype() == DType::float0) return out;
  const std::int64_t n = want.size();
  if (want.dtype() == DType::key) {
    if (std::memcmp(got.bytes().data(), want.bytes().data(), got.bytes().size()) != 0) out.message = "keys differ";
    return out;
  }
  Precision p = precision_of(want.dtype());
  if (t.coarsest && is_inexact(*t.coarsest)) p.rtol = std::max(p.rtol, precision_of(*t.coarsest).rtol);
  const bool exact = t.exact || !is_inexact(want.dtype());
  visit_dtype(want.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* a = reinterpret_cast<const T*>(got.bytes().data());
    const T* b = reinterpret_cast<const T*>(want.bytes().data());
    double largest = 0;
    const auto magnitude = [](T v) {
      if constexpr (requires { v.real(); }) return static_cast<double>(std::abs(v));
      else return std::fabs(static_cast<double>(v));
    };
    for (std::int64_t i = 0; i < n; ++i)
      if (const double m = magnitude(b[i]); std::isfinite(m)) largest = std::max(largest, m);
    const double rtol = t.rtol.value_or(p.rtol * t.scale),
                 atol = t.atol.value_or(t.pointwise ? 0 : rtol * largest * 0.5);
    for (std::int64_t i = 0; i < n; ++i) {
      double error = 0;
      if constexpr (requires(T v) { v.real(); }) {
        const bool nan_a = std::isnan(a[i].real()) || std::isnan(a[i].imag()),
                   nan_b = std::isnan(b[i].real()) || std::isnan(b[i].imag());
        const bool inf_a = std::isinf(a[i].real()) || std::isinf(a[i].imag()),
                   inf_b = std::isinf(b[i].real()) || std::isinf(b[i].imag());
        const double allowed = exact ? 0 : atol + rtol * magnitude(b[i]);
        if ((nan_a && nan_b) || (inf_a && inf_b)) error = 0;
        else
          error = std::max(component_error(a[i].real(), b[i].real(), allowed, p.tiny),
                           component_error(a[i].imag(), b[i].imag(), allowed, p.tiny));
      } else if constexpr (std::integral<T>) {
        error = a[i] == b[i] ? 0 : HUGE_VAL;
      } else {
        const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        error = component_error(x, y, exact ? 0 : atol + rtol * std::fabs(y), exact ? 0 : p.tiny);
      }
      out.worst = std::max(out.worst, error);
      if (error > 1 && !out.message) {
        const auto text = [](T v) {
          if constexpr (requires { v.real(); }) return fmt::format("({}, {})", v.real(), v.imag());
          else if constexpr (std::integral<T>) return fmt::format("{}", v);
          else return fmt::format("{:.9g}", static_cast<double>(v));
        };
        out.message =
            fmt::format("element {} of {}: got {}, expected {}", i, want.aval().to_string(), text(a[i]), text(b[i]));
      }
    }
  });
  return out;
}

}  // namespace conformance
