// Operations at special values: zeros, infinities, NaN, limits.
#include <functional>
#include <map>

#include "report.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/transforms/jvp.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

const std::map<std::string, Unary>& unary() {
  static const std::map<std::string, Unary> table = {
      {"abs", abs}, {"acos", acos}, {"acosh", acosh}, {"asin", asin}, {"asinh", asinh}, {"atan", atan}, {"atanh", atanh}, {"bitwise_not", bitwise_not}, {"cbrt", cbrt},
      {"ceil", ceil}, {"clz", clz}, {"conj", conj}, {"cos", cos}, {"cosh", cosh}, {"digamma", digamma}, {"erf", erf}, {"erf_inv", erf_inv}, {"erfc", erfc}, {"exp", exp},
      {"exp2", exp2}, {"expm1", expm1}, {"floor", floor}, {"imag", imag}, {"is_finite", is_finite}, {"isnan", isnan}, {"lgamma", lgamma}, {"log", log}, {"log1p", log1p},
      {"logistic", logistic}, {"neg", neg}, {"population_count", population_count}, {"real", real}, {"reciprocal", reciprocal}, {"relu", relu}, {"round", round},
      {"round_even", rint}, {"rsqrt", rsqrt}, {"sign", sign}, {"silu", silu}, {"sin", sin}, {"sinh", sinh}, {"sqrt", sqrt}, {"square", square}, {"tan", tan}, {"tanh", tanh},
      {"integer_pow3", [](const Array& x) { return integer_pow(x, 3); }}, {"integer_pow_m2", [](const Array& x) { return integer_pow(x, -2); }},
      {"gelu", [](const Array& x) { return gelu(x); }}, {"softmax", [](const Array& x) { return softmax(x); }},
      {"sum", [](const Array& x) { return sum(x); }}, {"max", [](const Array& x) { return tf2jax::max(x); }}, {"min", [](const Array& x) { return tf2jax::min(x); }},
      {"mean", [](const Array& x) { return mean(x); }}, {"argmax", [](const Array& x) { return argmax(x, 0); }}, {"argmin", [](const Array& x) { return argmin(x, 0); }},
      {"cummax", [](const Array& x) { return cummax(x, 0); }}, {"cumprod", [](const Array& x) { return cumprod(x, 0); }},
      {"any", [](const Array& x) { return any_true(x); }}, {"all", [](const Array& x) { return all_true(x); }},
      {"argsort", [](const Array& x) { return astype(argsort(x), DType::i64); }},
  };
  return table;
}
const std::map<std::string, Binary>& binary() {
  static const std::map<std::string, Binary> table = {
      {"add", add}, {"bitwise_and", bitwise_and}, {"bitwise_or", bitwise_or}, {"bitwise_xor", bitwise_xor}, {"div", div}, {"eq", equal}, {"ge", greater_equal}, {"gt", greater},
      {"le", less_equal}, {"lt", less}, {"max", maximum}, {"min", minimum}, {"mul", mul}, {"ne", not_equal}, {"nextafter", nextafter}, {"pow", pow}, {"rem", rem},
      {"shift_left", shift_left}, {"shift_right_arithmetic", shift_right_arithmetic}, {"shift_right_logical", shift_right_logical}, {"sub", sub},
      {"jnp.floor_divide", floor_divide}, {"jnp.maximum", maximum}, {"jnp.power", pow}, {"jnp.remainder", mod}, {"jnp.true_divide", divide}, {"jnp.fmod", rem},
  };
  return table;
}

bool is_conversion(const std::string& op) { return op == "convert_element_type" || op == "convert_round_trip"; }

FlatFn function_of(const json& c) {
  const std::string op = c.at("op").get<std::string>();
  const std::size_t n = c.at("inputs").size();
  if (op == "convert_element_type") {
    const auto dtype = parse_dtype(c.at("new_dtype").get<std::string>());
    if (!dtype) throw Unsupported("dtype " + c.at("new_dtype").get<std::string>());
    return [d = *dtype](const Arrays& x) { return Arrays{convert_element_type(x[0], d)}; };
  }
  if (n == 1 && unary().contains(op)) return [f = unary().at(op)](const Arrays& x) { return Arrays{f(x[0])}; };
  if (n == 2 && binary().contains(op)) return [f = binary().at(op)](const Arrays& x) { return Arrays{f(x[0], x[1])}; };
  if (op == "clamp" && n == 3) return [](const Arrays& x) { return Arrays{clamp(x[0], x[1], x[2])}; };
  throw Unsupported("operation " + op);
}

// Recorded values are whatever came out where the source leaves the result open: NaN and out-of-range to integer, x / 0.
bool is_open(const json& c, const Arrays& in, std::int64_t i, DType out) {
  const std::string op = c.at("op").get<std::string>();
  if (is_conversion(op) && is_inexact(in[0].dtype()) && is_integer(out)) {
    const double v = is_complex(in[0].dtype()) ? in[0].to_vector<complex128>()[static_cast<std::size_t>(i)].real() : in[0].to_vector<double>()[static_cast<std::size_t>(i)];
    const double bits = itemsize(out) * 8 - (is_signed_integer(out) ? 1 : 0), top = std::ldexp(1.0, static_cast<int>(bits));
    return !(v > (is_signed_integer(out) ? -top - 1 : -1) && v < top);
  }
  if ((op == "div" || op == "rem" || op.starts_with("jnp.floor") || op.starts_with("jnp.rem") || op == "jnp.fmod") && is_integer(in[0].dtype())) return in[1].to_vector<std::int64_t>()[static_cast<std::size_t>(i)] == 0;
  return false;
}

}  // namespace

void run_special_values_case(const Golden& golden, const json& c, const Options&, CaseResult& result) {
  const auto scope = override_config(&Config::enable_x64, true);
  const Arrays in = golden.arrays(c.at("inputs")), want = golden.arrays(c.at("outputs"));
  const FlatFn f = function_of(c);
  // Errors are measured against the element itself; functions with zeros between the samples get a small allowance.
  const Tolerance tolerance{.scale = 4, .pointwise = false, .exact = false, .rtol = {}, .atol = is_floating(want[0].dtype()) && itemsize(want[0].dtype()) >= 4 ? std::optional(1e-7) : std::nullopt};
  result.part("outputs", [&] {
    const Arrays got = f(in);
    if (got.size() == want.size() && got[0].aval().matches(want[0].aval()) && is_integer(want[0].dtype())) {
      const auto a = got[0].to_vector<std::int64_t>(), b = want[0].to_vector<std::int64_t>();
      for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && !is_open(c, in, static_cast<std::int64_t>(i), want[0].dtype()))
          result.fail("outputs", fmt::format("element {}: got {}, expected {}", i, a[i], b[i]));
      return;
    }
    result.check_all("outputs", got, want, tolerance);
  });
  if (!c.contains("jvp_with_unit_tangents")) return;
  result.part("jvp", [&] {
    Tangents ones_in;
    for (const Array& x : in) ones_in.emplace_back(ones_like(x));
    const JvpResult r = jvp_flat(f, in, ones_in);
    Arrays got;
    for (const Tangent& t : r.tangents) got.push_back(t.is_zero() ? zeros_of(t.aval()) : t.value());
    result.check_all("jvp", got, golden.arrays(c.at("jvp_with_unit_tangents")), tolerance);
  });
}

}  // namespace conformance
