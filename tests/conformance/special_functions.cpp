// The functions that cases at special values name.
#include <functional>
#include <map>

#include "call_functions.h"
#include "golden.h"
#include "special_values.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/ieee.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/special.h"
#include "tf2jax/ops/statistics.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

const std::map<std::string, Unary>& unary() {
  static const std::map<std::string, Unary> table = {
      {"abs", abs},
      {"acos", acos},
      {"acosh", acosh},
      {"asin", asin},
      {"asinh", asinh},
      {"atan", atan},
      {"atanh", atanh},
      {"bitwise_not", bitwise_not},
      {"cbrt", cbrt},
      {"ceil", ceil},
      {"clz", clz},
      {"conj", conj},
      {"cos", cos},
      {"cosh", cosh},
      {"digamma", digamma},
      {"erf", erf},
      {"erf_inv", erf_inv},
      {"erfc", erfc},
      {"exp", exp},
      {"exp2", exp2},
      {"expm1", expm1},
      {"floor", floor},
      {"imag", imag},
      {"is_finite", is_finite},
      {"isnan", isnan},
      {"lgamma", lgamma},
      {"log", log},
      {"log1p", log1p},
      {"logistic", logistic},
      {"neg", neg},
      {"population_count", population_count},
      {"real", real},
      {"reciprocal", reciprocal},
      {"relu", relu},
      {"round", round},
      {"round_even", rint},
      {"rsqrt", rsqrt},
      {"sign", sign},
      {"silu", silu},
      {"sin", sin},
      {"sinh", sinh},
      {"sqrt", sqrt},
      {"square", square},
      {"tan", tan},
      {"tanh", tanh},
      {"integer_pow3", [](const Array& x) { return integer_pow(x, 3); }},
      {"integer_pow_m2", [](const Array& x) { return integer_pow(x, -2); }},
      {"gelu", [](const Array& x) { return gelu(x); }},
      {"softmax", [](const Array& x) { return softmax(x); }},
      {"bessel_i0e", bessel_i0e},
      {"bessel_i1e", bessel_i1e},
      {"log_sigmoid", log_sigmoid},
      {"nan_to_num", [](const Array& x) { return nan_to_num(x); }},
      {"nextafter_up", [](const Array& x) { return nextafter(x, full_like(x, INFINITY)); }},
      {"signbit", signbit},
  };
  return table;
}
const std::map<std::string, Binary>& binary() {
  static const std::map<std::string, Binary> table = {
      {"add", add},
      {"bitwise_and", bitwise_and},
      {"bitwise_or", bitwise_or},
      {"bitwise_xor", bitwise_xor},
      {"div", div},
      {"eq", equal},
      {"ge", greater_equal},
      {"gt", greater},
      {"le", less_equal},
      {"lt", less},
      {"max", maximum},
      {"min", minimum},
      {"mul", mul},
      {"ne", not_equal},
      {"nextafter", nextafter},
      {"pow", pow},
      {"rem", rem},
      {"shift_left", shift_left},
      {"shift_right_arithmetic", shift_right_arithmetic},
      {"shift_right_logical", shift_right_logical},
      {"sub", sub},
  };
  return table;
}

// Along an axis: jax.numpy's, or jax.lax's running extremes.
FlatFn reduction(const std::string& op, std::int64_t axis) {
  const std::string name = (op == "cummax" ? "lax." : "jnp.") + op;
  return [name, axis](const Arrays& x) {
    return Arrays{call_public(name, {.positional = {Value{x[0]}}, .named = {{"axis", Value{axis}}}})};
  };
}

}  // namespace

FlatFn special_function(const json& c) {
  const std::string op = c.at("op").get<std::string>();
  const std::size_t n = c.at("inputs").size();
  if (op == "convert_element_type") {
    const auto dtype = parse_dtype(c.at("new_dtype").get<std::string>());
    if (!dtype) throw Unsupported("dtype " + c.at("new_dtype").get<std::string>());
    return [d = *dtype](const Arrays& x) { return Arrays{convert_element_type(x[0], d)}; };
  }
  if (n == 1 && c.at("name").get<std::string>().starts_with("reduce:")) {
    const std::int64_t axis = c.at("name").get<std::string>().ends_with(":axis1") ? 1 : 0;
    return reduction(op, axis);
  }
  if (n == 1 && unary().contains(op)) return [f = unary().at(op)](const Arrays& x) { return Arrays{f(x[0])}; };
  if (n == 2 && binary().contains(op)) return [f = binary().at(op)](const Arrays& x) { return Arrays{f(x[0], x[1])}; };
  if (n == 2 && op.starts_with("jnp."))
    return [op](const Arrays& x) {
      return Arrays{call_public(op, {.positional = {Value{x[0]}, Value{x[1]}}, .named = {}})};
    };
  if (op == "clamp" && n == 3) return [](const Arrays& x) { return Arrays{clamp(x[0], x[1], x[2])}; };
  throw Unsupported("operation " + op);
}

}  // namespace conformance
