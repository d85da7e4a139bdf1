// Gamma, error and Bessel functions, written out.
#include "tf2jax/stablehlo/internal/special_functions.h"

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/internal/in_double.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace tf2jax::stablehlo::written_out {
namespace {

constexpr double kPi = std::numbers::pi, kInfinity = std::numeric_limits<double>::infinity(),
                 kNan = std::numeric_limits<double>::quiet_NaN();

// Right of 0. Source: Lanczos, "A precision approximation of the gamma function", 1964; g = 7, nine terms.
Array log_gamma_right(const Array& x) {
  constexpr std::array kTerms{676.520368121885098567,    -1259.13921672240287047,  771.323428777653078849,
                              -176.615029162140599066,   12.5073432786869048145,   -0.138571095265720116896,
                              9.98436957801957085957e-6, 1.50563273514931155834e-7};
  const Array z = x - 1.0;
  Array sum = full_like(z, 0.99999999999980993228);
  for (std::size_t i = 0; i < kTerms.size(); ++i) sum = sum + kTerms[i] / (z + static_cast<double>(i + 1));
  const Array t = z + 7.5;
  return 0.5 * std::log(2 * kPi) + (z + 0.5) * log(t) - t + log(sum);
}

// To the left of 0 by reflection, which has poles at integers.
Array log_gamma(const Array& x) {
  const Array left = less(x, 0.5), part = abs(x) - floor(abs(x));
  const Array right = log_gamma_right(where(left, 1.0 - x, x));
  const Array y = where(left, std::log(kPi) - log(abs(sin(kPi * part))) - right, right);
  return where(equal(abs(x), kInfinity), kInfinity, y);
}

// Abramowitz and Stegun 6.3.18, from x + 10 on.
Array digamma_right(const Array& x) {
  constexpr std::array kTerms{-1.0 / 12, 691.0 / 32760, -1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
  Array steps = zeros_like(x);
  for (int i = 0; i < 10; ++i) steps = steps + 1.0 / (x + static_cast<double>(i));
  const Array z = x + 10.0, r = 1.0 / (z * z);
  return log(z) - 0.5 / z + r * polynomial(r, kTerms) - steps;
}
Array psi(const Array& x) {
  const Array left = less(x, 0.5), part = x - floor(x);
  const Array right = digamma_right(where(left, 1.0 - x, x));
  const Array pole = logical_and(left, equal(part, 0.0));
  const Array angle = kPi * where(pole, 0.5, part);
  const Array y = where(left, right - kPi * cos(angle) / sin(angle), right);
  return where(logical_or(pole, equal(x, -kInfinity)), kNan, y);
}

// Source: Moshier's Cephes library, ndtr.c.
Array erfc_beyond_1(const Array& a) {
  constexpr std::array kP{2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687,
                          4.86371970985681366614e1,   1.96520832956077098242e2,  5.26445194995477358631e2,
                          9.34528527171957607540e2,   1.02755188689515710272e3,  5.57535335369399327526e2};
  constexpr std::array kQ{1.0,
                          1.32281951154744992508e1,
                          8.67072140885989742329e1,
                          3.54937778887819891062e2,
                          9.75708501743205489753e2,
                          1.82390916687909736289e3,
                          2.24633760818710981792e3,
                          1.65666309194161350182e3,
                          5.57535340817727675546e2};
  constexpr std::array kR{5.64189583547755073984e-1, 1.27536670759978104416, 5.01905042251180477414,
                          6.16021097993053585195,    7.40974269950448939160, 2.97886665372100240670};
  constexpr std::array kS{1.0,
                          2.26052863220117276590,
                          9.39603524938001434673,
                          1.20489539808096656605e1,
                          1.70814450747565897222e1,
                          9.60896809063285878198,
                          3.36907645100081516050};
  const Array x = minimum(a, 30.0);  // where it is 0
  const Array near = minimum(x, 8.0), far = maximum(x, 8.0);
  const Array ratio =
      where(less(x, 8.0), polynomial(near, kP) / polynomial(near, kQ), polynomial(far, kR) / polynomial(far, kS));
  return exp(-(x * x)) * ratio;
}
Array erf_below_1(const Array& x) {
  constexpr std::array kT{9.60497373987051638749, 9.00260197203842689217e1, 2.23200534594684319226e3,
                          7.00332514112805075473e3, 5.55923013010394962768e4};
  constexpr std::array kU{1.0,
                          3.35617141647503099647e1,
                          5.21357949780152679795e2,
                          4.59432382970980127987e3,
                          2.26290000613890934246e4,
                          4.92673942608635921086e4};
  const Array square = x * x;
  return x * polynomial(square, kT) / polynomial(square, kU);
}
Array erf_wide(const Array& x) {
  const Array a = abs(x), small = less(a, 1.0);
  const Array y = where(small, erf_below_1(where(small, x, 0.0)), sign(x) * (1.0 - erfc_beyond_1(maximum(a, 1.0))));
  return where(isnan(x), x, y);
}
Array erfc_wide(const Array& x) {
  const Array a = abs(x), small = less(a, 1.0), tail = erfc_beyond_1(maximum(a, 1.0));
  const Array y = where(small, 1.0 - erf_below_1(where(small, x, 0.0)), where(less(x, 0.0), 2.0 - tail, tail));
  return where(isnan(x), x, y);
}

// Giles, "Approximating the erfinv function", 2010, for single precision; two steps of Halley's method follow.
Array erf_inv_wide(const Array& y) {
  constexpr std::array kCentre{2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                               -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
  constexpr std::array kTail{-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                             -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
  const Array inside = less(abs(y), 1.0), u = where(inside, y, 0.0);
  const Array w = -log((1.0 - u) * (1.0 + u)), tail = sqrt(maximum(w, 5.0)) - 3.0;
  Array x = u * where(less(w, 5.0), polynomial(minimum(w, 5.0) - 2.5, kCentre), polynomial(tail, kTail));
  for (int i = 0; i < 2; ++i) {
    // Beyond 1/2 the difference is that of the complements, which are exact.
    const Array a = abs(x), v = abs(u);
    const Array error = where(less(v, 0.5), erf_wide(a) - v, (1.0 - v) - erfc_wide(a));
    const Array step = error / ((2 / std::sqrt(kPi)) * exp(-(a * a)));
    x = sign(u) * (a - step / (1.0 + a * step));
  }
  return where(inside, x, where(equal(abs(y), 1.0), y * kInfinity, kNan));
}

// The mean of exp(x (cos t - 1)), or of cos t times it, over 64 angles: exact up to rounding for 0 <= x < 30. What
// belongs to cos t and to -cos t is added first, so that nothing cancels.
Array bessel_near(const Array& x, int order) {
  Array sum = zeros_like(x);
  for (int k = 0; k <= 16; ++k) {
    const double c = k == 16 ? 0 : std::cos(2 * kPi * k / 64);
    const double weight = (k == 0 || k == 16 ? 2.0 : 4.0) / 64;
    const Array fall = exp(x * (c - 1)), both = order ? c * -expm1(-2 * c * x) : 1.0 + exp(-2 * c * x);
    sum = sum + (0.5 * weight) * fall * both;
  }
  return sum;
}
// Abramowitz and Stegun 9.7.1.
Array bessel_far(const Array& x, int order) {
  const double mu = 4.0 * order;
  Array term = ones_like(x), sum = term;
  for (int k = 1; k < 20; ++k) {
    const double odd = 2 * k - 1;
    term = term * (-(mu - odd * odd) / (8.0 * k)) / x;
    sum = sum + term;
  }
  return sum / (std::sqrt(2 * kPi) * sqrt(x));
}
Array bessel(const Array& x, int order) {
  const Array a = abs(x);
  const Array y = where(less(a, 30.0), bessel_near(minimum(a, 30.0), order), bessel_far(maximum(a, 30.0), order));
  return where(isnan(x), x, order ? sign(x) * y : y);
}

// A rational function of x^2 on [-4, 4], where erf is 1 in single precision.
Array erf_single(const Array& given) {
  constexpr std::array kOver{-2.72614225801306e-10, 2.77068142495902e-08,  -2.10102402082508e-06, -5.69250639462346e-05,
                             -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02};
  constexpr std::array kUnder{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
                              -7.37332916720468e-03, -1.42647390514189e-02};
  const Array x =
      clamp(rules::scalar_of(DType::f32, -4.0), rules::as_dtype(given, DType::f32), rules::scalar_of(DType::f32, 4.0));
  const Array square = mul(x, x);
  return rules::as_dtype(div(mul(x, polynomial(square, kOver)), polynomial(square, kUnder)), given.dtype());
}

}  // namespace

Array polynomial(const Array& x, std::span<const double> coefficients) {
  const auto number = [&](double v) { return full_like(x, rules::scalar_of(x.dtype(), v)); };
  Array out = number(coefficients[0]);
  for (const double c : coefficients.subspan(1)) out = add(mul(out, x), number(c));
  return out;
}

Array lgamma(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return log_gamma(xs[0]); });
}
Array digamma(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return psi(xs[0]); });
}
Array erf(const Array& x) {
  if (x.dtype() != DType::f64) return erf_single(x);
  return in_double({x}, [](const Arrays& xs) { return erf_wide(xs[0]); });
}
Array erfc(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return erfc_wide(xs[0]); });
}
Array erf_inv(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return erf_inv_wide(xs[0]); });
}
Array bessel_i0e(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return bessel(xs[0], 0); });
}
Array bessel_i1e(const Array& x) {
  return in_double({x}, [](const Arrays& xs) { return bessel(xs[0], 1); });
}

