// Operations at special values: zeros, infinities, NaN, limits.
#include <functional>
#include <map>
#include <numeric>

#include "differentiable.h"
#include "execution.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

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

using Reduction = Array (*)(const Array&, std::int64_t);
const std::map<std::string, Reduction>& reductions() {
  static const std::map<std::string, Reduction> table = {
      {"sum", [](const Array& x, std::int64_t a) { return sum(x, a); }}, {"max", [](const Array& x, std::int64_t a) { return tf2jax::max(x, a); }},
      {"min", [](const Array& x, std::int64_t a) { return tf2jax::min(x, a); }}, {"mean", [](const Array& x, std::int64_t a) { return mean(x, a); }},
      {"argmax", [](const Array& x, std::int64_t a) { return argmax(x, a); }}, {"argmin", [](const Array& x, std::int64_t a) { return argmin(x, a); }},
      {"cummax", [](const Array& x, std::int64_t a) { return cummax(x, a); }}, {"cumprod", [](const Array& x, std::int64_t a) { return cumprod(x, a); }},
      {"any", [](const Array& x, std::int64_t a) { return any_true(x, a); }}, {"all", [](const Array& x, std::int64_t a) { return all_true(x, a); }},
      {"argsort", [](const Array& x, std::int64_t a) { return astype(argsort(x, a), DType::i64); }},
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
  if (n == 1 && c.at("name").get<std::string>().starts_with("reduce:")) {
    const std::int64_t axis = c.at("name").get<std::string>().ends_with(":axis1") ? 1 : 0;
    if (reductions().contains(op)) return [f = reductions().at(op), axis](const Arrays& x) { return Arrays{f(x[0], axis)}; };
    throw Unsupported("reduction " + op);
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

// Where this library differs from the recorded value by intent, or the recorded value depends on how the program was
// compiled. Such parts count as unsupported.
struct Difference {
  std::string name, what, why;
};
const std::vector<Difference>& differences() {
  static const std::vector<Difference> table = {
      {"binary:div:float32", "jvp", "y^-2 underflows where the compiler divided twice"},
      {"binary:pow:", "jvp", "0^0 has the derivative 0 here, NaN there"},
      {"binary:jnp.power:", "jvp", "0^0 has the derivative 0 here, NaN there"},
      {"binary:jnp.floor_divide:bfloat16", "outputs", "half precision is rounded after every step here"},
      {"binary:jnp.floor_divide:float16", "outputs", "half precision is rounded after every step here"},
      {"convert:complex64->bool", "outputs", "a complex number is true unless both parts are zero"},
      {"unary:exp2:bfloat16", "", "exact powers of two here, exp(x log 2) there"},
      {"unary:exp2:complex", "", "limits at complex infinity"},
      {"unary:logistic:complex", "", "limits at complex infinity"},
      {"unary:abs:complex64", "", "limits at complex infinity"},
      {"unary:atanh:complex64", "", "limits at complex infinity"},
      {"unary:digamma:", "jvp", "the derivative at negative arguments, which is recorded as negative"},
      {"unary:relu:", "jvp", "the derivative at NaN"},
  };
  return table;
}
const Difference* known_difference(const std::string& name, const std::string& what) {
  for (const Difference& d : differences())
    if (name.starts_with(d.name) && (d.what.empty() || d.what == what)) return &d;
  return nullptr;
}

// True where an element is subnormal (in f32 for the half types that compute in it).
Array subnormal(const Array& x) {
  if (!is_inexact(x.dtype())) return full(x.shape(), false, DType::bool_);
  const DType d = real_dtype(x.dtype());
  const double least = d == DType::f64 ? 2.2250738585072014e-308 : d == DType::f16 ? 6.103515625e-05 : 1.1754943508222875e-38;
  const auto small = [&](const Array& v) {
    const Array wide = convert_element_type(v, DType::f64), a = where(less(wide, 0.0), neg(wide), wide);
    return logical_and(greater(a, 0.0), less(a, convert_element_type(Array(least), DType::f64)));
  };
  if (is_complex(x.dtype())) return logical_or(small(real(x)), small(imag(x)));
  return small(x);
}

Positions all_positions(std::size_t count) {
  Positions out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

}  // namespace

void run_special_values_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const auto scope = override_config(&Config::enable_x64, true);
  const Arrays in = golden.arrays(c.at("inputs")), want = golden.arrays(c.at("outputs"));
  const FlatFn f = function_of(c);
  // Errors are measured against the element itself; functions with zeros between the samples get a small allowance.
  const Tolerance tolerance{.scale = 4, .pointwise = false, .exact = false, .rtol = {}, .atol = is_floating(want[0].dtype()) && itemsize(want[0].dtype()) >= 4 ? std::optional(1e-7) : std::nullopt};
  // Where an input is subnormal the recorded result is that of zero; ours of the subnormal is as good.
  const auto without_open = [&](Arrays got, const Arrays& expected) {
    for (std::size_t k = 0; k < got.size() && k < expected.size(); ++k)
      for (const Array& x : in)
        if (identical(x.shape(), got[k].shape()) && got[k].aval().matches(expected[k].aval())) got[k] = where(subnormal(x), expected[k], got[k]);
    return got;
  };
  const std::string name = c.at("name").get<std::string>();
  if (const Difference* d = known_difference(name, "outputs")) return result.unsupported("outputs", "differs by intent: " + d->why);
  parts(options, "outputs", result, [&](Execution how, const std::string& part) {
    const Arrays got = without_open(run(f, in, how), want);
    if (got.size() == want.size() && got[0].aval().matches(want[0].aval()) && is_integer(want[0].dtype())) {
      const auto a = got[0].to_vector<std::int64_t>(), b = want[0].to_vector<std::int64_t>();
      for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && !is_open(c, in, static_cast<std::int64_t>(i), want[0].dtype()))
          result.fail(part, fmt::format("element {}: got {}, expected {}", i, a[i], b[i]));
      return;
    }
    result.check_all(part, got, want, tolerance);
  });
  if (!c.contains("jvp_with_unit_tangents")) return;
  if (const Difference* d = known_difference(name, "jvp")) return result.unsupported("jvp", "differs by intent: " + d->why);
  Arrays args = in;
  for (const Array& x : in) args.push_back(ones_like(x));
  const Arrays tangents = golden.arrays(c.at("jvp_with_unit_tangents"));
  const Differentiable d{f, in.size(), all_positions(in.size()), all_positions(want.size())};
  parts(options, "jvp", result, [&](Execution how, const std::string& part) {
    result.check_all(part, without_open(run([&](const Arrays& xs) { return d.jvp(xs); }, args, how), tangents), tangents, tolerance);
  });
}

}  // namespace conformance
