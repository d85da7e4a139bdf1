// Unary elementwise primitives and their rules.
#include <numbers>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/special.h"

namespace tf2jax {

namespace {

using rules::batch_unary;
using rules::jvp_unary;
using rules::jvp_zero;
using rules::same_as_operand;

template <class P = NoParams, class Partial>
Primitive differentiable(std::string name, kind::Test allowed, PrimitiveFn self, Partial partial) {
  return make_primitive<P>({
      .name = name,
      .operands = 1,
      .aval = same_as_operand(allowed, name),
      .jvp = jvp_unary(partial, self),
      .batch = batch_unary(self),
  });
}

template <class P = NoParams>
Primitive step(std::string name, kind::Test allowed, PrimitiveFn self) {
  return make_primitive<P>({
      .name = name,
      .operands = 1,
      .aval = same_as_operand(allowed, name),
      .jvp = jvp_zero(self),
      .batch = batch_unary(self),
  });
}

// C++ scalars in rules take the operand's dtype through weak promotion.
const double kTwoOverSqrtPi = 2.0 * std::numbers::inv_sqrtpi;

}  // namespace

const Primitive& neg_p() {
  static const Primitive p = make_primitive({
      .name = "neg",
      .operands = 1,
      .aval = same_as_operand(kind::numeric, "neg"),
      .jvp = rules::jvp_linear(neg_p),
      .transpose = rules::transpose_unary([](const Array& ct, const Aval&, const auto&) { return neg(ct); }),
      .batch = batch_unary(neg_p),
  });
  return p;
}
const Primitive& sign_p() {
  static const Primitive p = step("sign", kind::numeric, sign_p);
  return p;
}
const Primitive& floor_p() {
  static const Primitive p = step("floor", kind::floating, floor_p);
  return p;
}
const Primitive& ceil_p() {
  static const Primitive p = step("ceil", kind::floating, ceil_p);
  return p;
}
const Primitive& round_p() {
  static const Primitive p = step<RoundParams>("round", kind::floating, round_p);
  return p;
}
const Primitive& not_p() {
  static const Primitive p = step("not", kind::bool_or_integer, not_p);
  return p;
}
const Primitive& population_count_p() {
  static const Primitive p = step("population_count", kind::integer, population_count_p);
  return p;
}
const Primitive& clz_p() {
  static const Primitive p = step("clz", kind::integer, clz_p);
  return p;
}
const Primitive& is_finite_p() {
  static const Primitive p = make_primitive({
      .name = "is_finite",
      .operands = 1,
      .aval = rules::unary_to(DType::bool_, kind::floating, "is_finite"),
      .jvp = jvp_zero(is_finite_p),
      .batch = batch_unary(is_finite_p),
  });
  return p;
}

const Primitive& exp_p() {
  static const Primitive p =
      differentiable<Accuracy>("exp", kind::inexact, exp_p, [](auto&, auto& y, auto& t) { return t * y; });
  return p;
}
const Primitive& exp2_p() {
  static const Primitive p = differentiable<Accuracy>(
      "exp2", kind::inexact, exp2_p, [](auto&, auto& y, auto& t) { return t * (y * std::numbers::ln2); });
  return p;
}
const Primitive& expm1_p() {
  static const Primitive p =
      differentiable<Accuracy>("expm1", kind::inexact, expm1_p, [](auto&, auto& y, auto& t) { return t * (y + 1); });
  return p;
}
const Primitive& log_p() {
  static const Primitive p =
      differentiable<Accuracy>("log", kind::inexact, log_p, [](auto& x, auto&, auto& t) { return div(t, x); });
  return p;
}
const Primitive& log2_p() {
  static const Primitive p = differentiable<Accuracy>(
      "log2", kind::inexact, log2_p, [](auto& x, auto&, auto& t) { return div(t, x * std::numbers::ln2); });
  return p;
}
const Primitive& log1p_p() {
  static const Primitive p =
      differentiable<Accuracy>("log1p", kind::inexact, log1p_p, [](auto& x, auto&, auto& t) { return div(t, x + 1); });
  return p;
}
const Primitive& tanh_p() {
  static const Primitive p = differentiable<Accuracy>("tanh", kind::inexact, tanh_p,
                                                      [](auto&, auto& y, auto& t) { return t * one_minus_square(y); });
  return p;
}
const Primitive& logistic_p() {
  static const Primitive p =
      differentiable<Accuracy>("logistic", kind::inexact, logistic_p, [](auto&, auto& y, auto& t) {
        const Array slope = y * (1 - y);
        return t * slope;
      });
  return p;
}
const Primitive& sin_p() {
  static const Primitive p =
      differentiable<Accuracy>("sin", kind::inexact, sin_p, [](auto& x, auto&, auto& t) { return t * cos(x); });
  return p;
}
const Primitive& cos_p() {
  static const Primitive p = differentiable<Accuracy>("cos", kind::inexact, cos_p, [](auto& x, auto&, auto& t) {
    const Array s = sin(x);
    return neg(t * s);
  });
  return p;
}
const Primitive& tan_p() {
  static const Primitive p = differentiable<Accuracy>("tan", kind::inexact, tan_p,
                                                      [](auto&, auto& y, auto& t) { return t * (square(y) + 1); });
  return p;
}
const Primitive& asin_p() {
  static const Primitive p = differentiable<Accuracy>("asin", kind::inexact, asin_p,
                                                      [](auto& x, auto&, auto& t) { return t * rsqrt(1 - square(x)); });
  return p;
}
const Primitive& acos_p() {
  static const Primitive p = differentiable<Accuracy>(
      "acos", kind::inexact, acos_p, [](auto& x, auto&, auto& t) { return t * neg(rsqrt(1 - square(x))); });
  return p;
}
const Primitive& atan_p() {
  static const Primitive p = differentiable<Accuracy>("atan", kind::inexact, atan_p,
                                                      [](auto& x, auto&, auto& t) { return div(t, square(x) + 1); });
  return p;
}
const Primitive& sinh_p() {
  static const Primitive p =
      differentiable<Accuracy>("sinh", kind::inexact, sinh_p, [](auto& x, auto&, auto& t) { return t * cosh(x); });
  return p;
}
const Primitive& cosh_p() {
  static const Primitive p =
      differentiable<Accuracy>("cosh", kind::inexact, cosh_p, [](auto& x, auto&, auto& t) { return t * sinh(x); });
  return p;
}
const Primitive& asinh_p() {
  static const Primitive p = differentiable<Accuracy>("asinh", kind::inexact, asinh_p,
                                                      [](auto& x, auto&, auto& t) { return t * rsqrt(square(x) + 1); });
  return p;
}
const Primitive& acosh_p() {
  static const Primitive p = differentiable<Accuracy>("acosh", kind::inexact, acosh_p, [](auto& x, auto&, auto& t) {
    const Array below = rsqrt(x - 1), above = rsqrt(x + 1);
    return t * (below * above);
  });
  return p;
}
const Primitive& atanh_p() {
  static const Primitive p = differentiable<Accuracy>("atanh", kind::inexact, atanh_p, [](auto& x, auto&, auto& t) {
    const Array above = reciprocal(1 + x);
    return above * div(t, 1 - x);
  });
  return p;
}
const Primitive& sqrt_p() {
  static const Primitive p =
      differentiable<Accuracy>("sqrt", kind::inexact, sqrt_p, [](auto&, auto& y, auto& t) { return t * div(0.5, y); });
  return p;
}
const Primitive& rsqrt_p() {
  static const Primitive p = differentiable<Accuracy>("rsqrt", kind::inexact, rsqrt_p,
                                                      [](auto& x, auto& y, auto& t) { return t * (div(y, x) * -0.5); });
  return p;
}
const Primitive& cbrt_p() {
  static const Primitive p = differentiable<Accuracy>(
      "cbrt", kind::floating, cbrt_p, [](auto&, auto& y, auto& t) { return t * (integer_pow(y, -2) * (1.0 / 3)); });
  return p;
}
const Primitive& square_p() {
  static const Primitive p =
      differentiable<>("square", kind::numeric, square_p, [](auto& x, auto&, auto& t) { return t * (2 * x); });
  return p;
}
const Primitive& one_minus_square_p() {
  static const Primitive p = differentiable<>("one_minus_square", kind::inexact, one_minus_square_p,
                                              [](auto& x, auto&, auto& t) { return t * (-2 * x); });
  return p;
}
const Primitive& integer_pow_p() {
  static const Primitive p = make_primitive<IntegerPow>({
      .name = "integer_pow",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const IntegerPow& n) -> Avals {
        rules::check_dtype("integer_pow", x[0].dtype, kind::numeric);
        check<TypeError>(
            n.y >= 0 || !is_integer(x[0].dtype),
            "integer_pow: integers have no negative powers. Got {} to the power {}. Convert the base with astype.",
            x[0], n.y);
        return {x[0]};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const IntegerPow& n) -> JvpResult {
        Array y = integer_pow(x[0], n.y);
        if (t[0].is_zero() || n.y == 0) return {{y}, {Tangent::zero(y.aval())}};
        if (n.y == 1) return {{y}, {t[0]}};
        const Array slope = n.y == 2 ? 2 * x[0] : static_cast<double>(n.y) * integer_pow(x[0], n.y - 1);
        return {{std::move(y)}, {Tangent(t[0].value() * slope)}};
      },
      .batch = batch_unary(integer_pow_p),
  });
  return p;
}
const Primitive& abs_p() {
  static const Primitive p = make_primitive({
      .name = "abs",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        rules::check_dtype("abs", x[0].dtype, kind::numeric);
        return {Aval{real_dtype(x[0].dtype), x[0].shape, x[0].weak_type}};
      },
      .jvp = jvp_unary(
          [](auto& x, auto& y, auto& t) {
            if (!is_complex(x.dtype())) {
              const Array non_negative = greater_equal(x, 0);
              return select(non_negative, t, neg(t));
            }
            // d|z| = Re(conj(z) dz) / |z|; the slope at 0 is 0.
            const Array modulus = where(equal(y, 0), 1, y);
            return div(real(t * conj(x)), modulus);
          },
          abs_p),
      .batch = batch_unary(abs_p),
  });
  return p;
}