// The bits without sign count away from 0. Compared as integers, since smallest floats may count as 0.
Array nextafter(const Array& x, const Array& y) {
  const DType dtype = x.dtype();
  const DType bits = itemsize(dtype) == 2 ? DType::i16 : itemsize(dtype) == 4 ? DType::i32 : DType::i64;
  const auto as = [](const Array& v, DType d) { return bitcast_convert_type_p().bind1({v}, NewDtype{d}); };
  const Array from = as(x, bits), to = as(y, bits), one = ones_like(from), zero = zeros_like(from);
  const Array all = full_like(from, rules::extreme(bits, false)),
              sign_bit = full_like(from, rules::extreme(bits, true));
  const Array size = bitwise_and(from, all), limit = bitwise_and(to, all);
  const Array sign = bitwise_and(from, sign_bit), towards = bitwise_and(to, sign_bit);
  const Array shrinks = logical_or(greater(size, limit), not_equal(sign, towards));
  const Array moved = select(shrinks, sub(from, one), add(from, one));
  const Array next = select(equal(size, zero), bitwise_or(towards, one), moved);
  const Array same = logical_or(equal(from, to), equal(bitwise_or(size, limit), zero));
  return select(logical_or(isnan(x), isnan(y)), add(x, y), as(select(same, to, next), dtype));
}

}  // namespace tf2jax::stablehlo::written_out
