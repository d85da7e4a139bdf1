// Trigonometric functions and their inverses.
#include "tf2jax/compiler/codegen/math/internal/functions.h"

#include <limits>

namespace tf2jax::codegen {

using loops::Op;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
bool single(const Vec& x) { return x.bits() == 32; }

// x - n pi by Cody and Waite's method. With fused multiplications the first step is exact, so three parts of pi serve
// as long as n is the nearest integer but for a little; beyond the limit the C library is called. The parts are
// positive: with n = 0 each product is -0, which keeps the sign of zero.
double limit_of(const Vec& x) { return single(x) ? 1e5 : 1e9; }
Vec minus_multiple_of_pi(const Vec& x, const Vec& n) {
  if (single(x))
    return fma(n, -1.07806050599155295e-14, fma(n, -1.50995788317231927067e-7, fma(n, -3.14159250259399414063, x)));
  return fma(n, -2.16571334784382778848e-32, fma(n, -1.22464679914735296065e-16, fma(n, -std::numbers::pi, x)));
}

// sin(r) a little beyond [-pi/2, pi/2].
Vec sin_reduced(const Vec& r) {
  const Vec z = r * r;
  const Vec p = single(r) ? poly(z, {2.605666708e-6, -0.0001980955772, 0.00833306574, -0.1666665954})
                          : poly(z, {-7.98114832511715585e-18, 2.81020038617043922e-15, -7.64712714717507632e-13,
                                     1.6059043193503793e-10, -2.50521083784552382e-8, 2.75573192239399361e-6,
                                     -0.000198412698412696697, 0.00833333333333333302, -0.166666666666666667});
  return copysign(fma(p * z, r, r), r);  // -0 would become +0
}
Vec negate_if_odd(const Vec& r, const Vec& word) { return from_bits(to_bits(r) ^ (word << (r.bits() - 1))); }

template <class F>
Vec with_huge_arguments(Op op, const Vec& x, F&& usual) {
  const Vec y = usual();
  Branch huge(x.ir(), any(abs(x) > limit_of(x)));
  return huge.finish(y, call_libm(op, x));
}

}  // namespace

// 1.8 ulp. Zero keeps its sign.
Vec sin_of(const Vec& x) {
  return with_huge_arguments(Op::sin, x, [&] {
    const auto [n, word] = nearest(x, std::numbers::inv_pi);
    return sin_reduced(negate_if_odd(minus_multiple_of_pi(x, n), word));
  });
}

// 2.0 ulp. cos(x) = sin(x + pi/2): n = k + 1/2, and the sign is that of sin at k + 1.
Vec cos_of(const Vec& x) {
  return with_huge_arguments(Op::cos, x, [&] {
    const Vec k = fma(x, std::numbers::inv_pi, -0.5);
    const auto [n, word] = nearest(k, 1.0);
    return sin_reduced(negate_if_odd(minus_multiple_of_pi(x, n + 0.5), word + 1));
  });
}

// Floats: 0.6 ulp, in doubles: tan(r) on [-pi/4, pi/4], or -1 / tan(r).
Vec tan_of(const Vec& x) {
  return with_huge_arguments(Op::tan, x, [&] {
    if (!single(x)) return tan_of_double(x);
    const auto [n, word] = nearest(x, 2.0 * std::numbers::inv_pi);
    const Vec m = widen(n);
    const Vec r = fma(m, -6.1232339957367660e-17, fma(m, -std::numbers::pi / 2, widen(x)));
    const Vec z = r * r;
    const Vec p = poly(
        z, {0.004375633185, 9.249157108e-5, 0.01083186089, 0.02128452033, 0.05405925056, 0.1333267203, 0.3333334936});
    const Vec t = fma(p * z, r, r);
    return narrow(select((word & 1) == 0, t, -1.0 / t));
  });
}

namespace {

constexpr double kHalfPiLow = -4.37113882867379289e-8;  // pi/2 less the float nearest to it

// asin(|x|) where |x| <= 1/2, else asin(sqrt((1 - |x|) / 2)), as s + tail.
struct HalfAngle {
  Vec large, s, tail;
};
HalfAngle half_angle(const Vec& x) {
  const Vec a = abs(x), large = a > 0.5;
  const Vec half = fma(a, -0.5, 0.5);
  const Vec z = select(large, half, a * a), s = select(large, sqrt(half), a);
  return {large, s, poly(z, {0.0420922576, 0.02422774151, 0.04545931658, 0.07495401134, 0.1666674927}) * z * s};
}

// atan on [0, 1].
Vec atan_reduced(const Vec& t) {
  const Vec z = t * t;
  const Vec p = poly(z, {-0.001798877267, 0.0109390634, -0.03122552643, 0.05800805904, -0.08406589823, 0.1095334527,
                         -0.1426448522, 0.1999857414, -0.3333330011});
  return fma(p * z, t, t);
}
Vec from_half_pi(const Vec& angle) { return std::numbers::pi / 2 - (angle - kHalfPiLow); }

}  // namespace

// 2.0 ulp.
Vec asin_of(const Vec& x) {
  const auto [large, s, tail] = half_angle(x);
  return copysign(select(large, fma(s, -2.0, std::numbers::pi / 2) - fma(tail, 2.0, -kHalfPiLow), s + tail), x);
}

// 1.1 ulp.
Vec acos_of(const Vec& x) {
  const auto [large, s, tail] = half_angle(x);
  const Vec angle = s + tail, twice = angle * 2.0;
  const Vec outer = select(x > 0.0, twice, std::numbers::pi - (twice - 2.0 * kHalfPiLow));
  return select(large, outer, from_half_pi(copysign(angle, x)));
}

// 1.2 ulp: atan(1/x) = pi/2 - atan(x).
Vec atan_of(const Vec& x) {
  const Vec a = abs(x), large = a > 1.0;
  const Vec t = atan_reduced(select(large, 1.0 / a, a));
  return copysign(select(large, from_half_pi(t), t), x);
}

// 2.0 ulp.
Vec atan2_of(const Vec& y, const Vec& x) {
  const Vec a = abs(x), b = abs(y), steep = b > a;
  const Vec least = select(steep, a, b), most = select(steep, b, a);
  const Vec ratio = select(least == kInf, 1.0, select(most == 0.0, 0.0, least / most));
  const Vec t = atan_reduced(ratio);
  const Vec right = select(steep, from_half_pi(t), t);
  const Vec left = std::numbers::pi - (right - 2.0 * kHalfPiLow);
  const Vec angle = copysign(select((to_bits(x) < 0).like(right), left, right), y);
  return select(is_nan(x) | is_nan(y), x + y, angle);
}

}  // namespace tf2jax::codegen
