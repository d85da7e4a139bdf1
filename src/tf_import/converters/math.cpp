// Elementwise operations.
#include "tf2jax/tf_import/converters/internal/nn_functions.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/special.h"
#include "tf2jax/transforms/custom_rules.h"

#include <numbers>

namespace tf2jax::tf_import {
namespace {

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

struct UnaryRow {
  const char* op;
  Unary f;
};
struct BinaryRow {
  const char* op;
  Binary f;
};

Array square_of(const Array& x) { return is_inexact(x.dtype()) ? square(x) : mul(x, x); }
Array softsign(const Array& x) { return divide(x, add(1.f, abs(x))); }
Array inverse(const Array& x) { return divide(1.f, x); }

Array elu_of(const Array& x) { return elu(x); }
Array softmax_last(const Array& x) { return softmax(x); }
Array log_softmax_last(const Array& x) {
  check<AxisError>(x.rank() > 0, "axis -1 is out of bounds for array of dimension 0.");
  return log_softmax(x);
}
// jax.lax functions take floating operands only.
void need_inexact(const Array& x, std::string_view name) {
  check<DtypeError>(is_inexact(x.dtype()),
                    "{}: the dtype is not accepted. Got {}; expected a floating or a complex dtype.", name, x.dtype());
}
Array rsqrt_strict(const Array& x) {
  need_inexact(x, "rsqrt");
  return rsqrt(x);
}
Array logistic_strict(const Array& x) {
  need_inexact(x, "logistic");
  return logistic(x);
}

// The inverse of the standard normal distribution function.
Array ndtri(const Array& p) { return mul(erf_inv(sub(mul(p, 2.f), 1.f)), std::numbers::sqrt2); }

constexpr UnaryRow kUnary[] = {
    {"Abs", abs},
    {"Neg", neg},
    {"Sign", sign},
    {"Square", square_of},
    {"Reciprocal", inverse},
    {"Inv", inverse},
    {"Exp", exp},
    {"Expm1", expm1},
    {"Log", log},
    {"Log1p", log1p},
    {"Sqrt", sqrt},
    {"Rsqrt", rsqrt_strict},
    {"Sin", sin},
    {"Cos", cos},
    {"Tan", tan},
    {"Asin", asin},
    {"Acos", acos},
    {"Atan", atan},
    {"Sinh", sinh},
    {"Cosh", cosh},
    {"Tanh", tanh},
    {"Asinh", asinh},
    {"Acosh", acosh},
    {"Atanh", atanh},
    {"Erf", erf},
    {"Erfc", erfc},
    {"Erfinv", erf_inv},
    {"Lgamma", lgamma},
    {"Digamma", digamma},
    {"Ceil", ceil},
    {"Floor", floor},
    {"Round", rint},
    {"Rint", rint},
    {"IsFinite", is_finite},
    {"IsNan", isnan},
    {"IsInf", isinf},
    {"LogicalNot", logical_not},
    {"Invert", bitwise_not},
    {"PopulationCount", population_count},
    {"Real", real},
    {"Imag", imag},
    {"Conj", conj},
    {"ComplexAbs", abs},
    {"Relu", nn::relu},
    {"Relu6", relu6},
    {"Elu", elu_of},
    {"Selu", selu},
    {"Sigmoid", logistic_strict},
    {"Softplus", nn::softplus},
    {"Softsign", softsign},
    {"Softmax", softmax_last},
    {"LogSoftmax", log_softmax_last},
    {"OnesLike", ones_like},
    {"ZerosLike", zeros_like},
    {"BesselI0e", bessel_i0e},
    {"BesselI1e", bessel_i1e},
    {"Ndtri", ndtri},
};

Array shift_right(const Array& x, const Array& y) {
  return is_unsigned_integer(x.dtype()) ? shift_right_logical(x, y) : shift_right_arithmetic(x, y);
}
Array divide_like_python(const Array& x,
                         const Array& y) {  // Div: integers go through floating point, as the Python library does
  const Array q = divide(x, y);
  return is_integer(x.dtype()) && is_integer(y.dtype()) ? astype(q, x.dtype()) : q;
}
// Binary exponentiation; six bits are enough, since more would overflow for any base above 1.
Array power(const Array& x, const Array& y) {
  if (!is_integer(x.dtype()) || !is_integer(y.dtype())) return pow(x, y);
  Array base = x, exponent = y;
  const Array one = ones_like(y), unit = ones_like(x);
  Array result = where(logical_and(equal(x, 0), not_equal(y, 0)), zeros_like(x), unit);
  for (int bit = 0; bit < 6; ++bit) {
    result = where(not_equal(bitwise_and(exponent, one), 0), mul(result, base), result);
    base = mul(base, base);
    exponent = shift_right(exponent, one);
  }
  return result;
}
Array xlogy(const Array& x, const Array& y) {
  const Array zero = equal(x, 0);
  return where(zero, zeros_like(mul(x, y)), mul(x, log(where(zero, ones_like(y), y))));
}
Array xdivy(const Array& x, const Array& y) {
  const Array zero = equal(x, 0);
  return where(zero, zeros_like(mul(x, y)), divide(x, where(zero, ones_like(y), y)));
}
Array xlog1py(const Array& x, const Array& y) {
  const Array zero = equal(x, 0);
  return where(zero, zeros_like(mul(x, y)), mul(x, log1p(where(zero, zeros_like(y), y))));
}
// The quotient where y is not zero, else 0; its derivative is 0 there too.
Array div_no_nan(const Array& x, const Array& y) {
  const Array zero = equal(y, 0);
  const Array q = divide_like_python(x, where(zero, ones_like(y), y));
  return where(zero, zeros_like(q), q);
}
// The product, 0 where y is 0 whatever x is; the derivative is that of the plain product.
Array mul_no_nan(const Array& x, const Array& y) {
  static const auto value = [](const Array& a, const Array& b) {
    const Array zero = equal(b, 0);
    const Array p = mul(a, b);
    return where(zero, zeros_like(p), p);
  };
  static const auto rule = std::make_shared<const JvpRule>([](const Arrays& p, const Arrays& t) -> Arrays {
    const Array left = mul(t[0], p[1]);
    const Array right = mul(p[0], t[1]);
    return {value(p[0], p[1]), add(left, right)};
  });
  if (!is_inexact(x.dtype()) || x.dtype() != y.dtype()) return value(x, y);
  const Array operands[] = {x, y};
  return custom_jvp_flat("mul_no_nan", [](const Arrays& v) { return Arrays{value(v[0], v[1])}; }, rule, operands)[0];
}

// Of order 0 the digamma function itself; JAX's rule is for integers, TensorFlow's kernel gives NaN for others.
Array polygamma_of(const Array& order, const Array& x) { return polygamma(order, x); }

constexpr BinaryRow kBinary[] = {
    {"Add", add},
    {"AddV2", add},
    {"Sub", sub},
    {"Mul", mul},
    {"Div", divide_like_python},
    {"RealDiv", divide},
    {"FloorDiv", floor_divide},
    {"FloorMod", mod},
    {"Mod", rem},
    {"TruncateMod", rem},
    {"TruncateDiv", div},
    {"DivNoNan", div_no_nan},
    {"MulNoNan", mul_no_nan},
    {"Pow", power},
    {"Minimum", minimum},
    {"SquaredDifference", squared_difference},
    {"Atan2", atan2},
    {"Less", less},
    {"LessEqual", less_equal},
    {"Greater", greater},
    {"GreaterEqual", greater_equal},
    {"LogicalAnd", logical_and},
    {"LogicalOr", logical_or},
    {"BitwiseAnd", bitwise_and},
    {"BitwiseOr", bitwise_or},
    {"BitwiseXor", bitwise_xor},
    {"LeftShift", shift_left},
    {"RightShift", shift_right},
    {"NextAfter", nextafter},
    {"Xlogy", xlogy},
    {"Xdivy", xdivy},
    {"Xlog1py", xlog1py},
    {"Igamma", igamma},
    {"Igammac", igammac},
    {"IgammaGradA", igamma_grad_a},
    {"RandomGammaGrad", random_gamma_grad},
    // TensorFlow has no gradient for the order and the exponent.
    {"Polygamma", [](const Array& a, const Array& x) { return polygamma_of(stop_gradient(a), x); }},
    {"Zeta", [](const Array& x, const Array& q) { return zeta(stop_gradient(x), q); }},
};

// Gradients of activations, which training graphs contain: (y or x, dy) as TensorFlow orders them.
constexpr BinaryRow kGradients[] = {
    {"ReluGrad", [](const Array& g, const Array& x) { return nn::kept(greater(x, 0), g); }},
    {"Relu6Grad", [](const Array& g, const Array& x) { return nn::kept(logical_and(greater(x, 0), less(x, 6)), g); }},
    {"SigmoidGrad", [](const Array& y, const Array& g) { return mul(g, mul(y, sub(1.f, y))); }},
    {"TanhGrad", [](const Array& y, const Array& g) { return mul(g, sub(1.f, mul(y, y))); }},
    {"SqrtGrad", [](const Array& y, const Array& g) { return divide(mul(g, 0.5f), y); }},
    {"RsqrtGrad", [](const Array& y, const Array& g) { return mul(mul(g, -0.5f), mul(y, mul(y, y))); }},
    {"ReciprocalGrad", [](const Array& y, const Array& g) { return neg(mul(g, mul(y, y))); }},
    {"SoftplusGrad", [](const Array& g, const Array& x) { return mul(g, logistic(x)); }},
    {"EluGrad", [](const Array& g, const Array& y) { return where(less(y, 0), mul(g, add(y, 1.f)), g); }},
    {"SoftsignGrad", [](const Array& g, const Array& x) { return divide(g, square(add(1.f, abs(x)))); }},
};

// jax2tf writes relu as a maximum with the constant zero; its derivative at 0 is 0, that of a maximum one half.
Values maximum_node(Node& n) {
  const bool named = n.name().find("jax2tf") != std::string::npos && n.name().find("_relu_") != std::string::npos;
  if (named && config().infer_relu_from_jax2tf && !n.on_host() && n.input(1).is_host()) {
    const Array zero = n.array(1);
    if (zero.is_concrete() && zero.size() == 1 && zero.to_vector<double>()[0] == 0) return {nn::relu(n.array(0))};
  }
  return {maximum(n.array(0), n.array(1))};
}

Values cast(Node& n) {
  if (n.attr<bool>("Truncate")) raise<ValueError>("Cast does not support truncate=True.");
  n.ignore({"SrcT", "DstT"});
  if (n.input(0).get_if<SymbolicInts>()) return {n.input(0)};
  const DType to = n.attr<DType>("DstT");
  return {astype(n.array(0), n.on_host() ? to : canonical_dtype(to))};
}

Values bitcast(Node& n) {
  const DType to = n.attr<DType>("type");
  return {bitcast_convert_type(n.array(0), n.on_host() ? to : canonical_dtype(to))};
}

Values add_n(Node& n) {
  Array sum = n.array(0);
  for (std::size_t i = 1; i < n.num_inputs(); ++i) sum = add(sum, n.array(i));
  return {sum};
}

Values clip(Node& n) { return {minimum(maximum(n.array(0), n.array(1)), n.array(2))}; }

// TF1's Select: a condition of rank 1 chooses rows.
Values select_node(Node& n) {
  Array condition = n.array(0);
  const Array x = n.array(1), y = n.array(2);
  if (n.op() == "Select" && condition.rank() > 0 && condition.rank() < x.rank()) {
    condition = expand_dims(condition, iota_axes(x.rank() - condition.rank(), condition.rank()));
  }
  return {where(condition, x, y)};
}

Values approximate_equal(Node& n) {
  const float tolerance = n.attr_or<float>("tolerance", 1e-5f);
  return {less(abs(sub(n.array(0), n.array(1))), tolerance)};
}

template <Binary f>
Values comparison(Node& n) {
  n.ignore({"incompatible_shape_error"});
  return {f(n.array(0), n.array(1))};
}

}  // namespace

void add_math_operations(ConverterTable& table) {
  for (const auto& row : kUnary) table.add(row.op, [f = row.f](Node& n) { return Values{f(n.array(0))}; });
  for (const auto& rows : {std::span<const BinaryRow>(kBinary), std::span<const BinaryRow>(kGradients)}) {
    for (const auto& row : rows) table.add(row.op, [f = row.f](Node& n) { return Values{f(n.array(0), n.array(1))}; });
  }
  table.add("Maximum", maximum_node);
  table.add("Equal", comparison<equal>);
  table.add("NotEqual", comparison<not_equal>);
  table.add("ApproximateEqual", approximate_equal);
  table.add("Cast", cast);
  table.add("Bitcast", bitcast);
  table.add("AddN", add_n);
  table.add("AccumulateNV2", add_n, {.ignored = {"shape"}});
  table.add("ClipByValue", clip);
  table.add("Select", select_node);
  table.add("SelectV2", select_node);
  table.add("Betainc", [](Node& n) { return Values{betainc(n.array(0), n.array(1), n.array(2))}; });
  table.add("Complex", [](Node& n) { return Values{complex(n.array(0), n.array(1))}; });
  table.add("Angle", [](Node& n) {
    const Array x = n.array(0);
    return Values{atan2(imag(x), real(x))};
  });
  table.add("LeakyRelu", [](Node& n) {
    const Array x = n.array(0);
    return Values{where(greater_equal(x, 0), x, mul(x, n.attr<float>("alpha")))};
  });
  table.add("LeakyReluGrad", [](Node& n) {
    const Array g = n.array(0);
    return Values{where(greater(n.array(1), 0), g, mul(g, n.attr<float>("alpha")))};
  });
}

}  // namespace tf2jax::tf_import
