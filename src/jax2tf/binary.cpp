// Rules of elementwise functions of several operands.
#include <cmath>

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/special.h"

namespace tf2jax::jax2tf {
namespace {

// An operation, and what it is for bools.
Rule arithmetic(std::string op, std::string of_bools) {
  return [=](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    return {c.binary(is_bool(x[0].dtype) ? of_bools : op, x[0], x[1])};
  };
}
Rule comparison(std::string op) {
  return [op](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    const bool ordered = op != "Equal" && op != "NotEqual";
    if (ordered && is_bool(x[0].dtype)) return {c.compare(op, c.cast(x[0], u8), c.cast(x[1], u8))};
    return {c.compare(op, x[0], x[1])};
  };
}
Rule widened(std::string op) {
  return [op](Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) -> Tensors {
    return {c.in_f32(x, [&](const Tensors& v) { return c.node(op, v, {v[0].dtype, out[0].shape}); })};
  };
}

bool is_known(const Tensor& x, double value) {
  return x.known.has_value() && x.known.size() == 1 && x.known.item<double>() == value;
}

// Division of integers towards zero. By zero TensorFlow fails and XLA gives -1; the lowest number by -1 traps.
Tensor integer_div(Lowering& c, const Tensor& x, const Tensor& y) {
  const Tensor zero = c.scalar(y.dtype, 0), one = c.scalar(y.dtype, 1);
  const bool scalar = y.known.has_value() && y.known.size() == 1;
  if (scalar && !is_known(y, 0) && !is_known(y, -1)) return c.binary("TruncateDiv", x, y);
  const Tensor minus = c.unary("Invert", zero);
  const Tensor by_zero = c.compare("Equal", y, zero);
  const Tensor safe = c.select(by_zero, one, y);
  if (is_unsigned_integer(x.dtype)) return c.select(by_zero, minus, c.binary("TruncateDiv", x, safe));
  const Tensor by_minus = c.compare("Equal", y, minus);
  const Tensor quotient = c.binary("TruncateDiv", x, c.select(by_minus, one, safe));
  return c.select(by_zero, minus, c.select(by_minus, c.unary("Neg", x), quotient));
}
Tensors div(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return {is_integer(x[0].dtype) ? integer_div(c, x[0], x[1]) : c.binary("RealDiv", x[0], x[1])};
}
Tensors rem(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  if (!is_integer(x[0].dtype))
    return {c.in_f32(x, [&](const Tensors& v) { return c.binary("TruncateMod", v[0], v[1]); })};
  // x - x / y * y; the remainder of a division by zero is x.
  const Tensor zero = c.scalar(x[1].dtype, 0);
  const Tensor by_zero = c.compare("Equal", x[1], zero);
  const Tensor safe = c.select(by_zero, c.scalar(x[1].dtype, 1), x[1]);
  const Tensor whole = c.binary("Mul", integer_div(c, x[0], safe), safe);
  return {c.select(by_zero, x[0], c.binary("Sub", x[0], whole))};
}

// Real parts decide, then imaginary ones.
Tensor complex_extreme(Lowering& c, const Tensor& x, const Tensor& y, const char* strictly) {
  const auto part = [&](const char* op, const Tensor& v) { return c.node(op, {v}, {real_dtype(v.dtype), v.shape}); };
  const Tensor xr = part("Real", x), yr = part("Real", y), xi = part("Imag", x), yi = part("Imag", y);
  const Tensor tie = c.binary("LogicalAnd", c.compare("Equal", xr, yr), c.compare(strictly, xi, yi));
  return c.select(c.binary("LogicalOr", c.compare(strictly, xr, yr), tie), x, y);
}
Rule extreme(std::string op, std::string of_bools, const char* strictly) {
  return [=](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    if (is_bool(x[0].dtype)) return {c.binary(of_bools, x[0], x[1])};
    if (is_complex(x[0].dtype)) return {complex_extreme(c, x[0], x[1], strictly)};
    return {c.binary(op, x[0], x[1])};
  };
}
Tensors pow(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return {c.binary("Pow", x[0], c.cast(x[1], x[0].dtype))};
}
Tensors atan2(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  if (is_complex(x[0].dtype)) refuse("atan2", "TensorFlow has no Atan2 of complex numbers");
  return {c.in_f32(x, [&](const Tensors& v) { return c.binary("Atan2", v[0], v[1]); })};
}
Tensors nextafter(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  if (itemsize(x[0].dtype) < 4) refuse("nextafter", "TensorFlow's NextAfter takes float32 and float64 only");
  return {c.binary("NextAfter", x[0], x[1])};
}

// Shifts by the width or more are left open by TensorFlow.
Tensor in_range(Lowering& c, const Tensor& y) {
  const Tensor places = c.bitcast(y, unsigned_of(y.dtype));
  return c.compare("Less", places, c.scalar(places.dtype, 8 * itemsize(y.dtype)));
}
bool surely_in_range(const Tensor& y) {
  if (!y.known.has_value() || y.known.size() != 1) return false;
  const double places = y.known.item<double>();
  return places >= 0 && places < 8 * itemsize(y.dtype);
}
Tensor shifted(Lowering& c, const char* op, const Tensor& x, const Tensor& y, DType as) {
  const Tensor v = c.bitcast(x, as), places = c.bitcast(y, as);
  if (surely_in_range(y)) return c.bitcast(c.binary(op, v, places), x.dtype);
  const Tensor inside = in_range(c, y);
  const Tensor out = c.binary(op, v, c.select(inside, places, c.scalar(as, 0)));
  return c.bitcast(c.select(inside, out, c.scalar(as, 0)), x.dtype);
}
Tensors shift_left(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return {shifted(c, "LeftShift", x[0], x[1], x[0].dtype)};
}
Tensors shift_right_logical(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return {shifted(c, "RightShift", x[0], x[1], unsigned_of(x[0].dtype))};
}
Tensors shift_right_arithmetic(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  const DType as = signed_of(x[0].dtype);
  const Tensor v = c.bitcast(x[0], as);
  Tensor places = c.bitcast(x[1], as);
  if (!surely_in_range(x[1])) places = c.select(in_range(c, x[1]), places, c.scalar(as, 8 * itemsize(as) - 1));
  return {c.bitcast(c.binary("RightShift", v, places), x[0].dtype)};
}

// Integers that compare as IEEE 754's total order does.
Tensor total_order(Lowering& c, const Tensor& x) {
  if (is_bool(x.dtype)) return c.cast(x, u8);
  if (is_complex(x.dtype)) refuse("lt_to", "complex numbers have no total order");
  if (!is_floating(x.dtype)) return x;
  const DType as = signed_of(x.dtype);
  const int bits = 8 * itemsize(as);
  const Tensor v = c.bitcast(x, as);
  const Tensor negative = c.binary("RightShift", v, c.scalar(as, bits - 1));
  const Tensor magnitude = c.unary("Invert", c.binary("LeftShift", c.scalar(as, 1), c.scalar(as, bits - 1)));
  return c.binary("BitwiseXor", v, c.binary("BitwiseAnd", negative, magnitude));
}
Rule total_comparison(const char* op) {
  return [op](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    return {c.compare(op, total_order(c, x[0]), total_order(c, x[1]))};
  };
}

// Compiled by XLA, TensorFlow's Igammac is 1 where it is not defined.
Tensors igammac(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return {c.in_f32(x, [&](const Tensors& v) {
    const Tensor zero = c.scalar(v[0].dtype, 0), nan = c.scalar(v[0].dtype, std::nan(""));
    const Tensor outside = c.binary("LogicalOr", c.compare("Less", v[1], zero), c.compare("LessEqual", v[0], zero));
    return c.select(outside, nan, c.binary("Igammac", v[0], v[1]));
  })};
}

Tensors complex_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  return {c.node("Complex", x, out[0])};
}
// min(max(x, low), high)
Tensors clamp(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  if (is_bool(x[1].dtype)) return {c.binary("LogicalAnd", c.binary("LogicalOr", x[1], x[0]), x[2])};
  return {c.binary("Minimum", c.binary("Maximum", x[1], x[0]), x[2])};
}
Tensors select_n(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  Tensor which = x[0];
  if (out[0].shape.size() > x[1].shape.size() || which.shape.size() > 0)  // keys have one axis more than the choice
    while (which.shape.size() > 0 && which.shape.size() < x[1].shape.size()) {
      Shape wider = which.shape;
      wider.emplace_back(1);
      which = c.reshape(which, wider);
    }
  if (is_bool(which.dtype)) return {c.select(which, x.back(), x[1])};
  Tensor chosen = x.back();
  for (std::size_t i = x.size() - 2; i >= 1; --i) {
    const Tensor before = c.compare("Less", which, c.scalar(which.dtype, static_cast<std::int64_t>(i)));
    chosen = c.select(before, x[i], chosen);
  }
  return {c.broadcast(chosen, out[0].shape)};
}

}  // namespace

