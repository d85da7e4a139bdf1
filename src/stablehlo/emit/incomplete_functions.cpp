// Incomplete gamma and beta functions, zeta and polygamma, written out: sums and fractions by loops that end when every
// element has its value. Formulas: Abramowitz and Stegun, chapters 6, 23 and 26; fractions by Lentz's method.
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/internal/in_double.h"
#include "tf2jax/stablehlo/internal/special_functions.h"

#include <array>
#include <functional>
#include <limits>

namespace tf2jax::stablehlo::written_out {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN(),
                 kEps = std::numeric_limits<double>::epsilon(), kTiny = 1e-300, kTerms = 20000;

// Steps k = 1, 2, … on a state whose first element says which elements go on; the others keep theirs.
using Step = std::function<Arrays(const Array& k, const Arrays& state)>;
Arrays repeat(const Arrays& start, const Step& step) {
  Arrays init{ones({}, DType::f64), rules::filled(start[0].shape(), DType::bool_, true)};
  init.insert(init.end(), start.begin(), start.end());
  const FlatFn more = [](const Arrays& s) {
    return Arrays{logical_and(reduce_or(s[1], iota_axes(s[1].rank())), less(s[0], kTerms))};
  };
  const FlatFn body = [&](const Arrays& s) {
    const Arrays stepped = step(s[0], {s.begin() + 2, s.end()});
    Arrays next{s[0] + 1.0, logical_and(s[1], stepped[0])};
    for (std::size_t i = 2; i < s.size(); ++i) next.push_back(where(s[1], stepped[i - 1], s[i]));
    return next;
  };
  const Arrays out = while_flat(more, body, init);
  return {out.begin() + 2, out.end()};
}

// Primitives, which are written out in functions of their own.
Array log_gamma(const Array& x) { return tf2jax::lgamma(x); }
Array psi(const Array& x) { return tf2jax::digamma(x); }

Array not_tiny(const Array& x) { return where(less(abs(x), kTiny), kTiny, x); }

// P(a, x) for x < a + 1: x^a e^-x / Gamma(a+1) (1 + x/(a+1) + …).
Array lower_series(const Array& a, const Array& x) {
  const Array one = ones_like(a);
  const Arrays s = repeat({one, one}, [&](const Array& k, const Arrays& v) {
    const Array term = v[0] * x / (a + k), sum = v[1] + term;
    return Arrays{greater(term, sum * kEps), term, sum};
  });
  return s[1] * exp(a * log(x) - x - log_gamma(a + 1.0));
}
// Q(a, x) for x >= a + 1.
Array upper_fraction(const Array& a, const Array& x) {
  const Array b = x + 1.0 - a, d = 1.0 / b;
  const Arrays s = repeat({b, full_like(b, 1 / kTiny), d, d}, [&](const Array& i, const Arrays& v) {
    const Array an = -i * (i - a), next = v[0] + 2.0, down = 1.0 / not_tiny(an * v[2] + next),
                up = not_tiny(next + an / v[1]), factor = down * up;
    return Arrays{greater(abs(factor - 1.0), kEps), next, up, down, v[3] * factor};
  });
  return exp(a * log(x) - x - log_gamma(a)) * s[3];
}

Array gamma_part(const Array& a, const Array& x, bool upper) {
  const Array bad = logical_or(logical_or(isnan(a), isnan(x)), logical_or(logical_or(less(x, 0.0), less(a, 0.0)),
                                                                          logical_and(equal(a, 0.0), equal(x, 0.0))));
  const Array all = logical_or(equal(a, 0.0), equal(x, kInfinity)),
              none = logical_or(equal(x, 0.0), equal(a, kInfinity));
  const Array plain = logical_not(logical_or(bad, logical_or(all, none))), huge = greater(a, 1e10);
  // Wilson and Hilferty: nearly normal, where the logarithms would cancel.
  const Array wide = where(logical_and(plain, huge), a, 1e11), far = where(logical_and(plain, huge), x, 1e11);
  const Array z = 3.0 * sqrt(wide) * (cbrt(far / wide) - 1.0 + 1.0 / (9.0 * wide));
  const Array normal = 0.5 * tf2jax::erfc((upper ? z : -z) * 0.70710678118654752440);
  const Array usual = logical_and(plain, logical_not(huge)), low = logical_and(usual, less(x, a + 1.0)),
              high = logical_and(usual, greater_equal(x, a + 1.0));
  const Array p = lower_series(where(low, a, 1.0), where(low, x, 0.5)),
              q = upper_fraction(where(high, a, 1.0), where(high, x, 3.0));
  const Array value = where(huge, normal, where(low, upper ? 1.0 - p : p, upper ? q : 1.0 - q));
  const double at_all = upper ? 0 : 1, at_none = upper ? 1 : 0;
  return where(bad, kNan, where(all, at_all, where(none, at_none, value)));
}

// The series of lower_series and its derivative in a, term by term.
std::pair<Array, Array> lower_terms(const Array& a, const Array& x) {
  const Array one = ones_like(a), none = zeros_like(a);
  const Arrays s = repeat({one, one, none, none}, [&](const Array& k, const Arrays& v) {
    const Array term = v[0] * x / (a + k), reciprocals = v[3] + 1.0 / (a + k), slope = v[2] - term * reciprocals;
    const Array done = logical_and(greater(k, x - a), less(term * reciprocals, kEps * abs(slope)));
    return Arrays{logical_not(done), term, v[1] + term, slope, reciprocals};
  });
  return {s[1], s[2]};
}
// The continued fraction of upper_fraction without its front, and its derivative in a.
std::pair<Array, Array> upper_terms(const Array& a, const Array& x) {
  const Array b = x + 1.0 - a, d = 1.0 / b, slope = d * d, none = zeros_like(b);
  const Arrays start{b, full_like(b, 1 / kTiny), none, d, slope, d, slope};
  const Arrays s = repeat(start, [&](const Array& i, const Arrays& v) {
    const Array an = -i * (i - a), next = v[0] + 2.0;
    const Array down = 1.0 / not_tiny(an * v[3] + next);
    const Array down_slope = -(i * v[3] + an * v[4] - 1.0) * down * down;
    const Array ratio = an / v[1], up = not_tiny(next + ratio), up_slope = (i - ratio * v[2]) / v[1] - 1.0;
    const Array factor = down * up, factor_slope = down_slope * up + down * up_slope;
    const Array more = logical_or(greater(abs(factor - 1.0), kEps), greater(abs(factor_slope), 1e-14));
    return Arrays{more, next, up, up_slope, down, down_slope, v[5] * factor, v[6] * factor + v[5] * factor_slope};
  });
  return {s[5], s[6]};
}

// -(dP/da) / (dP/dx): the factors x^a e^-x / Gamma(a) of both cancel.
Array gamma_draw_slope(const Array& a, const Array& x) {
  const Array bad = logical_or(logical_or(logical_or(isnan(a), isnan(x)), logical_or(less(x, 0.0), less_equal(a, 0.0))),
                               logical_or(equal(x, kInfinity), equal(a, kInfinity)));
  const Array zero = equal(x, 0.0), usual = logical_not(logical_or(bad, zero)), huge = greater(a, 1e7);
  // Wilson and Hilferty: x = a (1 - 1/(9a) + z/(3 sqrt a))^3 at a fixed z.
  const Array wide = where(huge, a, 1e8), root = cbrt(where(huge, x, 1e8) / wide),
              z = 3.0 * sqrt(wide) * (root - 1.0 + 1.0 / (9.0 * wide));
  const Array normal = root * root * (root + 3.0 * wide * (1.0 / (9.0 * wide * wide) - z / (6.0 * wide * sqrt(wide))));
  const Array plain = logical_and(usual, logical_not(huge)), low = logical_and(plain, less(x, a + 1.0)),
              high = logical_and(plain, greater_equal(x, a + 1.0));
  const Array b = where(low, a, 1.0), y = where(low, x, 0.5), c = where(high, a, 1.0), w = where(high, x, 3.0);
  const auto [sum, slope] = lower_terms(b, y);
  const auto [fraction, fraction_slope] = upper_terms(c, w);
  const Array below = -((log(y) - psi(b + 1.0)) * sum + slope) * y / b;
  const Array above = w * (fraction * (log(w) - psi(c)) + fraction_slope);
  return where(bad, kNan, where(zero, 0.0, where(huge, normal, where(low, below, above))));
}

Array gamma_part_slope(const Array& a, const Array& x) {
  const Array bad = logical_or(logical_or(logical_or(isnan(a), isnan(x)), logical_or(less(x, 0.0), less_equal(a, 0.0))),
                               logical_or(equal(x, kInfinity), equal(a, kInfinity)));
  const Array zero = logical_or(equal(x, 0.0), greater(x, a + 1000.0));
  const Array usual = logical_not(logical_or(bad, zero)), b = where(usual, a, 1.0), y = where(usual, x, 0.5);
  const auto [sum, slope] = lower_terms(b, y);
  const Array front = exp(b * log(y) - y - log_gamma(b + 1.0));
  const Array value = front * ((log(y) - psi(b + 1.0)) * sum + slope);
  return where(bad, kNan, where(zero, 0.0, value));
}

// Euler-Maclaurin summation (23.2.9 and 23.1.30).
Array hurwitz_zeta(const Array& x, const Array& q) {
  constexpr std::array kBernoulli{1.0 / 12,
                                  -1.0 / 720,
                                  1.0 / 30240,
                                  -1.0 / 1209600,
                                  1.0 / 47900160,
                                  -691.0 / 1307674368000.0,
                                  1.0 / 74724249600.0,
                                  -3617.0 / 10670622842880000.0};
  const Array whole_x = equal(x, floor(x)), pole = logical_and(less_equal(q, 0.0), equal(q, floor(q)));
  const Array even = equal(x * 0.5, floor(x * 0.5));
  const Array bad = logical_or(logical_or(isnan(x), isnan(q)),
                               logical_or(less(x, 1.0), logical_and(less_equal(q, 0.0), logical_not(whole_x))));
  const Array usual = logical_not(logical_or(logical_or(pole, bad), equal(x, 1.0)));
  const Array s = where(usual, x, 2.0), from = where(usual, q, 1.0);
  const Arrays summed = repeat({zeros_like(from), from}, [&](const Array& k, const Arrays& v) {
    const Array next = v[1] + 1.0;
    return Arrays{logical_or(less(k, 12.0), less(next, 10.0)), v[0] + pow(v[1], -s), next};
  });
  const Array w = summed[1], p = pow(w, -s);
  Array sum = summed[0] + p * w / (s - 1.0) + 0.5 * p, factor = s, power = p / w;
  for (std::size_t k = 0; k < kBernoulli.size(); ++k) {
    sum = sum + kBernoulli[k] * factor * power;
    const double at = 2 * static_cast<double>(k);
    factor = factor * (s + (at + 1)) * (s + (at + 2));
    power = power / (w * w);
  }
  const Array value = where(less(w, 10.0), kNan, sum);  // too far to the left
  const Array special = where(equal(x, 1.0), kInfinity, where(pole, where(even, kInfinity, kNan), kNan));
  return where(usual, value, where(logical_or(isnan(x), isnan(q)), kNan, special));
}

Array polygamma_wide(const Array& n, const Array& x) {
  const Array bad = logical_or(logical_or(isnan(x), less(n, 0.0)), not_equal(n, floor(n)));
  const Array order = where(logical_or(bad, equal(n, 0.0)), 1.0, n);
  const Array odd = not_equal(order * 0.5, floor(order * 0.5));
  const Array value = where(odd, 1.0, -1.0) * exp(log_gamma(order + 1.0)) * hurwitz_zeta(order + 1.0, x);
  return where(bad, kNan, where(equal(n, 0.0), psi(x), value));
}

Array beta_fraction(const Array& a, const Array& b, const Array& x) {
  const Array d = 1.0 / not_tiny(1.0 - (a + b) * x / (a + 1.0));
  const Arrays s = repeat({ones_like(d), d, d}, [&](const Array& m, const Arrays& v) {
    Array c = v[0], down = v[1], h = v[2], factor;
    const Array m2 = m * 2.0, terms[2] = {m * (b - m) * x / ((a + m2 - 1.0) * (a + m2)),
                                          -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1.0))};
    for (const Array& term : terms) {
      down = 1.0 / not_tiny(1.0 + term * down);
      c = not_tiny(1.0 + term / c);
      factor = down * c;
      h = h * factor;
    }
    return Arrays{greater_equal(abs(factor - 1.0), kEps), c, down, h};
  });
  return s[2];
}
Array incomplete_beta(const Array& a, const Array& b, const Array& x) {
  const Array missing = logical_or(logical_or(isnan(a), isnan(b)), isnan(x));
  const Array outside =
      logical_or(logical_or(less_equal(a, 0.0), less_equal(b, 0.0)), logical_or(less(x, 0.0), greater(x, 1.0)));
  const Array bad = logical_or(missing, outside), edge = logical_or(equal(x, 0.0), equal(x, 1.0));
  const Array usual = logical_not(logical_or(bad, edge));
  const Array p = where(usual, a, 1.0), q = where(usual, b, 1.0), y = where(usual, x, 0.5);
  const Array front = exp(log_gamma(p + q) - log_gamma(p) - log_gamma(q) + p * log(y) + q * log1p(-y));
  const Array near = less(y, (p + 1.0) / (p + q + 2.0));
  const Array first = where(near, p, q), second = where(near, q, p), part = where(near, y, 1.0 - y);
  const Array value = front * beta_fraction(first, second, part) / first;
  return where(bad, kNan, where(edge, x, where(near, value, 1.0 - value)));
}

}  // namespace

Array igamma(const Array& a, const Array& x) {
  return in_double({a, x}, [](const Arrays& v) { return gamma_part(v[0], v[1], false); });
}
Array igammac(const Array& a, const Array& x) {
  return in_double({a, x}, [](const Arrays& v) { return gamma_part(v[0], v[1], true); });
}
Array igamma_grad_a(const Array& a, const Array& x) {
  return in_double({a, x}, [](const Arrays& v) { return gamma_part_slope(v[0], v[1]); });
}
Array random_gamma_grad(const Array& a, const Array& x) {
  return in_double({a, x}, [](const Arrays& v) { return gamma_draw_slope(v[0], v[1]); });
}
Array zeta(const Array& x, const Array& q) {
  return in_double({x, q}, [](const Arrays& v) { return hurwitz_zeta(v[0], v[1]); });
}
Array polygamma(const Array& n, const Array& x) {
  return in_double({n, x}, [](const Arrays& v) { return polygamma_wide(v[0], v[1]); });
}
Array betainc(const Array& a, const Array& b, const Array& x) {
  return in_double({a, b, x}, [](const Arrays& v) { return incomplete_beta(v[0], v[1], v[2]); });
}

}  // namespace tf2jax::stablehlo::written_out
