// Functions of doubles whose float kin are computed in doubles or need fewer digits: inverse trigonometric and
// hyperbolic functions, tan, cbrt and pow. Reductions keep what rounding loses where the result would show it;
// polynomials are minimax fits of our own.
#include <limits>

#include "tf2jax/compiler/codegen/math/internal/functions.h"

namespace tf2jax::codegen {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfPi = std::numbers::pi / 2,
                 kHalfPiLow = 6.123233995736766e-17;  // pi/2 less the double nearest to it

// A sum of two doubles, the second less than an ulp of the first.
struct Pair {
  Vec high, low;
};
Pair sum(const Vec& larger, const Vec& smaller) {
  const Vec s = larger + smaller;
  return {s, smaller - (s - larger)};
}
Pair product(const Vec& x, const Vec& y) {
  const Vec p = x * y;
  return {p, fma(x, y, -p)};
}

// (atan(x)/x - 1) / x^2, of z = x^2 in [0, 1/4].
Vec atan_tail(const Vec& z) {
  return poly(
      z, {-0.009265855815619704, 0.025081763122628647, -0.03811604414836379, 0.04629896152397568, -0.052405481724109415,
          0.05879649502722581, -0.06666443190381546, 0.0769229523556664, -0.09090908643415514, 0.1111111110151933,
          -0.142857142856073, 0.19999999999999532, -0.3333333333333333});
}

// (asinh(x)/x - 1) / x^2, likewise.
Vec asinh_tail(const Vec& z) {
  return poly(z, {0.001894821045657104, -0.005005684627550484, 0.007630028403237604, -0.009594049474492713,
                  0.011526752981969864, -0.013962308583729956, 0.017352594005733486, -0.022372151788495793,
                  0.030381944259184366, -0.04464285714042401, 0.07499999999998747, -0.16666666666666666});
}

}  // namespace

// 1.2 ulp. pi/2 in three parts; what the second subtraction loses is added to the result by the derivative.
Vec tan_of_double(const Vec& x) {
  const auto [n, word] = nearest(x, 2.0 * std::numbers::inv_pi);
  const Vec first = fma(n, -kHalfPi, x), r = fma(n, -kHalfPiLow, first);
  const Vec lost = fma(n, 1.4973849048591833e-33, fma(n, -kHalfPiLow, first - r));
  const Vec z = r * r;
  const Vec p = poly(z, {8.575279932492553e-06, -1.8710755682322147e-05, 3.727527831736286e-05, -1.1871467977040946e-05,
                         5.622159196552418e-05, 8.966383177003833e-05, 0.00024134064698114904, 0.000589546989250322,
                         0.0014559077290215799, 0.0035921203903770296, 0.008863236048673789, 0.02186948851500355,
                         0.053968253968704936, 0.13333333333332953, 0.3333333333333333}) *
                z;
  const Vec about = fma(p, r, r);
  const auto [t, low] = sum(r, fma(p, r, lost * fma(about, about, 1.0)));
  const Vec c = -1.0 / t, inverse = fma(c, fma(c, t, 1.0) + c * low, c);
  return select(x == 0.0, x, select((word & 1) == 0, t, inverse));
}

namespace {
// Above 1/2 by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
struct HalfAngle {
  Vec large, s, tail;
};
HalfAngle half_angle(const Vec& x) {
  const Vec a = abs(x), large = a > 0.5, half = fma(a, -0.5, 0.5);
  const Vec z = select(large, half, a * a), s = select(large, sqrt(half), a);
  const Vec p = poly(
      z, {0.028998874125483222, -0.015212438127253425, 0.017636788516383315, 0.005368862248790659, 0.010343929955748742,
          0.011475856595829429, 0.013971561192651324, 0.017352368698808223, 0.022372173991937087, 0.030381944111486255,
          0.04464285714671502, 0.07499999999998246, 0.16666666666666669});
  return {large, s, p * z * s};
}
}  // namespace

// 2.0 ulp.
Vec asin_of_double(const Vec& x) {
  const auto [large, s, tail] = half_angle(x);
  return copysign(select(large, fma(s, -2.0, kHalfPi) - fma(tail, 2.0, -kHalfPiLow), s + tail), x);
}
// 1.1 ulp.
Vec acos_of_double(const Vec& x) {
  const auto [large, s, tail] = half_angle(x);
  const Vec angle = s + tail, twice = angle * 2.0;
  const Vec outer = select(x > 0.0, twice, 2.0 * kHalfPi - (twice - 2.0 * kHalfPiLow));
  return select(large, outer, kHalfPi - (copysign(angle, x) - kHalfPiLow));
}

