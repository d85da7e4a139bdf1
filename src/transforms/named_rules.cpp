// Rules of custom_jvp functions that a text names without carrying them: those of JAX's library, and those that users
// register.
#include "tf2jax/transforms/internal/named_rules.h"

#include <cmath>
#include <map>
#include <mutex>

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/special.h"

namespace tf2jax {

namespace {

// x, the function's own results, tangents of x -> tangents of the results. Those of integers are not read.
using TangentRule = Arrays (*)(const Arrays& x, const Arrays& y, const Arrays& t);

Arrays relu(const Arrays& x, const Arrays&, const Arrays& t) {
  return {select(greater(x[0], 0), t[0], zeros_like(t[0]))};
}
Arrays relu6(const Arrays& x, const Arrays&, const Arrays& t) {
  return {select(logical_and(greater(x[0], 0), less(x[0], 6)), t[0], zeros_like(t[0]))};
}
Arrays silu(const Arrays& x, const Arrays&, const Arrays& t) {
  const Array s = logistic(x[0]);
  return {t[0] * (s * (1 + x[0] * (1 - s)))};
}
Arrays logit(const Arrays& x, const Arrays&, const Arrays& t) { return {div(t[0], x[0] * (1 - x[0]))}; }

// Weights exp(x - y) of the tangents. Infinities are 0 there, so that their difference is no NaN.
Arrays logaddexp(const Arrays& x, const Arrays& y, const Arrays& t) {
  const auto finite = [](const Array& v) { return where(equal(v, INFINITY), zeros_like(v), v); };
  const auto term = [&](std::size_t i) { return mul(t[i], exp(sub(finite(x[i]), finite(y[0])))); };
  return {add(term(0), term(1))};
}
Arrays xlogy(const Arrays& x, const Arrays&, const Arrays& t) {
  return {add(mul(t[0], log(x[1])), divide(mul(t[1], x[0]), x[1]))};
}
Arrays xlogx(const Arrays& x, const Arrays&, const Arrays& t) { return {t[0] * (log(x[0]) + 1)}; }

// I1' = I0 - I1 / x, 1/2 at 0. Source: Abramowitz and Stegun, 9.6.28.
Arrays bessel_i1(const Arrays& x, const Arrays& y, const Arrays& t) {
  const Array at_zero = equal(x[0], 0), safe = where(at_zero, ones_like(x[0]), x[0]);
  const Array slope = exp(abs(x[0])) * bessel_i0e(x[0]) - y[0] / safe;
  return {t[0] * where(at_zero, full_like(x[0], 0.5), slope)};
}

// The mantissa is x 2^-e with the exponent e held fast.
Arrays frexp(const Arrays&, const Arrays& y, const Arrays& t) {
  return {t[0] * exp2(neg(astype(y[1], t[0].dtype()))), t[0]};
}

// Source: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
// variables separate", SIAM J. Numer. Anal. 10 (1973), (4.12).
Arrays pseudo_inverse(const Arrays& x, const Arrays& y, const Arrays& t) {
  const auto adjoint = [](const Array& m) { return conj(swapaxes(m, -1, -2)); };
  const auto product = [](const Array& a, const Array& b, const Array& c) { return matmul(matmul(a, b), c); };
  const Array &a = x[0], &p = y[0], dh = adjoint(t[0]), ph = adjoint(p);
  const Array inside = neg(product(p, t[0], p));
  const Array left = matmul(product(p, ph, dh), sub(eye(a.shape()[a.rank() - 2].value(), {}, a.dtype()), matmul(a, p)));
  const Array right =
      matmul(sub(eye(a.shape()[a.rank() - 1].value(), {}, a.dtype()), matmul(p, a)), product(dh, ph, p));
  return {add(inside, add(left, right))};
}

// JAX's, by the names of the function and of its rule; any rule where none is named.
struct Row {
  std::string_view function, rule;
  TangentRule tangents;
};
constexpr Row kRows[]{{"relu", "", relu},
                      {"relu6", "jvp", relu6},
                      {"silu", "", silu},
                      {"logit", "jvp", logit},
                      {"logaddexp", "_logaddexp_jvp", logaddexp},
                      {"xlogy", "_xlogy_jvp", xlogy},
                      {"_xlogx", "_xlogx_jvp", xlogx},
                      {"i1_impl", "i1_impl_jvp", bessel_i1},
                      {"_frexp", "_frexp_jvp", frexp},
                      {"_pinv", "_pinv_jvp", pseudo_inverse}};

struct Registered {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const JvpRule>> rules;
};
Registered& registered() {
  static Registered* const table = new Registered;  // lives for the process: threads may outlive static destruction
  return *table;
}

}  // namespace

void register_custom_jvp_rule(const std::string& name, JvpRule rule) {
  const std::lock_guard lock(registered().mutex);
  registered().rules[name] = std::make_shared<const JvpRule>(std::move(rule));
}

std::shared_ptr<const JvpRule> named_rule(const CustomJvpParams& p) {
  {
    const std::lock_guard lock(registered().mutex);
    if (const auto it = registered().rules.find(p.name); it != registered().rules.end()) return it->second;
  }
  for (const Row& row : kRows)
    if (row.function == p.name && (row.rule.empty() || row.rule == p.jvp.name) && p.num_consts == 0)
      return std::make_shared<const JvpRule>([p, tangents = row.tangents](const Arrays& x, const Arrays& t) {
        Arrays out = custom_jvp_call_p().bind(x, p);  // derivatives of it are by the rule again
        const Arrays slopes = tangents(x, out, t);
        out.insert(out.end(), slopes.begin(), slopes.end());
        return out;
      });
  raise<NotImplementedError>(
      "custom_jvp_call '{}': the program was read from text, which does not carry the rule '{}'. Register it with "
      "register_custom_jvp_rule.",
      p.name, p.jvp.name);
}

}  // namespace tf2jax
