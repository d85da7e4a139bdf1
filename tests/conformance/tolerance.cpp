// How far results of JAX's cases may be from the recorded ones.
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;

namespace {

// What is looser than the dtype's tolerance, and why.
double looseness(const std::string& family, const std::string& group) {
  if (family == "primitives_conv" || family == "primitives_dot") return 5;       // long sums, DEFAULT precision
  if (family == "primitives_linalg" || family == "primitives_fft") return 20;    // decompositions
  if (family == "primitives_reduce" || family == "primitives_window") return 5;  // sums in another order
  if (group == "igamma" || group == "igammac" || group == "digamma" || group == "lgamma" || group == "random_gamma" ||
      group == "regularized_incomplete_beta")
    return 50;
  if (family == "primitives_elementwise") return 3;
  if (family == "numpy_api" || family == "autodiff") return 10;
  return 2;
}

}  // namespace

Tolerance tolerance_of_values(const Golden& golden, const json& c) {
  Tolerance value{.scale = looseness(golden.family, c.value("group", c.value("op", "")))};
  if (golden.family == "primitives_conv" || golden.family == "primitives_dot")
    for (const json& input : c.at("inputs"))
      if (const auto d = parse_dtype(input.at("dtype").get<std::string>());
          d && (!value.coarsest || itemsize(real_dtype(*d)) < itemsize(*value.coarsest)))
        value.coarsest = real_dtype(*d);
  return value;
}

Tolerance times(Tolerance tolerance, double factor) {
  tolerance.scale *= factor;
  return tolerance;
}

}  // namespace conformance
