// Special functions: primitives with their rules.
#include "tf2jax/ops/special.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

// The density of the gamma distribution: the derivative of P(a, x) in x.
Array gamma_density(const Array& a, const Array& x) {
  const Array power = mul(sub(a, ones_like(a)), log(x));
  return exp(sub(add(neg(x), power), lgamma(a)));
}

using Partial = Array (*)(const Array&, const Array&);
Primitive make_gamma(const char* name, PrimitiveFn self, bool upper) {
  const auto signed_part = [upper](const Array& v) { return upper ? neg(v) : v; };
  return make_primitive(
      {.name = name,
       .operands = 2,
       .aval = rules::nary(kind::floating, name),
       .jvp = rules::jvp_binary(
           [signed_part](auto& a, auto& x, auto&, auto& t) { return signed_part(mul(t, igamma_grad_a(a, x))); },
           [signed_part](auto& a, auto& x, auto&, auto& t) { return signed_part(mul(t, gamma_density(a, x))); }, self),
       .batch = rules::batch_nary(self)});
}
// The derivative of another function in its parameter, which has none of its own.
Primitive make_slope(const char* name, PrimitiveFn self) {
  return make_primitive(
      {.name = name, .operands = 2, .aval = rules::nary(kind::floating, name), .batch = rules::batch_nary(self)});
}
Array apply(const Primitive& p, std::initializer_list<Array> operands) {
  return p.bind(promote_inexact(p.name(), std::span<const Array>(operands.begin(), operands.size())))[0];
}

}  // namespace

const Primitive& igamma_p() {
  static const Primitive p = make_gamma("igamma", igamma_p, false);
  return p;
}
const Primitive& igammac_p() {
  static const Primitive p = make_gamma("igammac", igammac_p, true);
  return p;
}
const Primitive& igamma_grad_a_p() {
  static const Primitive p = make_slope("igamma_grad_a", igamma_grad_a_p);
  return p;
}
const Primitive& random_gamma_grad_p() {
  static const Primitive p = make_slope("random_gamma_grad", random_gamma_grad_p);
  return p;
}
const Primitive& polygamma_p() {
  static const Primitive p = make_primitive(
      {.name = "polygamma",
       .operands = 2,
       .aval = rules::nary(kind::floating, "polygamma"),
       .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
         Array y = polygamma_p().bind1({x[0], x[1]});
         check<NotImplementedError>(t[0].is_zero(), "polygamma: the derivative in the order is not defined.");
         if (t[1].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
         Array dy = mul(t[1].value(), polygamma(add(x[0], ones_like(x[0])), x[1]));
         return {{std::move(y)}, {Tangent(std::move(dy))}};
       },
       .batch = rules::batch_nary(polygamma_p)});
  return p;
}
const Primitive& zeta_p() {
  static const Primitive p = make_primitive(
      {.name = "zeta",
       .operands = 2,
       .aval = rules::nary(kind::floating, "zeta"),
       .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
         Array y = zeta_p().bind1({x[0], x[1]});
         check<NotImplementedError>(t[0].is_zero(), "zeta: the derivative in the exponent is not implemented.");
         if (t[1].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
         Array dy = neg(mul(t[1].value(), mul(x[0], zeta(add(x[0], ones_like(x[0])), x[1]))));  // DLMF 25.11.17
         return {{std::move(y)}, {Tangent(std::move(dy))}};
       },
       .batch = rules::batch_nary(zeta_p)});
  return p;
}
const Primitive& regularized_incomplete_beta_p() {
  static const Primitive p = make_primitive(
      {.name = "regularized_incomplete_beta",
       .operands = 3,
       .aval = rules::nary(kind::floating, "regularized_incomplete_beta"),
       .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
         Array y = regularized_incomplete_beta_p().bind1({x[0], x[1], x[2]});
         check<NotImplementedError>(t[0].is_zero() && t[1].is_zero(),
                                    "betainc: The gradient of betainc with respect to a and b is not supported.");
         if (t[2].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
         const Array &a = x[0], &b = x[1], &v = x[2];
         const Array log_beta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)));
         const Array right = mul(sub(b, ones_like(b)), log1p(neg(v))), left = mul(sub(a, ones_like(a)), log(v));
         Array dy = mul(t[2].value(), exp(sub(add(right, left), log_beta)));
         return {{std::move(y)}, {Tangent(std::move(dy))}};
       },
       .batch = rules::batch_nary(regularized_incomplete_beta_p)});
  return p;
}
const Primitive& bessel_i0e_p() {
  static const Primitive p = make_primitive(
      {.name = "bessel_i0e",
       .operands = 1,
       .aval = rules::same_as_operand(kind::floating, "bessel_i0e"),
       .jvp = rules::jvp_unary([](auto& x, auto& y, auto& t) { return mul(t, sub(bessel_i1e(x), mul(sign(x), y))); },
                               bessel_i0e_p),
       .batch = rules::batch_unary(bessel_i0e_p)});
  return p;
}
const Primitive& bessel_i1e_p() {
  static const Primitive p =
      make_primitive({.name = "bessel_i1e",
                      .operands = 1,
                      .aval = rules::same_as_operand(kind::floating, "bessel_i1e"),
                      .jvp = rules::jvp_unary(
                          [](auto& x, auto& y, auto& t) -> Array {
                            // y / x has the limit 1/2 at 0.
                            const double eps = x.dtype() == DType::f64    ? 0x1p-52
                                               : x.dtype() == DType::f16  ? 0x1p-10
                                               : x.dtype() == DType::bf16 ? 0x1p-7
                                                                          : 0x1p-23;
                            const Array least = full_like(x, eps), usual = greater(abs(x), least),
                                        safe = select(usual, x, least);
                            const Array slope = sub(bessel_i0e(safe), mul(y, add(sign(safe), reciprocal(safe))));
                            return mul(t, select(usual, slope, full_like(x, 0.5)));
                          },
                          bessel_i1e_p),
                      .batch = rules::batch_unary(bessel_i1e_p)});
  return p;
}

void append_special_primitives(std::vector<Primitive>& out) {
  for (PrimitiveFn p : {igamma_p, igammac_p, igamma_grad_a_p, random_gamma_grad_p, polygamma_p, zeta_p,
                        regularized_incomplete_beta_p, bessel_i0e_p, bessel_i1e_p})
    out.push_back(p());
}

Array igamma(const Array& a, const Array& x) { return apply(igamma_p(), {a, x}); }
Array igammac(const Array& a, const Array& x) { return apply(igammac_p(), {a, x}); }
Array igamma_grad_a(const Array& a, const Array& x) { return apply(igamma_grad_a_p(), {a, x}); }
Array random_gamma_grad(const Array& a, const Array& x) { return apply(random_gamma_grad_p(), {a, x}); }
Array polygamma(const Array& n, const Array& x) { return apply(polygamma_p(), {n, x}); }
Array zeta(const Array& x, const Array& q) { return apply(zeta_p(), {x, q}); }
Array betainc(const Array& a, const Array& b, const Array& x) {
  return apply(regularized_incomplete_beta_p(), {a, b, x});
}
Array bessel_i0e(const Array& x) { return bessel_i0e_p().bind1({to_inexact(x)}); }
Array bessel_i1e(const Array& x) { return bessel_i1e_p().bind1({to_inexact(x)}); }

}  // namespace tf2jax