// 1.4 ulp. Above 1/2 by the angle to 1, above 2 by that to infinity.
Vec atan_of_double(const Vec& x) {
  const Vec a = abs(x), middle = a > 0.5, large = a > 2.0;
  const Vec n = select(large, -1.0, select(middle, a - 1.0, a)),
            d = select(large, a, select(middle, a + 1.0, x.of(1.0)));
  const Vec high = select(large, kHalfPi, select(middle, kHalfPi / 2, x.of(0.0))),
            low = select(large, kHalfPiLow, select(middle, kHalfPiLow / 2, x.of(0.0)));
  const Vec r = n / d, z = r * r;
  return copysign(high + (r + fma(atan_tail(z) * z, r, low)), x);
}

// 1.5 ulp: as atan of |y| / |x|, reduced before the division; left of the axis the angle is taken from pi.
Vec atan2_of_double(const Vec& y, const Vec& x) {
  // Away from where sums overflow and halves are rounded.
  const Vec most = binary(abs(x), abs(y), llvm::Intrinsic::maxnum),
            scale = select(most > 0x1p1000, 0x1p-100, select(most < 0x1p-900, 0x1p100, most.of(1.0)));
  const Vec a = abs(x) * scale, b = abs(y) * scale;
  const Vec left = (to_bits(x) < 0).like(a);
  const Vec steep = b * 0.5 > a, middle = ~steep & (b > a * 0.5), both = (a == kInf) & (b == kInf), none = b == 0.0;
  Vec n = select(steep, -a, select(middle, b - a, b)), d = select(steep, b, select(middle, b + a, a));
  n = select(both | none, 0.0, n);
  d = select(both | none, 1.0, d);
  const auto base = [&](double quarter) {
    const Vec right = select(steep, 2.0 * quarter, select(middle | both, quarter, a.of(0.0)));
    return select(left, 4.0 * quarter - right, right);
  };
  const Vec q = n / d, r = select(left, -q, q), z = r * r;
  const Vec angle = base(kHalfPi / 2) + (r + fma(atan_tail(z) * z, r, base(kHalfPiLow / 2)));
  return select(is_nan(x) | is_nan(y), x + y, copysign(angle, y));
}

namespace {

// log(x + sqrt(x^2 + c)) of x >= 1/2 where c = 1, of x >= 3/2 where c = -1.
Vec log_of_hyperbola(const Vec& x, double c) {
  const Vec huge = x > 0x1p28, b = select(huge, 2.0, x);
  const auto [z, z_low] = product(b, b);
  const Vec u = z + c, back = u - z, u_low = (z - (u - back)) + (c - back);
  const Vec s = sqrt(u), s_low = (fma(-s, s, u) + (u_low + z_low)) * 0.5 / s;
  const auto [w, w_low] = c > 0 ? sum(s, b) : sum(b, s);
  const auto [m, e] = split(select(huge, x, w));
  return log_sum(m - 1.0, select(huge, e + 1.0, e), select(huge, 0.0, w_low + s_low) * scale(e.of(1.0).like(e), -e));
}

}  // namespace

// 0.8 ulp.
Vec asinh_of_double(const Vec& x) {
  const Vec a = abs(x), z = a * a;
  const Vec small = fma(asinh_tail(z) * z, a, a);
  return copysign(select(a < 0.5, small, select(a < kInf, log_of_hyperbola(a, 1.0), a)), x);
}
// 1.4 ulp. Near 1 by acosh(x) = 2 asinh(sqrt((x - 1) / 2)).
Vec acosh_of_double(const Vec& x) {
  const Vec z = fma(x, 0.5, -0.5), s = sqrt(z);
  const Vec small = fma(asinh_tail(z) * z, s, s) * 2.0;
  return select(x < 1.5, small, select(x < kInf, log_of_hyperbola(x, -1.0), x));
}
// 0.8 ulp.
Vec atanh_of_double(const Vec& x) {
  const Vec a = abs(x), z = a * a;
  const Vec p =
      poly(z, {0.21289823828600962, -0.14761235182259527, 0.1378062127544806, 0.011363283510288745, 0.0546690837452691,
               0.05156234291494479, 0.058936643524845504, 0.06665838275011073, 0.07692348681052968, 0.09090907781304208,
               0.11111111136117266, 0.14285714285465526, 0.20000000000000973, 0.3333333333333333});
  const auto [n, n_low] = sum(x.of(1.0).like(a), a);
  const Vec d = 1.0 - a, inverse = 1.0 / d, q = n * inverse, q_low = (fma(-q, d, n) + n_low) * inverse;
  const auto [m, e] = split(q);
  const Vec large = log_sum(m - 1.0, e, q_low * scale(e.of(1.0).like(e), -e)) * 0.5;
  const Vec beyond = select(a == 1.0, kInf, a.of(kNan));
  return copysign(select(a < 0.5, fma(p * z, a, a), select(a < 1.0, large, beyond)), x);
}

