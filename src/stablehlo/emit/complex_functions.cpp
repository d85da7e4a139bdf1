// Inverse functions of complex numbers, written out on their parts.
#include "tf2jax/stablehlo/internal/special_functions.h"

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

#include <limits>
#include <numbers>

namespace tf2jax::stablehlo::written_out {
namespace {

constexpr double kPi = std::numbers::pi, kLn2 = std::numbers::ln2, kInfinity = std::numeric_limits<double>::infinity();

// Beyond this, 1 is nothing beside a number, and squares may overflow.
constexpr double kFar = 1e150;

// A number or a pair of them, in f64.
struct Parts {
  Array x, y;
};

Array is_negative(const Array& x) {
  const Array bits = bitcast_convert_type_p().bind1({x}, NewDtype{DType::i64});
  return less(bits, zeros_like(bits));
}
// |v| with the sign of x, that of zeros too.
Array with_sign(const Array& v, const Array& x) { return where(is_negative(x), -v, v); }

Array hypotenuse(const Array& x, const Array& y) { return abs(complex(x, y)); }

template <class F>
Array in_parts(const Array& z, const F& f) {
  const auto scope = override_config(&Config::enable_x64, true);
  const Array wide = rules::as_dtype(z, DType::c128);
  const Parts out = f(Parts{real(wide), imag(wide)});
  return rules::as_dtype(complex(out.x, out.y), z.dtype());
}

Array square_of_ratio(const Array& larger, const Array& smaller) {
  const Array defined = logical_and(greater(larger, 0.0), less(larger, kInfinity));
  const Array ratio = where(defined, smaller, 0.0) / where(defined, larger, 1.0);
  return ratio * ratio;
}

struct ArcSine {
  Array leg;        // sqrt(a^2 - x^2): asin z = atan2(x, leg), acos z = atan2(leg, x)
  Array imaginary;  // of asin z
};

// Of x, y >= 0. Source: Hull, Fairgrieve, Tang, "Implementing the complex arcsine and arccosine functions using
// exception handling", 1997: a is half the sum of the distances r and s to -1 and 1.
ArcSine arc_sine(const Array& x, const Array& y) {
  const Array far = greater(maximum(x, y), kFar), u = where(far, 1.0, x), v = where(far, 1.0, y);
  const Array r = hypotenuse(u + 1.0, v), s = hypotenuse(u - 1.0, v), a = 0.5 * (r + s);
  const Array right = r + (u + 1.0), inside = less_equal(u, 1.0);
  // Distances that would cancel are quotients: s - |u - 1| = v^2 / (s + |u - 1|).
  const Array near = s + abs(u - 1.0), gap = where(greater(near, 0.0), near, 1.0);
  const Array leg =
      where(inside, sqrt(0.5 * (a + u) * (v * (v / right) + near)), v * sqrt(0.5 * ((a + u) / right + (a + u) / gap)));
  const Array slope = 0.5 * (1.0 / right + 1.0 / gap), beyond = 0.5 * (v * (v / right) + near);
  const Array less_one = where(less(u, 1.0), v * (v * slope), beyond);
  const Array root = where(less(u, 1.0), v * sqrt(slope * (a + 1.0)), sqrt(beyond * (a + 1.0)));
  const Array larger = maximum(x, y), smaller = minimum(x, y);
  const Array distant = kLn2 + log(where(far, larger, 1.0)) + 0.5 * log1p(square_of_ratio(larger, smaller));
  return {where(far, y, leg), where(far, distant, log1p(less_one + root))};
}

Array is_infinite(const Array& x) { return equal(abs(x), kInfinity); }

// NaN in one part leaves of the other what is known without it.
ArcSine arc_sine_of(const Parts& z) {
  const Array x = abs(z.x), y = abs(z.y), nan = x + y;
  const Array undefined = logical_or(isnan(x), isnan(y)), infinite = logical_or(is_infinite(x), is_infinite(y));
  const ArcSine known = arc_sine(where(undefined, 1.0, x), where(undefined, 1.0, y));
  return {where(undefined, nan, known.leg), where(undefined, where(infinite, kInfinity, nan), known.imaginary)};
}

// The real part of asin for Re z >= 0: 0 is 0 whatever the other part.
Array angle_of(const Array& x, const Array& y, const ArcSine& f) {
  return where(logical_and(isnan(y), equal(x, 0.0)), 0.0, atan2(abs(x), f.leg));
}
// The real part of acos.
Array complement_of(const Parts& z, const ArcSine& f) {
  return where(logical_and(isnan(z.y), equal(z.x, 0.0)), kPi / 2, atan2(f.leg, z.x));
}

// atanh of x + iy, x and y >= 0. Source: Kahan, "Branch cuts for complex elementary functions", 1987.
Parts area_tangent(const Array& x, const Array& y) {
  const Array larger = maximum(x, y), smaller = minimum(x, y), far = greater(larger, kFar);
  const Array u = where(far, 1.0, x), v = where(far, 1.0, y), gap = 1.0 - u, square = gap * gap + v * v;
  const Array at_pole = logical_and(equal(u, 1.0), less(v, 1e-100));
  const Array near = where(at_pole, 0.5 * (kLn2 - log(v)), 0.25 * log1p(4.0 * u / where(at_pole, 1.0, square)));
  const Array by_square = x / larger / larger / (1.0 + square_of_ratio(larger, smaller));
  const Array distant = where(is_infinite(larger), 0.0, by_square);
  const Array m = where(far, 1.0, larger), n = where(far, 1.0, smaller);
  const Array angle = 0.5 * atan2(2.0 * v, (1.0 - m) * (1.0 + m) - n * n);
  return {where(far, distant, near), where(far, kPi / 2, angle)};
}

// atanh of |x| + i|y| where one of them may be NaN.
Parts area_tangent_of(const Array& x, const Array& y) {
  const Array nan = x + y, undefined = logical_or(isnan(x), isnan(y));
  const Parts known = area_tangent(where(undefined, 1.0, x), where(undefined, 1.0, y));
  const Array without_y = logical_or(equal(x, 0.0), is_infinite(x));
  return {where(undefined, where(logical_or(without_y, is_infinite(y)), 0.0, nan), known.x),
          where(undefined, where(is_infinite(y), kPi / 2, nan), known.y)};
}

}  // namespace

Array asin(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const ArcSine f = arc_sine_of(p);
    return Parts{with_sign(angle_of(p.x, p.y, f), p.x), with_sign(f.imaginary, p.y)};
  });
}
Array acos(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const ArcSine f = arc_sine_of(p);
    return Parts{complement_of(p, f), with_sign(-f.imaginary, p.y)};
  });
}
// -i asin(iz)
Array asinh(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const ArcSine f = arc_sine_of({p.y, p.x});
    return Parts{with_sign(f.imaginary, p.x), with_sign(angle_of(p.y, p.x, f), p.y)};
  });
}
// i acos(z), or -i acos(z): what has a real part to the right of 0.
Array acosh(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const ArcSine f = arc_sine_of(p);
    return Parts{f.imaginary, with_sign(complement_of(p, f), p.y)};
  });
}
Array atanh(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const Parts f = area_tangent_of(abs(p.x), abs(p.y));
    return Parts{with_sign(f.x, p.x), with_sign(f.y, p.y)};
  });
}
// -i atanh(iz)
Array atan(const Array& z) {
  return in_parts(z, [](const Parts& p) {
    const Parts f = area_tangent_of(abs(p.y), abs(p.x));
    return Parts{with_sign(f.y, p.x), with_sign(f.x, p.y)};
  });
}

}  // namespace tf2jax::stablehlo::written_out
