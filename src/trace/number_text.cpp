// Shortest decimal texts of floating-point numbers.
#include "tf2jax/trace/internal/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace tf2jax::detail {
namespace {

Digits split_scientific(const std::string& s) {
  Digits d;
  std::size_t i = 0;
  if (s[i] == '-') {
    d.negative = true;
    ++i;
  }
  const std::size_t e = s.find('e');
  for (; i < e; ++i)
    if (s[i] != '.') d.digits += s[i];
  d.point = std::atoi(s.c_str() + e + 1) + 1;
  while (!d.digits.empty() && d.digits.back() == '0') d.digits.pop_back();
  if (d.digits.empty()) d.point = 1;
  return d;
}

template <class T>
std::string scientific(T v) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific);
  return {buffer, end.ptr};
}
template <class H>
std::string scientific_small(double v) {
  for (int precision = 0; precision < 9; ++precision) {
    const std::string s = fmt::format("{:.{}e}", v, precision);
    if (H(std::strtof(s.c_str(), nullptr)).bits == H(static_cast<float>(v)).bits) return s;
  }
  return fmt::format("{:.9e}", v);
}

std::string plain_float(double v, bool force_point) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  const Digits d = split_scientific(scientific(v));
  const std::string sign = std::signbit(v) ? "-" : "";
  const int n = static_cast<int>(d.digits.size());
  if (n == 0) return sign + (force_point ? "0.0" : "0");
  if (d.point > 16 || d.point < -3) {
    const int exponent = d.point - 1;
    std::string s = sign + d.digits.substr(0, 1);
    if (n > 1) s += "." + d.digits.substr(1);
    return s + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (d.point <= 0) return sign + "0." + std::string(-d.point, '0') + d.digits;
  if (d.point >= n) return sign + d.digits + std::string(d.point - n, '0') + (force_point ? ".0" : "");
  return sign + d.digits.substr(0, d.point) + "." + d.digits.substr(d.point);
}

}  // namespace

std::string float_text(double v) { return plain_float(v, true); }

std::string complex_text(complex128 v) {
  const std::string imag = plain_float(v.imag(), false) + "j";
  if (v.real() == 0 && !std::signbit(v.real())) return imag;
  return "(" + plain_float(v.real(), false) + (std::signbit(v.imag()) ? "" : "+") + imag + ")";
}

Digits shortest_digits(double v, DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::c64: return split_scientific(scientific(static_cast<float>(v)));
    case DType::f16: return split_scientific(scientific_small<float16>(v));
    case DType::bf16: return split_scientific(scientific_small<bfloat16>(v));
    default: return split_scientific(scientific(v));
  }
}

}  // namespace tf2jax::detail
