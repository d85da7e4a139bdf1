// Kernels of the special functions, all computed in double.
// Formulas: Abramowitz and Stegun, chapters 6, 9, 23 and 26; continued fractions by Lentz's method.
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/special.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/special.h"

namespace tf2jax::cpu {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
constexpr double kEps = std::numeric_limits<double>::epsilon(), kTiny = 1e-300;
constexpr int kTerms = 20000;

double log_gamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

// P(a, x) = x^a e^-x / Gamma(a+1) * (1 + x/(a+1) + …), for x < a + 1.
double lower_series(double a, double x) {
  double term = 1, sum = 1;
  for (int k = 1; k < kTerms && term > sum * kEps; ++k) sum += term *= x / (a + k);
  return sum * std::exp(a * std::log(x) - x - log_gamma(a + 1));
}
// Q(a, x) by its continued fraction, for x >= a + 1.
double upper_fraction(double a, double x) {
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int i = 1; i < kTerms; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (std::fabs(an * d + b) < kTiny ? kTiny : an * d + b);
    c = std::fabs(b + an / c) < kTiny ? kTiny : b + an / c;
    h *= d * c;
    if (std::fabs(d * c - 1) < kEps) break;
  }
  return std::exp(a * std::log(x) - x - log_gamma(a)) * h;
}
double gamma_p(double a, double x, bool upper) {
  if (std::isnan(a) || std::isnan(x) || x < 0 || a < 0 || (a == 0 && x == 0)) return kNan;
  if (a == 0 || std::isinf(x)) return upper ? 0 : 1;
  if (x == 0 || std::isinf(a)) return upper ? 1 : 0;
  if (a > 1e10) {  // Wilson and Hilferty: nearly normal, where the logarithms below would cancel
    const double z = 3 * std::sqrt(a) * (std::cbrt(x / a) - 1 + 1 / (9 * a));
    return 0.5 * std::erfc((upper ? z : -z) / std::numbers::sqrt2);
  }
  if (x < a + 1) {
    const double p = lower_series(a, x);
    return upper ? 1 - p : p;
  }
  const double q = upper_fraction(a, x);
  return upper ? q : 1 - q;
}
// The series of lower_series and its derivative in a, term by term.
std::pair<double, double> lower_terms(double a, double x) {
  double term = 1, sum = 1, slope = 0, reciprocals = 0;
  for (int k = 1; k < kTerms; ++k) {
    term *= x / (a + k);
    reciprocals += 1 / (a + k);
    sum += term;
    slope -= term * reciprocals;
    if (k > x - a && term * reciprocals < kEps * std::fabs(slope)) break;
  }
  return {sum, slope};
}
double gamma_p_grad_a(double a, double x) {
  if (std::isnan(a) || std::isnan(x) || x < 0 || a <= 0) return kNan;
  if (x == 0) return 0;
  if (std::isinf(x) || std::isinf(a)) return kNan;
  if (x > a + 1000) return 0;
  const auto [sum, slope] = lower_terms(a, x);
  const double front = std::exp(a * std::log(x) - x - log_gamma(a + 1));
  return front * ((std::log(x) - digamma_value(a + 1)) * sum + slope);
}

// A number and its derivative in a.
struct Dual {
  double value, slope;
  friend Dual operator+(Dual x, Dual y) { return {x.value + y.value, x.slope + y.slope}; }
  friend Dual operator*(Dual x, Dual y) { return {x.value * y.value, x.slope * y.value + x.value * y.slope}; }
  friend Dual operator/(Dual x, Dual y) {
    const double q = x.value / y.value;
    return {q, (x.slope - q * y.slope) / y.value};
  }
};
// The continued fraction of upper_fraction without its front.
Dual upper_fraction_dual(double a, double x) {
  const Dual one{1, 0}, order{a, 1};
  const auto not_tiny = [](Dual v) { return std::fabs(v.value) < kTiny ? Dual{kTiny, 0} : v; };
  Dual b = Dual{x + 1, 0} + Dual{-1, 0} * order, c{1 / kTiny, 0}, d = one / not_tiny(b), h = d;
  for (int i = 1; i < kTerms; ++i) {
    const Dual an = Dual{-1.0 * i, 0} * (Dual{1.0 * i, 0} + Dual{-1, 0} * order);
    b = b + Dual{2, 0};
    d = one / not_tiny(an * d + b);
    c = not_tiny(b + an / c);
    const Dual factor = d * c;
    h = h * factor;
    if (std::fabs(factor.value - 1) < kEps && std::fabs(factor.slope) < 1e-14) break;
  }
  return h;
}
// -(dP/da) / (dP/dx): the factors x^a e^-x / Gamma(a) of both cancel.
double gamma_draw_slope(double a, double x) {
  if (std::isnan(a) || std::isnan(x) || x < 0 || a <= 0 || std::isinf(x) || std::isinf(a)) return kNan;
  if (x == 0) return 0;
  if (a > 1e7) {  // Wilson and Hilferty: x = a (1 - 1/(9a) + z/(3 sqrt a))^3 at a fixed z
    const double root = std::cbrt(x / a), z = 3 * std::sqrt(a) * (root - 1 + 1 / (9 * a));
    return root * root * (root + 3 * a * (1 / (9 * a * a) - z / (6 * a * std::sqrt(a))));
  }
  if (x >= a + 1) {
    const Dual h = upper_fraction_dual(a, x);
    return x * (h.value * (std::log(x) - digamma_value(a)) + h.slope);
  }
  const auto [sum, slope] = lower_terms(a, x);
  return -((std::log(x) - digamma_value(a + 1)) * sum + slope) * x / a;
}