namespace {
Avals complex_part(std::span<const Aval> x, std::string_view name) {
  rules::check_dtype(name, x[0].dtype, kind::complex_only);
  return {Aval{real_dtype(x[0].dtype), x[0].shape, x[0].weak_type}};
}
}  // namespace

const Primitive& real_p() {
  static const Primitive p = make_primitive({
      .name = "real",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const NoParams&) { return complex_part(x, "real"); },
      .jvp = rules::jvp_linear(real_p),
      .transpose =
          rules::transpose_unary([](const Array& ct, const Aval&, const auto&) { return complex(ct, zeros_like(ct)); }),
      .batch = batch_unary(real_p),
  });
  return p;
}
const Primitive& imag_p() {
  static const Primitive p = make_primitive({
      .name = "imag",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const NoParams&) { return complex_part(x, "imag"); },
      .jvp = rules::jvp_linear(imag_p),
      // JAX does not conjugate cotangents, so <ct, Im z> = <-i ct, z> in the bilinear pairing.
      .transpose = rules::transpose_unary(
          [](const Array& ct, const Aval&, const auto&) { return complex(zeros_like(ct), neg(ct)); }),
      .batch = batch_unary(imag_p),
  });
  return p;
}
const Primitive& conj_p() {
  static const Primitive p = make_primitive<InputDtype>({
      .name = "conj",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const InputDtype&) -> Avals {
        rules::check_dtype("conj", x[0].dtype, kind::inexact);
        return {Aval{complex_dtype(x[0].dtype), x[0].shape, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(conj_p),
      .transpose = rules::transpose_unary([](const Array& ct, const Aval& x, const InputDtype&) {
        return is_complex(x.dtype) ? conj(ct) : real(conj(ct));
      }),
      .batch = batch_unary(conj_p),
  });
  return p;
}

const Primitive& erf_p() {
  static const Primitive p = differentiable<>("erf", kind::floating, erf_p, [](auto& x, auto&, auto& t) {
    const Array density = exp(neg(square(x)));
    return kTwoOverSqrtPi * (t * density);
  });
  return p;
}
const Primitive& erfc_p() {
  static const Primitive p = differentiable<>("erfc", kind::floating, erfc_p, [](auto& x, auto&, auto& t) {
    const Array density = exp(neg(square(x)));
    return -kTwoOverSqrtPi * (t * density);
  });
  return p;
}
const Primitive& erf_inv_p() {
  static const Primitive p = differentiable<>("erf_inv", kind::floating, erf_inv_p, [](auto&, auto& y, auto& t) {
    return (1.0 / kTwoOverSqrtPi) * (t * exp(square(y)));
  });
  return p;
}
const Primitive& lgamma_p() {
  static const Primitive p =
      differentiable<>("lgamma", kind::floating, lgamma_p, [](auto& x, auto&, auto& t) { return t * digamma(x); });
  return p;
}
const Primitive& digamma_p() {
  static const Primitive p = differentiable<>("digamma", kind::floating, digamma_p,
                                              [](auto& x, auto&, auto& t) { return t * polygamma(ones_like(x), x); });
  return p;
}
const Primitive& copy_p() {
  static const Primitive p = make_primitive({
      .name = "copy",
      .operands = 1,
      .aval = same_as_operand(kind::any, "copy"),
      .jvp = rules::jvp_linear(copy_p),
      .transpose = rules::transpose_unary([](const Array& ct, const Aval&, const auto&) { return ct; }),
      .batch = batch_unary(copy_p),
  });
  return p;
}
const Primitive& stop_gradient_p() {
  static const Primitive p = step("stop_gradient", [](DType) { return true; }, stop_gradient_p);
  return p;
}

}  // namespace tf2jax