// 0.6 ulp. |x| = m 2^(3k + j): Halley's step from a value of 19 correct digits and few bits, whose square is exact.
Vec cbrt_of_double(const Vec& x) {
  const Vec a = abs(x);
  const auto [m, e] = split(a);
  const Vec k = nearest(e, 1.0 / 3.0).value, j = fma(k, -3.0, e), down = j < 0.0, up = j > 0.0;
  const Vec v = select(down, m * 0.5, select(up, m * 2.0, m));
  const Vec about = poly(m, {0.02654140301831828, -0.17737203758454279, 0.5064132037976997, -0.8313955162633386,
                             1.0536514171335758, 0.4221606394644667}) *
                    select(down, 0.79370052598409974, select(up, 1.2599210498948732, m.of(1.0)));
  const Vec y = from_bits(to_bits(about) & ~std::int64_t{0x7ffffff}), square = y * y;
  const Vec root = fma(-y, fma(square, y, -v) / fma(square * y, 2.0, v), y);
  return select(a > 0.0, select(a < kInf, copysign(scale(root, k), x), x), x);
}

// 1.0 ulp: 2^(y log2|x|), the logarithm to 65 bits. log m = s (2 + s^2 (2/3 + ...)) with s = (m - 1) / (m + 1), of
// whose terms the first two are pairs. Special cases: C17 F.10.4.4.
Vec pow_of_double(const Vec& x, const Vec& y) {
  const Vec a = abs(x);
  const auto [m, e] = split(a);
  const auto [d, d_low] = sum(m.of(1.0).like(m), m);  // in either order the error is exact
  const Vec n = m - 1.0, inverse = 1.0 / d, s = n * inverse, s_low = (fma(-s, d, n) - s * d_low) * inverse;
  const auto [w, w_error] = product(s, s);
  const Vec w_low = fma(s * 2.0, s_low, w_error);
  const Vec p = poly(w, {0.11736922214427781, 0.11704906808173754, 0.13334854971275759, 0.1538459402514525,
                         0.18181818344303657, 0.2222222222161587, 0.2857142857142943, 0.4}) *
                w;
  const auto [c, c_error] = sum(w.of(2.0 / 3.0).like(p), p);
  const Vec c_low = c_error + 3.7007434154171884e-17;  // of 2/3
  const auto [u, u_error] = product(w, c);
  const auto [v, v_error] = sum(u.of(2.0).like(u), u);
  const Vec v_low = v_error + (u_error + fma(w, c_low, w_low * c));
  const auto [l, l_error] = product(s, v);
  const Vec l_low = l_error + fma(s, v_low, s_low * v);
  const auto [b, b_error] = product(l, l.of(std::numbers::log2e).like(l));
  const Vec b_low = b_error + fma(l, 2.0355273740931033e-17, l_low * std::numbers::log2e);
  const auto [g, g_error] = sum(e, b);
  const Vec finite = a < kInf, logarithm = select(a > 0.0, select(finite, g, kInf), -kInf);
  const auto [t, t_error] = product(y, logarithm);
  const Vec inside = abs(t) < 1100.0;
  Vec out = exp2_sum(select(inside, t, copysign(t.of(1100.0).like(t), t)),
                     select(inside, fma(y, g_error + b_low, t_error), 0.0));

  const Vec integral = trunc(y) == y, half = y * 0.5, odd = integral & ~(trunc(half) == half);
  out = select((to_bits(x) < 0).like(out) & odd, -out, out);
  out = select((x < 0.0) & finite & ~integral & (abs(y) < kInf), kNan, out);
  out = select(is_nan(x) | is_nan(y), x + y, out);
  return select((x == 1.0) | (y == 0.0) | ((x == -1.0) & (abs(y) == kInf)), 1.0, out);
}

}  // namespace tf2jax::codegen
