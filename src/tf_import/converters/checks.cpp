// Checks of values while a program runs.
#include "tf2jax/tf_import/converters/internal/checks.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::tf_import {
namespace {

struct CheckParams {
  std::string message;
  bool operator==(const CheckParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("message", self.message); }
};

// The texts are those of the Python library under checkify.
Arrays check_values(std::span<const Array> x, const CheckParams& c) {
  const auto any = [](const Array& v) { return any_true(v).item<bool>(); };
  check(!any(isnan(x[0])), "{} : Found NaN values. (`check` failed)", c.message);
  check(!any(isinf(x[0])), "{} : Found Inf values. (`check` failed)", c.message);
  return {x[0]};
}

const Primitive& check_numerics_p() {
  static const Primitive p = make_primitive<CheckParams>({
      .name = "check_numerics",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const CheckParams&) -> Avals { return {x[0]}; },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const CheckParams& c) -> JvpResult {
        return {check_numerics_p().bind(x, c), {t[0]}};
      },
      .batch = rules::batch_unary(check_numerics_p),
      .impl = check_values,
  });
  return p;
}

}  // namespace

Array checked_finite(const Array& x, const std::string& message) {
  return check_numerics_p().bind1({x}, CheckParams{message});
}

}  // namespace tf2jax::tf_import
