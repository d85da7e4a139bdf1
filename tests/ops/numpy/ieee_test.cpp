// Functions about the parts of floating-point numbers, beside the C library's.
#include "tf2jax/ops/ieee.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <complex>

#include "../../support.h"

namespace tf2jax {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> kPoints{0, -0.0, 1, -1, 3e-310, 1e-200, -1e200, 1e308, kInf, -kInf, kNan};

using Function = Array (*)(const Array&, const Array&);
// Every pair of points, in f64.
void expect_pairs(Function f, double (*want)(double, double), double tolerance = 0) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const double x : kPoints)
    for (const double y : kPoints) {
      const double got = f(array<double>(x), array<double>(y)).item<double>(), expected = want(x, y);
      if (std::isnan(expected)) EXPECT_TRUE(std::isnan(got)) << x << " " << y << " " << got;
      else if (std::isinf(expected) || tolerance == 0) EXPECT_EQ(got, expected) << x << " " << y;
      else EXPECT_NEAR(got, expected, tolerance * std::abs(expected)) << x << " " << y;
    }
}

TEST(Ieee, PairsAreAsInC) {
  expect_pairs(hypot, [](double x, double y) { return std::hypot(x, y); }, 1e-15);
  expect_pairs(fmax, [](double x, double y) { return std::fmax(x, y); });
  expect_pairs(fmin, [](double x, double y) { return std::fmin(x, y); });
  expect_pairs(copysign, [](double x, double y) { return std::copysign(x, y); });
}

TEST(Ieee, SignsOfZerosAndOfNan) {
  EXPECT_EQ(signbit(array<float>({0.f, -0.f, 2.f, -2.f})).to_vector<bool>(),
            (std::vector<bool>{false, true, false, true}));
  EXPECT_TRUE(signbit(array<float>(std::copysign(NAN, -1.f))).item<bool>());
  EXPECT_EQ(signbit(array<int>({-3, 0})).to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(signbit(array<std::uint8_t>({200})).to_vector<bool>(), (std::vector<bool>{false}));
  expect_error<DtypeError>([] { signbit(Array(complex64(1, 2))); }, "complex numbers have no sign");
}

TEST(Ieee, StepsTakeTheirValueAtZero) {
  EXPECT_EQ(heaviside(array<float>({-2, 0, 3}), 0.25f).to_vector<float>(), (std::vector<float>{0, 0.25f, 1}));
}

TEST(Ieee, NumbersInPlaceOfNanAndInfinities) {
  const Array x = array<float>({NAN, INFINITY, -INFINITY, 2});
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(nan_to_num(x, 7).to_vector<float>(), (std::vector<float>{7, most, -most, 2}));
  EXPECT_EQ(grad([](const Array& v) { return sum(nan_to_num(v)); })(x).to_vector<float>(),
            (std::vector<float>{0, 0, 0, 1}));
  EXPECT_EQ(nan_to_num(array<int>({3})).to_vector<int>(), (std::vector<int>{3}));
}

TEST(Ieee, LogarithmsOfSumsDoNotOverflow) {
  const auto f = [](const Array& x, const Array& y) { return logaddexp(x, y); };
  EXPECT_NEAR(f(Array(1000.f), Array(1000.f)).item<float>(), 1000 + std::log(2.f), 1e-4);
  EXPECT_EQ(f(Array(-INFINITY), Array(-INFINITY)).item<float>(), -INFINITY);
  EXPECT_EQ(logaddexp2(Array(3.f), Array(3.f)).item<float>(), 4);
  const auto [dx, dy] = grad<0, 1>(f)(Array(0.f), Array(std::log(3.f)));
  EXPECT_NEAR(dx.item<float>(), 0.25, 1e-6);
  EXPECT_NEAR(dy.item<float>(), 0.75, 1e-6);
  EXPECT_NEAR(log_sigmoid(Array(-100.f)).item<float>(), -100, 1e-4);
  EXPECT_NEAR(grad([](const Array& v) { return log_sigmoid(v); })(Array(0.f)).item<float>(), 0.5, 1e-6);
}

TEST(Ieee, AnglesAreThoseOfThePlane) {
  const complex64 z(-1, 1);
  EXPECT_FLOAT_EQ(angle(Array(z)).item<float>(), std::arg(z));
  EXPECT_FLOAT_EQ(angle(Array(-2.f)).item<float>(), std::arg(complex64(-2, 0)));
  EXPECT_EQ(angle(array<int>({4})).to_vector<float>(), (std::vector<float>{0}));
}

}  // namespace
}  // namespace tf2jax
