// Printing arrays as NumPy prints them (numpy.array2string with its default options).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <ostream>

#include "tf2jax/base/shown.h"
#include "tf2jax/trace/array.h"
#include "tf2jax/trace/internal/number_text.h"

namespace tf2jax {
namespace {

constexpr int kPrecision = 8, kLineWidth = 75;
constexpr std::int64_t kThreshold = 1000, kEdge = 3;

std::string pad_left(std::string s, std::size_t width) {
  return s.size() < width ? std::string(width - s.size(), ' ') + s : s;
}

// Positional text with at most kPrecision fractional digits, no trailing zeros, always with a point.
std::string positional(double v, DType dtype) {
  const detail::Digits d = detail::shortest_digits(v, dtype);
  const int n = static_cast<int>(d.digits.size());
  std::string s;
  if (n - d.point > kPrecision) {
    s = fmt::format("{:.{}f}", std::fabs(v), kPrecision);
    while (s.back() == '0') s.pop_back();
  } else if (d.point <= 0) {
    s = "0." + std::string(-d.point, '0') + d.digits;
  } else if (d.point >= n) {
    s = d.digits + std::string(d.point - n, '0') + ".";
  } else {
    s = d.digits.substr(0, d.point) + "." + d.digits.substr(d.point);
  }
  return (std::signbit(v) ? "-" : "") + s;
}
// Fractional digits of the mantissa, at most kPrecision.
int mantissa_digits(double v, DType dtype) {
  return std::clamp(static_cast<int>(detail::shortest_digits(v, dtype).digits.size()) - 1, 0, kPrecision);
}
std::string scientific(double v, DType dtype, int precision) {
  const detail::Digits d = detail::shortest_digits(v, dtype);
  if (static_cast<int>(d.digits.size()) > precision + 1) return fmt::format("{:.{}e}", v, precision);
  std::string digits = d.digits.empty() ? "0" : d.digits;
  const int exponent = d.digits.empty() ? 0 : d.point - 1;
  digits.resize(static_cast<std::size_t>(precision) + 1, '0');
  return fmt::format("{}{}.{}e{}{:02}", std::signbit(v) ? "-" : "", digits.substr(0, 1), digits.substr(1),
                     exponent < 0 ? '-' : '+', std::abs(exponent));
}

// Chooses one notation and one width for all elements.
class FloatFormat {
 public:
  FloatFormat(const std::vector<double>& values, DType dtype, bool plus) : dtype_(dtype), plus_(plus) {
    double largest = 0, smallest = HUGE_VAL;
    bool any = false;
    for (double v : values) {
      const double a = std::fabs(v);
      if (!std::isfinite(a) || a == 0) continue;
      any = true;
      largest = std::max(largest, a);
      smallest = std::min(smallest, a);
    }
    exponential_ = any && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000.);
    std::size_t left = 0, right = 0;
    if (exponential_)
      for (double v : values)
        if (std::isfinite(v)) precision_ = std::max(precision_, mantissa_digits(v, dtype));
    for (double v : values) {
      if (!std::isfinite(v)) continue;
      const std::string s = exponential_ ? scientific(v, dtype_, precision_) : positional(v, dtype_);
      const std::size_t point = s.find('.');
      left = std::max(left, point + (plus_ && s[0] != '-' ? 1 : 0));
      right = std::max(right, s.size() - point - 1);
    }
    for (double v : values)
      if (!std::isfinite(v)) {
        const std::size_t width = text_of_special(v).size();
        left = std::max(left, width > right + 1 ? width - right - 1 : 0);
      }
    left_ = left;
    right_ = right;
  }
  std::string operator()(double v) const {
    if (!std::isfinite(v)) return pad_left(text_of_special(v), left_ + right_ + 1);
    std::string s = exponential_ ? scientific(v, dtype_, precision_) : positional(v, dtype_);
    if (plus_ && s[0] != '-') s = "+" + s;
    const std::size_t point = s.find('.');
    if (point < left_) s = std::string(left_ - point, ' ') + s;
    const std::size_t width = left_ + 1 + right_;
    if (s.size() < width) s.append(width - s.size(), ' ');
    return s;
  }

 private:
  std::string text_of_special(double v) const {
    if (std::isnan(v)) return plus_ ? "+nan" : "nan";
    return v < 0 ? "-inf" : plus_ ? "+inf" : "inf";
  }
  DType dtype_;
  bool plus_, exponential_ = false;
  int precision_ = 0;
  std::size_t left_ = 0, right_ = 0;
};

using Formatter = std::function<std::string(std::int64_t)>;  // of the element at a flat index

struct Layout {
  const Dims& dims;
  Dims strides;
  const Formatter& format;
  bool summary;

