// Special functions that no other operation has. Series and quadratures of known error take the place of tables.
#include <array>
#include <cmath>
#include <numbers>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/special.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax::tf_import {
namespace {

using std::numbers::egamma;
using std::numbers::pi;

// f with its derivative; halves compute in float.
Values with_slope(const Node& n, Array (*f)(const Array&), Array (*slope)(const Array&)) {
  const Array given = n.array(0);
  check<DtypeError>(is_floating(given.dtype()), "the operand must be floating. Got {}.", given.aval());
  const Array x = itemsize(given.dtype()) < 4 ? astype(given, f32) : given;
  const auto rule = std::make_shared<const JvpRule>([=](const Arrays& primals, const Arrays& tangents) {
    return Arrays{f(primals[0]), mul(slope(primals[0]), tangents[0])};
  });
  const Array y = custom_jvp_flat(n.op(), [=](const Arrays& v) { return Arrays{f(v[0])}; }, rule, {&x, 1})[0];
  return {astype(y, given.dtype())};
}

Array polynomial(const Array& x, std::span<const double> coefficients) {
  Array sum = full_like(x, coefficients.back());
  for (std::size_t i = coefficients.size() - 1; i-- > 0;) sum = add(mul(sum, x), coefficients[i]);
  return sum;
}

// ---- Dawson's integral: Rybicki's sum over odd steps (Numerical Recipes 6.10), of error exp(-(pi / 2h)^2).

constexpr double kDawsonStep = 0.25;
constexpr int kDawsonTerms = 25;  // exp(-(25 / 4)^2) is below the rounding of doubles

Array dawson(const Array& x) {
  const Array size = abs(x), even = mul(2, round(mul(size, 0.5 / kDawsonStep)));
  const Array rest = sub(size, mul(even, kDawsonStep));
  Array sum = zeros_like(x);
  for (int k = -kDawsonTerms; k <= kDawsonTerms; k += 2)
    sum = add(sum, divide(exp(neg(square(sub(rest, k * kDawsonStep)))), add(even, k)));
  const Array y = mul(sum, 1 / std::sqrt(pi));
  const Array result = where(isinf(x), zeros_like(x), y);
  return mul(sign(x), where(equal(x, 0), zeros_like(x), result));
}
Array dawson_slope(const Array& x) { return sub(1, mul(2, mul(x, dawson(x)))); }

// ---- Spence's function, Li2(1 - x): Li2 in u = -log(x) has Bernoulli numbers as coefficients (DLMF 25.12).

Array near_one(const Array& x) {
  const Array u = neg(log(x)), u2 = square(u);
  // B_2k / (2k + 1)! for k = 1, 2, …
  constexpr std::array kBernoulli{1.0 / 36,
                                  -1.0 / 3600,
                                  1.0 / 211680,
                                  -1.0 / 10886400,
                                  1.0 / 526901760.0,
                                  -4.0647616451442e-11,
                                  8.921691020456453e-13,
                                  -1.9939295860721e-14,
                                  4.518980029619918e-16};
  return add(sub(u, mul(0.25, u2)), mul(mul(u, u2), polynomial(u2, kBernoulli)));
}

Array spence(const Array& x) {
  const Array is_large = greater(x, 1.5), is_small = less(x, 0.5);
  const Array positive = where(greater(x, 0), x, ones_like(x));  // 0 and below are set at the end
  const Array middle = where(is_large, divide(1, positive), positive);
  const Array is_low = less(middle, 0.5);  // also reciprocals of what is above 2
  const Array complement = sub(1, where(is_low, middle, full_like(x, 0.5)));
  const Array low =
      sub(sub(pi * pi / 6, mul(log(where(is_low, middle, ones_like(x))), log(complement))), near_one(complement));
  const Array inner = where(is_low, low, near_one(where(is_low, ones_like(x), middle)));
  const Array outer = where(is_large, sub(mul(-0.5, square(log(positive))), inner), inner);
  const Array at_zero = where(equal(x, 0), full_like(x, pi * pi / 6), full_like(x, std::nan("")));
  return where(greater(x, 0), where(isinf(x), neg(x), outer), at_zero);
}
Array spence_slope(const Array& x) {
  const Array is_one = equal(x, 1), other = where(is_one, full_like(x, 2), x);
  return where(is_one, full_like(x, -1), divide(log(other), sub(1, other)));
}

// ---- The exponential integral Ei (DLMF 6.6.2, 6.9.1, 6.12.2).

constexpr double kExpintFar = 40;     // from here the asymptotic series ends before it grows
constexpr int kExpintSeries = 130;    // 40^130 / (130 * 130!) is below the rounding of the sum
constexpr int kExpintFraction = 100;  // of convergents at x = -1
constexpr int kExpintAsymptotic = 40;

Array expint(const Array& x) {
  const Array zero = zeros_like(x), one = ones_like(x);
  const Array is_far = greater(x, kExpintFar), is_negative = less(x, -1);
  const Array near = where(bitwise_or(is_far, is_negative), one, x);
  Array sum = zero, power = one;
  for (int k = 1; k <= kExpintSeries; ++k) {
    power = mul(power, mul(near, 1.0 / k));
    sum = add(sum, mul(power, 1.0 / k));
  }
  const Array series = add(add(log(abs(near)), egamma), sum);

  const Array t = where(is_negative, neg(x), one);  // E1(t) from the last convergent back
  Array fraction = t;
  for (int k = kExpintFraction; k >= 1; --k) fraction = add(t, divide(k, add(1, divide(k, fraction))));
  const Array below = neg(divide(exp(neg(t)), fraction));

  const Array far = where(is_far, x, full_like(x, kExpintFar));
  Array tail = one;
  for (int k = kExpintAsymptotic; k >= 1; --k) tail = add(1, mul(divide(k, far), tail));
  const Array above = mul(divide(exp(far), far), tail);
  const Array finite = where(is_far, above, where(is_negative, below, series));
  const Array infinite = where(greater(x, 0), x, neg(zero));
  return where(isnan(x), x, where(isinf(x), infinite, finite));
}
Array expint_slope(const Array& x) { return divide(exp(x), x); }

// ---- Fresnel's integrals: power series near 0, else the auxiliary functions f and g (DLMF 7.7.10, 7.7.11) by the
// trapezoidal rule, of error exp(-2 pi sin(pi/4) / h).

struct Fresnel {
  Array s, c;
};

constexpr double kFresnelNear = 1.6, kFresnelStep = 0.12;
constexpr int kFresnelTerms = 18, kFresnelNodes = 26;

Fresnel fresnel(const Array& x) {
  const Array size = abs(x), is_far = greater(size, kFresnelNear);
  const Array near = where(is_far, full_like(x, 1), size), z = square(mul(pi / 2, square(near)));
  std::array<double, kFresnelTerms> s{}, c{};
  double factorial = 1, turn = 1;  // (2k)!
  for (int k = 0; k < kFresnelTerms; ++k, turn = -turn) {
    c[k] = turn / (factorial * (4 * k + 1));
    s[k] = turn / (factorial * (2 * k + 1) * (4 * k + 3));
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  const Array near_c = mul(near, polynomial(z, c));
  const Array near_s = mul(mul(pi / 2, mul(near, square(near))), polynomial(z, s));

  const Array far = where(is_far, size, full_like(x, kFresnelNear));
  const Array phase = mul(pi / 2, square(far)), decay = exp(mul(neg(phase), kFresnelStep * kFresnelStep));
  // Powers exp(-phase (k h)^2) by ratios that are powers themselves.
  Array power = ones_like(x), ratio = decay, f = full_like(x, 0.5), g = zeros_like(x);
  for (int k = 1; k <= kFresnelNodes; ++k) {
    power = mul(power, ratio);
    ratio = mul(ratio, square(decay));
    const double node = k * kFresnelStep, weight = 1 / (1 + node * node * node * node);
    f = add(f, mul(power, weight));
    g = add(g, mul(power, weight * node * node));
  }
  const double scale = std::sqrt(2.0) / pi * kFresnelStep;
  f = mul(f, scale);
  g = mul(g, scale);
  // cos and sin of pi x^2 / 2, whose argument is reduced before it is large.
  const Array turns = mul(0.25, square(far)), angle = mul(2 * pi, sub(turns, floor(turns)));
  const Array far_c = add(0.5, sub(mul(f, sin(angle)), mul(g, cos(angle))));
  const Array far_s = sub(sub(0.5, mul(f, cos(angle))), mul(g, sin(angle)));
  const auto whole = [&](const Array& inner, const Array& outer) {
    const Array value = where(is_far, outer, inner);
    return mul(sign(x), where(isinf(x), full_like(x, 0.5), value));
  };
  return {whole(near_s, far_s), whole(near_c, far_c)};
}

// ---- Modified Bessel functions; their derivatives are DLMF 10.29.3 and 10.29.2, which for order 1 is 1/2 at 0.

Array bessel_i0(const Array& x) { return mul(exp(abs(x)), bessel_i0e(x)); }
Array bessel_i1(const Array& x) { return mul(exp(abs(x)), bessel_i1e(x)); }

}  // namespace

Array bessel_i1_slope(const Array& x) {
  const Array zero = equal(x, 0);
  const Array quotient = divide(bessel_i1(x), where(zero, ones_like(x), x));
  return sub(bessel_i0(x), where(zero, full_like(x, 0.5), quotient));
}

void add_special_operations(ConverterTable& table) {
  table.add("BesselI0", [](Node& n) { return with_slope(n, bessel_i0, bessel_i1); });
  table.add("BesselI1", [](Node& n) { return with_slope(n, bessel_i1, bessel_i1_slope); });
  table.add("Dawsn", [](Node& n) { return with_slope(n, dawson, dawson_slope); });
  table.add("Spence", [](Node& n) { return with_slope(n, spence, spence_slope); });
  table.add("Expint", [](Node& n) { return with_slope(n, expint, expint_slope); });
  table.add("FresnelSin", [](Node& n) {
    return with_slope(
        n, [](const Array& x) { return fresnel(x).s; }, [](const Array& x) { return sin(mul(pi / 2, square(x))); });
  });
  table.add("FresnelCos", [](Node& n) {
    return with_slope(
        n, [](const Array& x) { return fresnel(x).c; }, [](const Array& x) { return cos(mul(pi / 2, square(x))); });
  });
}

}  // namespace tf2jax::tf_import