// Euler-Maclaurin summation (Abramowitz and Stegun 23.2.9 and 23.1.30).
double hurwitz_zeta(double x, double q) {
  if (x == 1) return kInfinity;
  if (std::isnan(x) || std::isnan(q)) return kNan;
  if (q <= 0 && q == std::floor(q))
    return std::fmod(x, 2) == 0 ? kInfinity : kNan;  // a pole: of one sign where x is even
  if (x < 1 || (q <= 0 && x != std::floor(x))) return kNan;
  double sum = 0;
  int n = 0;
  for (; n < 12 || q + n < 10; ++n) sum += std::pow(q + n, -x);
  const double w = q + n, p = std::pow(w, -x);
  sum += p * w / (x - 1) + 0.5 * p;
  // Bernoulli numbers over factorials: B2/2!, B4/4!, …
  constexpr double kB[] = {1.0 / 12,
                           -1.0 / 720,
                           1.0 / 30240,
                           -1.0 / 1209600,
                           1.0 / 47900160,
                           -691.0 / 1307674368000.0,
                           1.0 / 74724249600.0,
                           -3617.0 / 10670622842880000.0};
  double factor = x, power = p / w;
  for (int k = 0; k < 8; ++k) {
    sum += kB[k] * factor * power;
    factor *= (x + 2 * k + 1) * (x + 2 * k + 2);
    power /= w * w;
  }
  return sum;
}
double polygamma_value(double n, double x) {
  if (n == 0) return digamma_value(x);
  if (std::isnan(x) || n < 0 || n != std::floor(n)) return kNan;
  const double sign = std::fmod(n, 2) == 1 ? 1 : -1;
  return sign * std::exp(log_gamma(n + 1)) * hurwitz_zeta(n + 1, x);
}

double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
  double h = d;
  const auto apply = [&](double term) {
    d = 1 + term * d;
    d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
    c = 1 + term / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    h *= d * c;
    return std::fabs(d * c - 1) < kEps;
  };
  for (int m = 1; m < kTerms; ++m) {
    apply(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    if (apply(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)))) break;
  }
  return h;
}
double incomplete_beta(double a, double b, double x) {
  if (std::isnan(a) || std::isnan(b) || std::isnan(x) || a <= 0 || b <= 0 || x < 0 || x > 1) return kNan;
  if (x == 0 || x == 1) return x;
  const double front = std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// Power series below 30, the asymptotic one above.
double bessel(double x, int order) {
  const double a = std::fabs(x);
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return order ? std::copysign(0.0, x) : 0;
  double y;
  if (a < 30) {
    const double z = a * a / 4;
    double term = order ? a / 2 : 1;
    y = term;
    for (int k = 1; k < 500 && term > y * kEps; ++k) y += term *= z / (k * static_cast<double>(k + order));
    y *= std::exp(-a);
  } else {
    const double mu = 4.0 * order * order;
    double term = 1;
    y = 1;
    for (int k = 1; k < 60; ++k) {
      const double odd = 2 * k - 1, next = -term * (mu - odd * odd) / (k * 8 * a);
      if (std::fabs(next) >= std::fabs(term) || std::fabs(next) < kEps) break;
      y += term = next;
    }
    y /= std::sqrt(2 * std::numbers::pi) * std::sqrt(a);  // 2 pi a may be infinite
  }
  return order ? std::copysign(y, x) : y;
}

template <class F>
Kernel unary(F f) {
  return unary_kernel<float16, bfloat16, float, double>([f](auto x) {
    return static_cast<decltype(x)>(
        static_cast<std::conditional_t<std::same_as<decltype(x), double>, double, float>>(f(static_cast<double>(x))));
  });
}
template <class F>
Kernel binary(F f) {
  return binary_kernel<float16, bfloat16, float, double>([f](auto x, auto y) {
    return static_cast<decltype(x)>(static_cast<std::conditional_t<std::same_as<decltype(x), double>, double, float>>(
        f(static_cast<double>(x), static_cast<double>(y))));
  });
}
Arrays beta_kernel(const KernelCall& c) {
  const Dims dims = c.outputs[0].dims();
  std::vector<double> v[3];
  for (std::size_t i = 0; i < 3; ++i) v[i] = materialize(c.args[i], dims).to_vector<double>();
  return {detail::exact_array(c.outputs[0], [&](std::byte* bytes) {
    visit_dtype(c.outputs[0].dtype, [&]<class T>(std::type_identity<T>) {
      if constexpr (!std::integral<T> && !requires(T t) { t.real(); })
        for (std::size_t i = 0; i < v[0].size(); ++i)
          reinterpret_cast<T*>(bytes)[i] =
              static_cast<T>(static_cast<std::conditional_t<std::same_as<T, double>, double, float>>(
                  incomplete_beta(v[0][i], v[1][i], v[2][i])));
    });
  })};
}

}  // namespace

void register_special_kernels(KernelTable& table) {
  table.add(igamma_p(), binary([](double a, double x) { return gamma_p(a, x, false); }));
  table.add(igammac_p(), binary([](double a, double x) { return gamma_p(a, x, true); }));
  table.add(igamma_grad_a_p(), binary(gamma_p_grad_a));
  table.add(random_gamma_grad_p(), binary(gamma_draw_slope));
  table.add(polygamma_p(), binary(polygamma_value));
  table.add(zeta_p(), binary(hurwitz_zeta));
  table.add(regularized_incomplete_beta_p(), beta_kernel);
  table.add(bessel_i0e_p(), unary([](double x) { return bessel(x, 0); }));
  table.add(bessel_i1e_p(), unary([](double x) { return bessel(x, 1); }));
}

}  // namespace tf2jax::cpu
