// Operations at special values: zeros, infinities, NaN, limits.
#include "special_values.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "differentiable.h"
#include "execution.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"

namespace conformance {

using namespace tf2jax;

namespace {

bool is_conversion(const std::string& op) { return op == "convert_element_type" || op == "convert_round_trip"; }

// Recorded values are whatever came out where the source leaves the result open: NaN and out-of-range to integer, x /
// 0.
bool is_open(const json& c, const Arrays& in, std::int64_t i, DType out) {
  const std::string op = c.at("op").get<std::string>();
  if (is_conversion(op) && is_inexact(in[0].dtype()) && is_integer(out)) {
    const double v = is_complex(in[0].dtype()) ? in[0].to_vector<complex128>()[i].real() : in[0].to_vector<double>()[i];
    const double bits = itemsize(out) * 8 - (is_signed_integer(out) ? 1 : 0),
                 top = std::ldexp(1.0, static_cast<int>(bits));
    return !(v > (is_signed_integer(out) ? -top - 1 : -1) && v < top);
  }
  if ((op == "div" || op == "rem" || op.starts_with("jnp.floor") || op.starts_with("jnp.rem") || op == "jnp.fmod") &&
      is_integer(in[0].dtype()))
    return in[1].to_vector<std::int64_t>()[i] == 0;
  return false;
}

// True where an element is subnormal (in f32 for the half types that compute in it).
Array subnormal(const Array& x) {
  if (!is_inexact(x.dtype())) return full(x.shape(), false, DType::bool_);
  const DType d = real_dtype(x.dtype());
  const double least = d == DType::f64   ? 2.2250738585072014e-308
                       : d == DType::f16 ? 6.103515625e-05
                                         : 1.1754943508222875e-38;
  const auto small = [&](const Array& v) {
    const Array wide = convert_element_type(v, DType::f64), a = where(less(wide, 0.0), neg(wide), wide);
    return logical_and(greater(a, 0.0), less(a, convert_element_type(Array(least), DType::f64)));
  };
  if (is_complex(x.dtype())) return logical_or(small(real(x)), small(imag(x)));
  return small(x);
}

// Where 1/y - x/y^2 cancels, what is left is the rounding of its terms.
Array cancels(const Arrays& in, const Array& got, const Array& expected) {
  const double eps = real_dtype(got.dtype()) == DType::f64   ? 0x1p-50
                     : real_dtype(got.dtype()) == DType::f32 ? 0x1p-21
                                                             : 0x1p-5;
  const Array noise = abs(full({}, eps, in[1].dtype()) / in[1]);
  return logical_and(equal(in[0], in[1]), logical_and(less_equal(abs(got), noise), less_equal(abs(expected), noise)));
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
  const FlatFn f = special_function(c);
  // Errors are measured against the element itself; functions with zeros between the samples get a small allowance.
  const Tolerance tolerance{
      .scale = 4,
      .pointwise = false,
      .exact = false,
      .rtol = {},
      .atol = is_floating(want[0].dtype()) && itemsize(want[0].dtype()) >= 4 ? std::optional(1e-7) : std::nullopt};
  // Where an input is subnormal the recorded result is that of zero; ours of the subnormal is as good.
  const auto without_open = [&](Arrays got, const Arrays& expected) {
    for (std::size_t k = 0; k < got.size() && k < expected.size(); ++k)
      for (const Array& x : in)
        if (identical(x.shape(), got[k].shape()) && got[k].aval().matches(expected[k].aval()))
          got[k] = where(subnormal(x), expected[k], got[k]);
    return got;
  };
  const std::string op = c.at("op").get<std::string>();
  parts(options, "outputs", result, [&](Execution how, const std::string& part) {
    const Arrays expected = by_rule(want, op, "outputs", in), got = without_open(run(f, in, how), expected);
    if (got.size() == want.size() && got[0].aval().matches(expected[0].aval()) && is_integer(want[0].dtype())) {
      const auto a = got[0].to_vector<std::int64_t>(), b = expected[0].to_vector<std::int64_t>();
      for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && !is_open(c, in, static_cast<std::int64_t>(i), want[0].dtype()))
          result.fail(part, fmt::format("element {}: got {}, expected {}", i, a[i], b[i]));
      return;
    }
    result.check_all(part, got, expected, tolerance);
  });
  if (!c.contains("jvp_with_unit_tangents")) return;
  Arrays args = in;
  for (const Array& x : in) args.push_back(ones_like(x));
  const Arrays tangents = golden.arrays(c.at("jvp_with_unit_tangents"));
  const Differentiable d{f, in.size(), all_positions(in.size()), all_positions(want.size())};
  parts(options, "jvp", result, [&](Execution how, const std::string& part) {
    const Arrays expected = by_rule(tangents, op, "jvp", in);
    Arrays got = without_open(run([&](const Arrays& xs) { return d.jvp(xs); }, args, how), expected);
    if (op == "div") got[0] = where(cancels(in, got[0], expected[0]), expected[0], got[0]);
    result.check_all(part, got, expected, tolerance);
  });
}

}  // namespace conformance
