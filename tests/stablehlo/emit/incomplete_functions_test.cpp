// Functions by series and fractions, beside values of jax.scipy.special in f64, and NaN where they have none.
#include "tf2jax/stablehlo/internal/special_functions.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <numbers>

#include "../../support.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"

using namespace tf2jax;
namespace w = stablehlo::written_out;

namespace {

constexpr double kTight = 1e-13;

Array wide(const std::vector<double>& v) {
  return detail::exact_array(Aval{f64, {Dim(static_cast<std::int64_t>(v.size()))}, false}, std::as_bytes(std::span(v)));
}

}  // namespace

TEST(WrittenOutIncomplete, GammaFunctions) {
  expect_close(w::igamma(wide({2, 0.5, 30, 5}), wide({1, 3, 25, 0})),
               {0.2642411176571152, 0.9856941215645704, 0.18210391597745865, 0}, kTight);
  expect_close(w::igammac(wide({2, 0.5, 30, 5}), wide({1, 3, 25, 50})),
               {0.7357588823428848, 0.014305878435429641, 0.8178960840225413, 5.4497019829205215e-17}, kTight);
}

TEST(WrittenOutIncomplete, GammaHasNoValueLeftOfZero) {
  for (const double v : w::igamma(wide({-1, 2, 0}), wide({1, -1, 0})).to_vector<double>()) EXPECT_TRUE(std::isnan(v));
}

TEST(WrittenOutIncomplete, SlopeOfGammaIsThatOfDifferences) {
  const double step = 1e-5;
  const auto p = w::igamma(wide({2 - step, 2 + step, 0.5 - step, 0.5 + step}), wide({1, 1, 3, 3})).to_vector<double>();
  expect_close(w::igamma_grad_a(wide({2, 0.5}), wide({1, 3})), {(p[1] - p[0]) / (2 * step), (p[3] - p[2]) / (2 * step)},
               1e-8);
}

TEST(WrittenOutIncomplete, DrawsMoveAsByTheKernel) {
  const Array a = wide({0.5, 0.5, 2, 30, 30, 1e8, 0.1, -1}), x = wide({0.01, 2, 1, 25, 60, 1.0003e8, 0, 1});
  const auto want = random_gamma_grad(a, x).to_vector<double>(), got = w::random_gamma_grad(a, x).to_vector<double>();
  for (std::size_t i = 0; i + 1 < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-11 * std::abs(want[i])) << i;
  EXPECT_TRUE(std::isnan(got.back()));
}

TEST(WrittenOutIncomplete, ZetaAndPolygamma) {
  const double six = std::numbers::pi * std::numbers::pi / 6;
  expect_close(w::zeta(wide({2, 3.5, 1.1}), wide({1, 0.25, 7})), {six, 128.54695896428433, 8.2920470568943}, kTight);
  expect_close(w::polygamma(wide({1, 2, 3, 0}), wide({1, 0.5, 4, 1})),
               {six, -16.828796644234295, 0.044865328192755106, -0.5772156649015334}, 1e-12);
  EXPECT_TRUE(std::isinf(w::zeta(wide({1}), wide({3})).to_vector<double>()[0]));
}

TEST(WrittenOutIncomplete, ZetaFarToTheLeftHasNoValue) {
  EXPECT_TRUE(std::isnan(w::zeta(wide({2}), wide({-1e12 + 0.5})).to_vector<double>()[0]));
}

TEST(WrittenOutIncomplete, BetaFunction) {
  expect_close(w::betainc(wide({2, 0.5, 8, 3}), wide({3, 0.5, 2, 4}), wide({0.5, 0.1, 0.9, 1})),
               {0.6875, 0.20483276469913314, 0.774840978, 1}, kTight);
  EXPECT_TRUE(std::isnan(w::betainc(wide({2}), wide({3}), wide({1.5})).to_vector<double>()[0]));
}
