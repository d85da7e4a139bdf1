// Derivatives against what needs no record.
#include "derivative_checks.h"

#include <fmt/format.h>

#include <cmath>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/testing/check_grads.h"

namespace conformance {

using namespace tf2jax;

namespace {
struct Product {
  double value = 0, size = 0;  // the sum, and the sum of magnitudes
};
Product product(const Arrays& a, const Arrays& b) {
  Product out;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Array p = mul(a[i], b.at(i));
    out.value += real(sum(p)).item<double>();
    out.size += sum(abs(p)).item<double>();
  }
  return out;
}
}  // namespace

void check_products(const Arrays& cotangents, const Arrays& ahead, const Arrays& back, const Arrays& tangents,
                    double rtol, const std::string& part, CaseResult& result) {
  const Product left = product(cotangents, ahead), right = product(back, tangents);
  if (left.value == right.value || (std::isnan(left.value) && std::isnan(right.value))) return;
  if (!(std::fabs(left.value - right.value) <= rtol * (left.size + right.size + 1e-3)))
    result.fail(part, fmt::format("<ct, J t> = {}, <J^T ct, t> = {}", left.value, right.value));
}

// A step that is too large leaves the neighbourhood where the derivative holds, one that is too small drowns in
// rounding.
void check_differences(const FlatFn& f, const Arrays& primals, bool reverse, const std::string& part,
                       CaseResult& result) {
  std::string message;
  for (const double step : {0.0, 1e-3}) {  // 0: the one that fits the dtype
    try {
      return testing::check_grads_flat(f, primals, {.reverse = reverse, .eps = step});
    } catch (const NotImplementedError&) {
      throw;
    } catch (const Error& e) {
      message = e.what();
    }
  }
  result.fail(part, message);
}

}  // namespace conformance
