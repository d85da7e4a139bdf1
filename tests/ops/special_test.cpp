// Special functions at points where they have closed forms, and their derivatives.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "../support.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

void expect_values(const Array& got, const std::vector<double>& want) {
  const auto values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(values[i], want[i], 4e-6 * std::max(1.0, std::abs(want[i])));
}

TEST(Igamma, OfOrderOneIsAnExponential) {
  const Array a = ones({4}), x = array<float>({0, 0.5, 1, 5});
  expect_values(igamma(a, x), {0, 1 - std::exp(-0.5), 1 - std::exp(-1), 1 - std::exp(-5)});
  expect_values(igammac(a, x), {1, std::exp(-0.5), std::exp(-1), std::exp(-5)});
}

TEST(Igamma, OfOrderOneHalfIsTheErrorFunction) {
  const Array a = full({3}, 0.5f), x = array<float>({0.25, 1, 4});
  expect_values(igamma(a, x), {std::erf(0.5), std::erf(1), std::erf(2)});
  expect_values(igammac(a, x), {std::erfc(0.5), std::erfc(1), std::erfc(2)});
}

TEST(Igamma, SlopeIsTheDensity) {
  const auto [da, dx] = grad<0, 1>([](const Array& a, const Array& x) { return igamma(a, x); })(Array(2.f), Array(3.f));
  EXPECT_NEAR(dx.item<float>(), 3 * std::exp(-3.f), 1e-6);  // x^(a-1) e^-x / gamma(a)
  const double h = 1e-2;
  const double difference =
      (igamma(Array(2 + h), Array(3.f)).item<double>() - igamma(Array(2 - h), Array(3.f)).item<double>()) / (2 * h);
  EXPECT_NEAR(da.item<double>(), difference, 1e-4);
  EXPECT_NEAR(igamma_grad_a(Array(2.f), Array(3.f)).item<double>(), difference, 1e-4);
}

// -(dP/da) / (dP/dx) by differences of P below the mean and of 1 - P above it.
TEST(Igamma, DrawsMoveAsTheirDistributionDoes) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& [a, x] : std::initializer_list<std::pair<double, double>>{
           {0.5, 0.01}, {0.5, 2}, {2, 1}, {2, 5}, {2, 30}, {30, 25}, {30, 60}, {1e4, 9.8e3}, {1e4, 1.02e4}}) {
    const double h = 1e-5 * a;
    const auto p = [x = x, upper = x > a](double order) {
      return (upper ? -1 : 1) * (upper ? igammac : igamma)(Array(order), Array(x)).item<double>();
    };
    const double density = std::exp((a - 1) * std::log(x) - x - std::lgamma(a));
    const double want = -(p(a + h) - p(a - h)) / (2 * h) / density;
    EXPECT_NEAR(random_gamma_grad(Array(a), Array(x)).item<double>(), want, 2e-6 * std::abs(want)) << a << " " << x;
  }
  const auto at = [](double a) { return random_gamma_grad(Array(a), Array(a + 2 * std::sqrt(a))).item<double>(); };
  EXPECT_NEAR(at(0.999e7), at(1.001e7), 1e-6);  // where the formula changes
  EXPECT_TRUE(std::isnan(random_gamma_grad(Array(-1.0), Array(1.0)).item<double>()));
  EXPECT_EQ(random_gamma_grad(Array(0.01), Array(0.0)).item<double>(), 0);
}

TEST(Zeta, OfEvenNumbers) {
  const double pi2 = std::numbers::pi * std::numbers::pi;
  expect_values(zeta(array<float>({2, 4, 2}), array<float>({1, 1, 2})), {pi2 / 6, pi2 * pi2 / 90, pi2 / 6 - 1});
}

TEST(Polygamma, AtOne) {
  const double pi2 = std::numbers::pi * std::numbers::pi;
  expect_values(polygamma(array<float>({0, 1, 2}), ones({3})), {-std::numbers::egamma, pi2 / 6, -2.4041138063191886});
  const Array slope = grad([](const Array& x) { return polygamma(Array(1.f), x); })(Array(1.f));
  EXPECT_NEAR(slope.item<float>(), -2.4041138063191886, 1e-5);  // -2 zeta(3)
}

TEST(Betainc, OfWholeNumbersIsAPolynomial) {
  const Array x = array<float>({0, 0.25, 0.5, 1});
  expect_values(betainc(ones({4}), ones({4}), x), {0, 0.25, 0.5, 1});
  expect_values(betainc(full({4}, 2.f), ones({4}), x), {0, 0.0625, 0.25, 1});
  const Array slope = grad([](const Array& v) { return betainc(Array(2.f), Array(1.f), v); })(Array(0.25f));
  EXPECT_NEAR(slope.item<float>(), 0.5, 1e-6);
}

TEST(Bessel, OfOrderZeroAndOne) {
  // I0 and I1 at 1, from their series.
  double i0 = 0, i1 = 0, term = 1;
  for (int k = 0; k < 20; ++k) {
    i0 += term;
    i1 += term / (2 * (k + 1));
    term /= 4.0 * (k + 1) * (k + 1);
  }
  const double e = std::exp(-1.0);
  expect_values(bessel_i0e(array<float>({0, 1, -1})), {1, i0 * e, i0 * e});
  expect_values(bessel_i1e(array<float>({0, 1, -1})), {0, i1 * e, -i1 * e});
  EXPECT_NEAR(grad([](const Array& x) { return bessel_i0e(x); })(Array(1.f)).item<float>(), (i1 - i0) * e, 1e-6);
}

TEST(Special, OfDoublesHaveTheirDigits) {
  const auto x64 = override_config(&Config::enable_x64, true);
  EXPECT_NEAR(igamma(array<double>(1), array<double>(2)).item<double>(), 1 - std::exp(-2.0), 1e-14);
  EXPECT_NEAR(zeta(array<double>(2), array<double>(1)).item<double>(), std::numbers::pi * std::numbers::pi / 6, 1e-14);
}

TEST(Special, IntegersBecomeFloatsAndShapesBroadcast) {
  const Array y = igamma(array<int>({{1}, {2}}), array<int>({1, 2, 3}));
  EXPECT_EQ(y.dtype(), f32);
  EXPECT_EQ(y.dims(), (Dims{2, 3}));
  EXPECT_EQ(igamma(zeros({0}), zeros({0})).size(), 0);
  EXPECT_EQ(bessel_i0e(zeros({1}, bf16)).dtype(), bf16);
}

TEST(Special, WhatIsRefused) {
  const Array z = complex(ones({1}), ones({1}));
  expect_error<DtypeError>([&] { igamma(z, z); }, "igamma");
  expect_error<DtypeError>([&] { bessel_i0e(z); }, "bessel_i0e");
  expect_error<ShapeError>([] { zeta_p().bind1({ones({2}), ones({3})}); }, "zeta got incompatible shapes");
}

}  // namespace
}  // namespace tf2jax
