// log and its kin, on floats and doubles, and the float functions that are made of logarithms in doubles.
#include <limits>

#include "tf2jax/compiler/codegen/math/internal/functions.h"

namespace tf2jax::codegen {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
bool single(const Vec& x) { return x.bits() == 32; }

// log(1 + r) - r on [sqrt(1/2) - 1, sqrt(2) - 1]. Floats: Cephes' logf. Doubles: with s = r / (2 + r), as fdlibm's log.
Vec log_tail(const Vec& r) {
  const Vec z = r * r;
  if (single(r)) {
    const Vec p = poly(r, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                           -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
    return fma(z, -0.5, p * r * z);
  }
  const Vec s = r / (r + 2.0), w = s * s;
  const Vec p = w * poly(w, {0.147970728444304278, 0.15313951232153896, 0.181835676515034045, 0.222221985211986555,
                             0.285714287427595901, 0.399999999994137406, 0.66666666666667344});
  const Vec half = z * 0.5;
  return s * (half + p) - half;
}

// log(1 + r) + e ln2; the high part of ln2 has trailing zeros.
Vec log_sum(const Vec& r, const Vec& e) {
  const double high = single(r) ? 0.693359375 : 0x1.62e42fefa38p-1,
               low = single(r) ? -2.12194440e-4 : 5.4979230187083711747e-14;
  return fma(e, high, r + fma(e, low, log_tail(r)));
}

Vec with_special_cases(const Vec& x, const Vec& y) {
  const Vec nonpositive = select(x == 0.0, -kInf, x.of(kNan));
  return select(x > 0.0, select(x < kInf, y, x), nonpositive);
}

}  // namespace

Vec log_sum(const Vec& r, const Vec& e, const Vec& low) {
  const Vec change = low * fma(r, r - 1.0, 1.0);  // low / (1 + r)
  return fma(e, 0x1.62e42fefa38p-1, r + fma(e, 5.4979230187083711747e-14, log_tail(r) + change));
}

Vec log_positive(const Vec& x) {
  const auto [m, e] = split(x);
  return log_sum(m - 1.0, e);
}

// 0.9 ulp.
Vec log_of(const Vec& x) { return with_special_cases(x, log_positive(x)); }

// 1.1 ulp. The high part of log2(e) has few digits, so that its product with r is nearly exact.
Vec log2_of(const Vec& x) {
  const auto [m, e] = split(x);
  const Vec r = m - 1.0;
  const double high = single(x) ? 1.442626953125 : 0x1.71547p+0, low = std::numbers::log2e - high;
  return with_special_cases(x, e + fma(r, high, fma(r, low, log_tail(r) * std::numbers::log2e)));
}

// 1.4 ulp. The rounding error of 1 + x is added to the reduced argument.
Vec log1p_of(const Vec& x) {
  const Vec u = x + 1.0, back = u - 1.0;
  const Vec lost = (x - back) + (1.0 - (u - back));
  const auto [m, e] = split(u);
  const Vec y = log_sum(fma(lost, scale(e.constant(1.0).like(e), -e), m - 1.0), e);
  return select(abs(x) < (single(x) ? 1e-8 : 1e-17), x, with_special_cases(u, y));  // keeps -0
}

// 0.6 ulp each, in doubles.
Vec asinh_of(const Vec& x) {
  const Vec d = widen(x), a = abs(d);
  const Vec y = log_positive(a + sqrt(fma(a, a, 1.0)));
  const Vec small = fma(a * a * a, -1.0 / 6.0, a);
  const Vec finite = select(a < kInf, y, a);
  return narrow(copysign(select(a < 1e-3, small, finite), d));
}
Vec acosh_of(const Vec& x) {
  const Vec d = widen(x);
  const Vec y = log_positive(d + sqrt(fma(d, d, -1.0)));
  return narrow(select(d < 1.0, kNan, select(d < kInf, y, d)));
}
Vec atanh_of(const Vec& x) {
  const Vec d = widen(x), a = abs(d);
  const Vec y = log_of((1.0 + a) / (1.0 - a)) * 0.5;
  const Vec small = fma(a * a * a, 1.0 / 3.0, a);
  return narrow(copysign(select(a < 1e-3, small, y), d));
}
Vec cbrt_of(const Vec& x) {
  const Vec a = abs(x);
  const Vec y = narrow(exp2_of(log_positive(widen(a)) * (std::numbers::log2e / 3.0)));
  return select(a > 0.0, select(a < kInf, copysign(y, x), x), x);
}

// 0.6 ulp, as exp2(y log2|x|) in doubles. Special cases: C17 F.10.4.4.
Vec pow_of(const Vec& x, const Vec& y) {
  const Vec a = abs(x), d = widen(y);
  const Vec l = log_of(widen(a)) * std::numbers::log2e;
  Vec out = narrow(exp2_of(d * l));
  const Vec integral = trunc(y) == y, half = y * 0.5, odd = integral & ~(trunc(half) == half);
  const Vec negative = to_bits(x).like(out) < 0;
  out = select(negative & odd, -out, out);
  const Vec finite = a < kInf;
  out = select((x < 0.0) & finite & ~integral & (abs(y) < kInf), kNan, out);
  const Vec one = (x == 1.0) | (y == 0.0) | ((x == -1.0) & (abs(y) == kInf));
  return select(one, 1.0, out);
}

}  // namespace tf2jax::codegen
