// Rules of elementwise functions of one operand, and of conversions.
#include <cmath>

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/special.h"

namespace tf2jax::jax2tf {
namespace {

Rule plain(std::string op) {
  return [op](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    return {c.unary(op, x[0])};
  };
}
// Operations whose kernels lack the half types, or round more in them than they need to.
Rule widened(std::string op) {
  return [op](Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) -> Tensors {
    return {c.in_f32(x, [&](const Tensors& v) { return c.node(op, v, {v[0].dtype, out[0].shape}); })};
  };
}
// A function of one tensor.
template <class F>
Rule unary_rule(F f) {
  return [f](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors { return {f(c, x[0])}; };
}

Tensor neg(Lowering& c, const Tensor& x) { return c.negated(x); }
Tensor abs(Lowering& c, const Tensor& x) {
  if (is_complex(x.dtype)) return c.node("ComplexAbs", {x}, {real_dtype(x.dtype), x.shape});
  return is_unsigned_integer(x.dtype) ? x : c.unary("Abs", x);
}
// TensorFlow's Sign loses the sign of zero and, in places, NaN.
Tensor sign(Lowering& c, const Tensor& x) {
  if (is_complex(x.dtype)) return c.unary("Sign", x);
  if (is_unsigned_integer(x.dtype)) return c.cast(c.cast(x, bool_), x.dtype);
  if (is_integer(x.dtype)) return c.unary("Sign", x);
  return c.select(c.compare("Greater", c.unary("Abs", x), c.scalar(x.dtype, 0)), c.unary("Sign", x), x);
}
// Halves away from zero, without adding 1/2, which rounds.
Tensor round_away(Lowering& c, const Tensor& x) {
  const Tensor size = c.unary("Abs", x), below = c.unary("Floor", size), zero = c.scalar(x.dtype, 0);
  const Tensor up = c.compare("GreaterEqual", c.binary("Sub", size, below), c.scalar(x.dtype, 0.5));
  const Tensor rounded = c.select(up, c.binary("AddV2", below, c.scalar(x.dtype, 1)), below);
  const Tensor with_sign = c.select(c.compare("Less", x, zero), c.unary("Neg", rounded), rounded);
  return c.select(c.compare("Greater", size, zero), with_sign, x);
}
Tensors round_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  if (p.get<RoundParams>().rounding_method == 0) return {round_away(c, x[0])};
  return {c.unary("Round", x[0])};
}
Tensor cbrt(Lowering& c, const Tensor& x) {
  return c.in_f32({x}, [&](const Tensors& v) {
    const Tensor root = c.binary("Pow", c.unary("Abs", v[0]), c.scalar(v[0].dtype, 1.0 / 3));
    return c.binary("Mul", sign(c, v[0]), root);
  });
}
Tensor power_of_two(Lowering& c, const Tensor& x) { return c.binary("Pow", c.scalar(x.dtype, 2), x); }
Tensor log2(Lowering& c, const Tensor& x) {
  return c.in_f32({x}, [&](const Tensors& v) {
    return c.binary("RealDiv", c.unary("Log", v[0]), c.scalar(v[0].dtype, std::log(2.0)));
  });
}
Tensor square(Lowering& c, const Tensor& x) {
  return is_inexact(x.dtype) ? c.unary("Square", x) : c.binary("Mul", x, x);
}
Tensor one_minus_square(Lowering& c, const Tensor& x) {
  const Tensor one = c.scalar(x.dtype, 1);
  return c.binary("Mul", c.binary("Sub", one, x), c.binary("AddV2", one, x));
}
// Repeated squaring, as the primitive is defined.
Tensors integer_pow(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  const std::int64_t y = p.get<IntegerPow>().y;
  const Tensor one = c.scalar(x[0].dtype, 1);
  if (y == 0) return {c.broadcast(one, x[0].shape)};
  std::optional<Tensor> out;
  Tensor power = x[0];
  for (auto n = static_cast<std::uint64_t>(std::abs(y)); n > 0; n >>= 1) {
    if (n & 1) out = out ? c.binary("Mul", *out, power) : power;
    if (n > 1) power = c.binary("Mul", power, power);
  }
  if (y < 0 && is_integer(x[0].dtype)) refuse("integer_pow", "an integer has no negative power");
  return {y < 0 ? c.binary("RealDiv", one, *out) : *out};
}
Tensor part(Lowering& c, const Tensor& x, const char* op) { return c.node(op, {x}, {real_dtype(x.dtype), x.shape}); }
Tensor conj(Lowering& c, const Tensor& x) {
  if (is_complex(x.dtype)) return c.unary("Conj", x);
  const DType wide = x.dtype == DType::f64 ? DType::f64 : DType::f32;
  const Tensor real = c.cast(x, wide);
  return c.node("Complex", {real, c.zeros({wide, x.shape})}, {complex_dtype(wide), x.shape});
}
Tensor bit_not(Lowering& c, const Tensor& x) { return c.unary(is_bool(x.dtype) ? "LogicalNot" : "Invert", x); }
Tensor population_count(Lowering& c, const Tensor& x) {
  return c.cast(c.node("PopulationCount", {x}, {u8, x.shape}), x.dtype);
}
// Ones below the highest bit, counted.
Tensor leading_zeros(Lowering& c, const Tensor& x) {
  const int bits = 8 * itemsize(x.dtype);
  Tensor v = c.bitcast(x, unsigned_of(x.dtype));
  for (int shift = 1; shift < bits; shift *= 2)
    v = c.binary("BitwiseOr", v, c.binary("RightShift", v, c.scalar(v.dtype, shift)));
  const Tensor used = c.cast(c.node("PopulationCount", {v}, {u8, v.shape}), x.dtype);
  return c.binary("Sub", c.scalar(x.dtype, bits), used);
}
Tensors convert(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  return {c.cast(x[0], out[0].dtype)};
}
Tensors bitcast_convert(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  const DType from = x[0].dtype, to = out[0].dtype;
  if (is_bool(from)) return {c.node("Bitcast", {c.cast(x[0], u8)}, out[0])};
  if (is_bool(to)) refuse("bitcast_convert_type", "TensorFlow does not reinterpret bits as bool");
  return {from == to ? x[0] : c.node("Bitcast", x, out[0])};
}
Tensors reduce_precision(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  const auto& bits = p.get<ReducePrecision>();
  need_xla(c, "reduce_precision");
  return {c.node("XlaReducePrecision", x, aval_of(x[0]),
                 {{"exponent_bits", bits.exponent_bits}, {"mantissa_bits", bits.mantissa_bits}})};
}
Tensors barrier(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  if (x.empty()) return {};
  return c.writer().nodes(c.enable_xla() ? "XlaOptimizationBarrier" : "IdentityN", x, out);
}
Tensors same(Lowering&, const Tensors& x, const EquationParams&, const Avals&) { return x; }

}  // namespace

void add_elementwise_rules(Rules& rules) {
  for (const auto& [primitive, op] :
       std::initializer_list<std::pair<PrimitiveFn, const char*>>{{floor_p, "Floor"},
                                                                  {ceil_p, "Ceil"},
                                                                  {exp_p, "Exp"},
                                                                  {log_p, "Log"},
                                                                  {sqrt_p, "Sqrt"},
                                                                  {rsqrt_p, "Rsqrt"},
                                                                  {tanh_p, "Tanh"},
                                                                  {logistic_p, "Sigmoid"},
                                                                  {sin_p, "Sin"},
                                                                  {cos_p, "Cos"},
                                                                  {stop_gradient_p, "StopGradient"}})
    rules.set(primitive(), plain(op));
  for (const auto& [primitive, op] :
       std::initializer_list<std::pair<PrimitiveFn, const char*>>{{expm1_p, "Expm1"},
                                                                  {log1p_p, "Log1p"},
                                                                  {tan_p, "Tan"},
                                                                  {asin_p, "Asin"},
                                                                  {acos_p, "Acos"},
                                                                  {atan_p, "Atan"},
                                                                  {sinh_p, "Sinh"},
                                                                  {cosh_p, "Cosh"},
                                                                  {asinh_p, "Asinh"},
                                                                  {acosh_p, "Acosh"},
                                                                  {atanh_p, "Atanh"},
                                                                  {erf_p, "Erf"},
                                                                  {erfc_p, "Erfc"},
                                                                  {erf_inv_p, "Erfinv"},
                                                                  {lgamma_p, "Lgamma"},
                                                                  {digamma_p, "Digamma"},
                                                                  {bessel_i0e_p, "BesselI0e"},
                                                                  {bessel_i1e_p, "BesselI1e"}})
    rules.set(primitive(), widened(op));
  rules.set(neg_p(), unary_rule(neg)).set(abs_p(), unary_rule(abs)).set(sign_p(), unary_rule(sign));
  rules.set(cbrt_p(), unary_rule(cbrt)).set(exp2_p(), unary_rule(power_of_two)).set(log2_p(), unary_rule(log2));
  rules.set(square_p(), unary_rule(square)).set(one_minus_square_p(), unary_rule(one_minus_square));
  rules.set(conj_p(), unary_rule(conj)).set(not_p(), unary_rule(bit_not));
  rules.set(population_count_p(), unary_rule(population_count)).set(clz_p(), unary_rule(leading_zeros));
  rules.set(real_p(), unary_rule([](Lowering& c, const Tensor& x) { return part(c, x, "Real"); }));
  rules.set(imag_p(), unary_rule([](Lowering& c, const Tensor& x) { return part(c, x, "Imag"); }));
  rules.set(is_finite_p(),
            unary_rule([](Lowering& c, const Tensor& x) { return c.node("IsFinite", {x}, {bool_, x.shape}); }));
  rules.set(round_p(), round_rule).set(integer_pow_p(), integer_pow).set(convert_element_type_p(), convert);
  rules.set(bitcast_convert_type_p(), bitcast_convert).set(reduce_precision_p(), reduce_precision);
  rules.set(copy_p(), same).set(device_put_p(), same).set(optimization_barrier_p(), barrier);
}

}  // namespace tf2jax::jax2tf