void add_binary_rules(Rules& rules) {
  rules.set(add_p(), arithmetic("AddV2", "LogicalOr")).set(add_any_p(), arithmetic("AddV2", "LogicalOr"));
  rules.set(mul_p(), arithmetic("Mul", "LogicalAnd")).set(sub_p(), arithmetic("Sub", "NotEqual"));
  rules.set(and_p(), arithmetic("BitwiseAnd", "LogicalAnd")).set(or_p(), arithmetic("BitwiseOr", "LogicalOr"));
  rules.set(xor_p(), [](Lowering& c, const Tensors& x, const EquationParams&, const Avals&) -> Tensors {
    return {is_bool(x[0].dtype) ? c.compare("NotEqual", x[0], x[1]) : c.binary("BitwiseXor", x[0], x[1])};
  });
  rules.set(div_p(), div).set(rem_p(), rem).set(pow_p(), pow).set(atan2_p(), atan2).set(nextafter_p(), nextafter);
  rules.set(max_p(), extreme("Maximum", "LogicalOr", "Greater"));
  rules.set(min_p(), extreme("Minimum", "LogicalAnd", "Less"));
  rules.set(shift_left_p(), shift_left).set(shift_right_logical_p(), shift_right_logical);
  rules.set(shift_right_arithmetic_p(), shift_right_arithmetic);
  for (const auto& [primitive, op] : std::initializer_list<std::pair<PrimitiveFn, const char*>>{{eq_p, "Equal"},
                                                                                                {ne_p, "NotEqual"},
                                                                                                {lt_p, "Less"},
                                                                                                {le_p, "LessEqual"},
                                                                                                {gt_p, "Greater"},
                                                                                                {ge_p, "GreaterEqual"}})
    rules.set(primitive(), comparison(op));
  rules.set(eq_to_p(), total_comparison("Equal")).set(le_to_p(), total_comparison("LessEqual"));
  rules.set(lt_to_p(), total_comparison("Less"));
  for (const auto& [primitive, op] :
       std::initializer_list<std::pair<PrimitiveFn, const char*>>{{igamma_p, "Igamma"},

                                                                  {igamma_grad_a_p, "IgammaGradA"},
                                                                  {random_gamma_grad_p, "RandomGammaGrad"},
                                                                  {polygamma_p, "Polygamma"},
                                                                  {zeta_p, "Zeta"},
                                                                  {regularized_incomplete_beta_p, "Betainc"}})
    rules.set(primitive(), widened(op));
  rules.set(igammac_p(), igammac).set(complex_p(), complex_rule).set(clamp_p(), clamp).set(select_n_p(), select_n);
}

}  // namespace tf2jax::jax2tf
