// Where results at special values are not the recorded ones: rules with their reasons and the value of each element.
#include <cmath>
#include <functional>
#include <numbers>

#include "special_values.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Element = std::vector<complex128>;  // one of each input

struct Rule {
  const char *op, *what, *reason;
  bool (*applies)(DType input);
  std::optional<complex128> (*value)(const Element& x);
};

bool to_complex(DType d) { return is_complex(d); }

// sum of 1 / (x + n)^2: by recurrence up to 20, then its asymptotic series; at negative x by reflection.
double trigamma(double x) {
  if (x < 0) {
    const double s = std::sin(std::numbers::pi * x);
    return std::numbers::pi * std::numbers::pi / (s * s) - trigamma(1 - x);
  }
  double sum = 0;
  for (; x < 20; ++x) sum += 1 / (x * x);
  const double y = 1 / (x * x);
  return sum + 1 / x + y / 2 + y / x * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y / 30)));
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {
      {"abs", "outputs",
       "a complex number with an infinite part is infinite, whatever the other (C99, G.6: cabs is hypot)", to_complex,
       [](const Element& x) {
         return std::isinf(x[0].real()) || std::isinf(x[0].imag()) ? std::optional<complex128>(HUGE_VAL) : std::nullopt;
       }},
      {"logistic", "outputs", "its limits where the real part is infinite; XLA divides infinities", to_complex,
       [](const Element& x) {
         return std::isinf(x[0].real()) ? std::optional<complex128>(x[0].real() > 0 ? 1 : 0) : std::nullopt;
       }},
      {"exp2", "outputs",
       "zero where the real part is -inf (C99, G.6.3.1); XLA multiplies zero by the cosine of infinity", to_complex,
       [](const Element& x) {
         return std::isinf(x[0].real()) && x[0].real() < 0 ? std::optional<complex128>(0) : std::nullopt;
       }},
      {"atanh", "outputs", "catanh(inf + i NaN) is 0 + i NaN (C99, G.6.2.3)", to_complex,
       [](const Element& x) {
         return std::isinf(x[0].real()) && std::isnan(x[0].imag()) ? std::optional<complex128>({0, NAN}) : std::nullopt;
       }},
      {"convert_element_type", "outputs",
       "a complex number is true unless it is zero, as in NumPy; JAX looks at the real part", to_complex,
       [](const Element& x) {
         return x[0].real() == 0 && x[0].imag() != 0 ? std::optional<complex128>(1) : std::nullopt;
       }},
      {"exp2", "outputs",
       "powers of two rounded once; the record is exp(x log 2) with x log 2 rounded to bf16, 30 % off at 100",
       [](DType d) { return d == DType::bf16; },
       [](const Element& x) { return std::optional<complex128>(std::exp2(x[0].real())); }},
      {"exp2", "jvp", "likewise", [](DType d) { return d == DType::bf16; },
       [](const Element& x) { return std::optional<complex128>(std::exp2(x[0].real()) * std::numbers::ln2); }},
      {"jnp.logaddexp", "jvp",
       "the two slopes sum to 1 everywhere; JAX puts 0 for infinities, and where log 2 is lost both are 1",
       [](DType) { return true; },
       [](const Element& x) {
         const bool number = !std::isnan(x[0].real()) && !std::isnan(x[1].real());
         return number ? std::optional<complex128>(1) : std::nullopt;
       }},
      {"digamma", "jvp", "trigamma is positive; the recorded series does not hold for negative arguments",
       [](DType) { return true; },
       [](const Element& x) {
         return x[0].real() < 0 && x[0].real() != std::floor(x[0].real()) && std::isfinite(x[0].real())
                    ? std::optional<complex128>(trigamma(x[0].real()))
                    : std::nullopt;
       }},
  };
  return table;
}

}  // namespace

Arrays by_rule(Arrays recorded, const std::string& op, const std::string& what, const Arrays& inputs) {
  for (const Rule& rule : rules()) {
    if (rule.op != op || rule.what != what || !rule.applies(inputs[0].dtype())) continue;
    std::vector<std::vector<complex128>> columns;
    for (const Array& x : inputs) columns.push_back(x.to_vector<complex128>());
    for (Array& r : recorded) {
      const bool is_conversion = op == "convert_element_type";  // its rule is about booleans, the others about numbers
      if (is_conversion ? r.dtype() != DType::bool_ : !is_inexact(r.dtype())) continue;
      std::vector<complex128> values = r.to_vector<complex128>();
      bool changed = false;
      for (std::size_t i = 0; i < values.size(); ++i) {
        Element x;
        for (const auto& column : columns) x.push_back(column.at(column.size() == values.size() ? i : 0));
        if (const auto v = rule.value(x)) {
          changed = true;
          values[i] = *v;
        }
      }
      if (!changed) continue;
      const Array wide = reshape(from_span<complex128>(values, {static_cast<std::int64_t>(values.size())}), r.shape());
      r = is_complex(r.dtype()) ? convert_element_type(wide, r.dtype()) : convert_element_type(real(wide), r.dtype());
    }
  }
  return recorded;
}

}  // namespace conformance
