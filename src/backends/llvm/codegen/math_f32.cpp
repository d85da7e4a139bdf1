// Elementary functions of floats.
#include "tf2jax/backends/llvm/codegen/internal/math.h"

#include <limits>
#include <numbers>

namespace tf2jax::codegen {

using loops::Op;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

// exp(r) on [-ln2/2, ln2/2]; coefficients of Cephes' expf.
Vec exp_reduced(const Vec& r) {
  const Vec p = poly(r, {1.98756915e-4, 1.39819995e-3, 8.33345205e-3, 4.16657962e-2, 1.66666657e-1, 5.00000000e-1});
  return fma(p, r * r, r) + 1.0;
}

// x = n ln2 + r. The high part of ln2 has trailing zeros, so that n * high is exact.
Vec exp_in_range(const Vec& x) {
  const Vec n = round_even(x * std::numbers::log2e);
  const Vec r = fma(n, -1.42860677e-6, fma(n, -0.693145752, x));
  return scale(exp_reduced(r), n);
}

// 1.00 ulp. The limits lie where the result has overflowed or vanished; NaN passes both comparisons.
Vec exp_f32(const Vec& x) {
  const Vec below = select(x > 89.0, 89.0, x);
  return exp_in_range(select(below < -104.5, -104.5, below));
}

// 0.8 ulp. Cephes' logf on the mantissa.
Vec log_f32(const Vec& x) {
  const auto [m, e] = split(x);
  const Vec r = m - 1.0, z = r * r;
  Vec p = poly(r, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
                   -2.4999993993e-1, 3.3333331174e-1}) * r * z;
  p = fma(e, -2.12194440e-4, p);
  p = fma(z, -0.5, p);
  const Vec y = fma(e, 0.693359375, r + p);
  const Vec nonpositive = select(x == 0.0, -kInf, x.of(kNan));
  return select(x > 0.0, select(x < kInf, y, x), nonpositive);
}

// 1.3 ulp: an odd polynomial (Cephes' tanhf) below 0.625, above it 1 - 2 e / (1 + e) with e = exp(-2|x|).
Vec tanh_f32(const Vec& x) {
  const Vec a = abs(x);
  const Vec e = exp_in_range(select(a > 10.0, -20.0, a * -2.0));
  const Vec large = fma(e * -2.0, reciprocal(e + 1.0), 1.0);
  const Vec z = x * x;
  const Vec p = poly(z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  return copysign(select(a < 0.625, fma(p * z, a, a), large), x);
}

// 1.8 ulp, down to the subnormal results. exp(-|x|) cannot overflow.
Vec logistic_f32(const Vec& x) {
  const Vec a = abs(x);
  const Vec e = exp_in_range(select(a > 104.5, -104.5, -a));
  const Vec s = reciprocal(e + 1.0);
  return select(x < 0.0, e * s, s);
}

// r = x - n pi within an ulp for the arguments up to kTrigLimit, by Cody and Waite's method in four parts.
constexpr double kTrigLimit = 100.0;
Vec minus_multiple_of_pi(const Vec& x, const Vec& n) {
  return fma(n, -1.2154201256553420e-10, fma(n, -6.2771141529083251953e-7, fma(n, -0.0009670257568359375, fma(n, -3.140625, x))));
}
// sin(r) on [-pi/2, pi/2]; coefficients of SLEEF's sinf.
Vec sin_reduced(const Vec& r) {
  const Vec z = r * r;
  const Vec p = poly(z, {2.6083159809786593541503e-06, -0.0001981069071916863322258, 0.00833307858556509017944336, -0.166666597127914428710938});
  return fma(p * z, r, r);
}
Vec negate_if_odd(const Vec& r, const Vec& n) { return from_bits(to_bits(r) ^ (to_int(n) << 31)); }

template <class F>
Vec with_rare_arguments(Op op, const Vec& x, F&& usual) {
  Vec y = usual();
  Branch huge(x.ir(), any(~(abs(x) <= kTrigLimit)));
  return huge.finish(y, call_libm(op, x));
}

// 1.7 ulp for sin and cos. Zero keeps its sign.
Vec sin_f32(const Vec& x) {
  return with_rare_arguments(Op::sin, x, [&] {
    const Vec n = round_even(x * std::numbers::inv_pi);
    const Vec r = sin_reduced(negate_if_odd(minus_multiple_of_pi(x, n), n));
    return r;
  });
}
// cos(x) = sin(x + pi/2): n = k + 1/2 and the sign is that of sin at k + 1.
Vec cos_f32(const Vec& x) {
  return with_rare_arguments(Op::cos, x, [&] {
    const Vec k = round_even(fma(x, std::numbers::inv_pi, -0.5));
    const Vec r = minus_multiple_of_pi(x, k + 0.5);
    return sin_reduced(negate_if_odd(r, k + 1.0));
  });
}

}  // namespace

Vec elementary_f32(Op op, const Vec& x) {
  switch (op) {
    case Op::exp: return exp_f32(x);
    case Op::log: return log_f32(x);
    case Op::tanh: return tanh_f32(x);
    case Op::logistic: return logistic_f32(x);
    case Op::sin: return sin_f32(x);
    case Op::cos: return cos_f32(x);
    case Op::rsqrt: return 1.0 / sqrt(x);
    default: return {};
  }
}

}  // namespace tf2jax::codegen