  static void extend(std::string& done, std::string& line, const std::string& word, int width,
                     const std::string& indent) {
    if (static_cast<int>(line.size() + word.size()) > width && line.size() > indent.size()) {
      while (!line.empty() && line.back() == ' ') line.pop_back();
      done += line + "\n";
      line = indent;
    }
    line += word;
  }
  std::string operator()(std::size_t axis, std::int64_t offset, const std::string& indent, int width) const {
    if (axis == dims.size()) return format(offset);
    const std::int64_t n = dims[axis];
    const bool cut = summary && n > 2 * kEdge;
    const std::size_t left = dims.size() - axis;
    std::string done;
    const auto each = [&](auto&& item, auto&& dots) {
      for (std::int64_t i = 0; i < n; ++i) {
        if (cut && i == kEdge) {
          dots();
          i = n - kEdge;
        }
        item((*this)(axis + 1, offset + i * strides[axis], indent + " ", width - 1), i == n - 1);
      }
    };
    if (left == 1) {
      std::string line = indent;
      each(
          [&](const std::string& word, bool last) {
            extend(done, line, word, width - 1, indent);
            if (!last) line += " ";
          },
          [&] {
            extend(done, line, "...", width - 1, indent);
            line += " ";
          });
      done += line;
    } else {
      const std::string separator(left - 1, '\n');
      each([&](const std::string& nested, bool last) { done += indent + nested + (last ? "" : separator); },
           [&] { done += indent + "..." + separator; });
    }
    return "[" + (done.size() > indent.size() ? done.substr(indent.size()) : std::string()) + "]";
  }
};

// Flat indices that will be shown.
void shown(const Dims& dims, const Dims& strides, bool summary, std::size_t axis, std::int64_t offset,
           std::vector<std::int64_t>& out) {
  if (axis == dims.size()) {
    out.push_back(offset);
    return;
  }
  for (std::int64_t i = 0; i < dims[axis]; ++i) {
    if (summary && dims[axis] > 2 * kEdge && i == kEdge) i = dims[axis] - kEdge;
    shown(dims, strides, summary, axis + 1, offset + i * strides[axis], out);
  }
}

std::string scalar_text(const Array& x) {
  return visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) -> std::string {
    if constexpr (std::same_as<T, bool>) return x.item<bool>() ? "True" : "False";
    else if constexpr (std::unsigned_integral<T>) return std::to_string(x.item<std::uint64_t>());
    else if constexpr (std::integral<T>) return std::to_string(x.item<std::int64_t>());
    else if constexpr (requires(T t) { t.real(); }) return detail::complex_text(x.item<complex128>());
    else {
      const double v = x.item<double>();
      if (!std::isfinite(v) || v == 0) return detail::float_text(v);
      // Shortest digits of this dtype, in Python's layout.
      const detail::Digits d = detail::shortest_digits(v, x.dtype());
      return detail::float_text(
          std::strtod(fmt::format("{}0.{}e{}", d.negative ? "-" : "", d.digits, d.point).c_str(), nullptr));
    }
  });
}

Formatter make_formatter(const Array& x, const std::vector<std::int64_t>& indices) {
  return visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) -> Formatter {
    const T* p = reinterpret_cast<const T*>(x.bytes().data());
    if constexpr (std::same_as<T, bool>) {
      return [p](std::int64_t i) { return p[i] ? std::string(" True") : std::string("False"); };
    } else if constexpr (std::integral<T>) {
      std::size_t width = 0;
      for (std::int64_t i : indices) width = std::max(width, std::to_string(p[i]).size());
      return [p, width](std::int64_t i) { return pad_left(std::to_string(p[i]), width); };
    } else if constexpr (requires(T t) { t.real(); }) {
      std::vector<double> re, im;
      for (std::int64_t i : indices) {
        re.push_back(p[i].real());
        im.push_back(p[i].imag());
      }
      const FloatFormat real(re, x.dtype(), false), imag(im, x.dtype(), true);
      return [p, real, imag](std::int64_t i) {
        std::string s = imag(p[i].imag());
        s.insert(s.find_last_not_of(' ') + 1, "j");
        return real(p[i].real()) + s;
      };
    } else {
      std::vector<double> values;
      for (std::int64_t i : indices) values.push_back(static_cast<double>(p[i]));
      const FloatFormat format(values, x.dtype(), false);
      return [p, format](std::int64_t i) { return format(static_cast<double>(p[i])); };
    }
  });
}

}  // namespace

std::string to_string(const Array& x) {
  if (!x.has_value()) return "<no value>";
  if (!x.is_concrete()) return "Traced<" + x.aval().to_string() + ">";
  if (x.dtype() == DType::float0) return "zeros(" + x.aval().to_string() + ")";
  const Dims dims = x.dims();
  const std::int64_t size = num_elements(dims);
  if (size == 0) return "[]";
  Formatter format;
  const bool summary = size > kThreshold;
  const Dims strides = row_major_strides(dims);
  std::vector<std::int64_t> indices;
  shown(dims, strides, summary, 0, 0, indices);
  if (x.dtype() == DType::key) {
    const auto* keys = reinterpret_cast<const PrngKeyData*>(x.bytes().data());
    format = [keys](std::int64_t i) { return fmt::format("key({:#010x}, {:#010x})", keys[i].k0, keys[i].k1); };
    if (dims.empty()) return format(0);
  } else {
    if (dims.empty()) return scalar_text(x);
    format = make_formatter(x, indices);
  }
  return Layout{dims, strides, format, summary}(0, 0, " ", kLineWidth);
}

std::ostream& operator<<(std::ostream& os, const Array& x) { return os << to_string(x); }

}  // namespace tf2jax
