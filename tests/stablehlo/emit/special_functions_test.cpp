// Special functions written out, beside values of the C library and of jax.scipy.special in f64.
#include "tf2jax/stablehlo/internal/special_functions.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <limits>

#include "../../support.h"

using namespace tf2jax;
namespace w = stablehlo::written_out;

namespace {

constexpr double kTight = 1e-13;
constexpr double kInf = std::numeric_limits<double>::infinity();

Array wide(const std::vector<double>& v) {
  return detail::exact_array(Aval{f64, {Dim(static_cast<std::int64_t>(v.size()))}, false}, std::as_bytes(std::span(v)));
}

}  // namespace

TEST(WrittenOut, LogGammaOnBothSidesOfZero) {
  expect_close(w::lgamma(wide({0.5, 3.7, -1.5, 1e-3, 30})),
               {0.5723649429247004, 1.4280723266653883, 0.8600470153764812, 6.907178885383854, 71.257038967168},
               kTight);
  EXPECT_EQ(w::lgamma(wide({-3, kInf})).to_vector<double>(), (std::vector<double>{kInf, kInf}));
}

TEST(WrittenOut, DigammaHasNoValueAtPoles) {
  expect_close(w::digamma(wide({1, -0.5, 0.1, 20})),
               {-0.5772156649015334, 0.03648997397857731, -10.423754940411078, 2.9705239922421485}, kTight);
  for (const double v : w::digamma(wide({0, -2})).to_vector<double>()) EXPECT_TRUE(std::isnan(v));
}

TEST(WrittenOut, ErrorFunctions) {
  expect_close(w::erf(wide({-0.3, 0.9, 1.7, 3})),
               {-0.3286267594591274, 0.7969082124228322, 0.9837904585907745, 0.9999779095030014}, kTight);
  const auto tails = w::erfc(wide({-1.5, 0.4, 2, 10})).to_vector<double>();
  const double want[] = {1.9661051464753108, 0.5716076449533315, 0.004677734981047265, 2.088487583762545e-45};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(tails[i] / want[i], 1, 1e-12);
}

TEST(WrittenOut, InverseOfTheErrorFunction) {
  const std::vector<double> y{-0.999999, -0.5, 0, 1e-9, 0.3, 0.9999999};
  const auto x = w::erf_inv(wide(y)).to_vector<double>();
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(std::erf(x[i]), y[i], 1e-14);
  EXPECT_EQ(w::erf_inv(wide({1, -1})).to_vector<double>(), (std::vector<double>{kInf, -kInf}));
  EXPECT_TRUE(std::isnan(w::erf_inv(wide({1.5})).to_vector<double>()[0]));
}

TEST(WrittenOut, BesselFunctions) {
  expect_close(w::bessel_i0e(wide({0, 1, -7.5, 40})), {1, 0.46575960759364043, 0.1483158300773955, 0.06327827987523534},
               kTight);
  expect_close(w::bessel_i1e(wide({1e-3, 1, -7.5, 40})),
               {0.0004995003123542215, 0.2079104153497085, -0.13804121154855417, 0.062482229074442064}, kTight);
}

TEST(WrittenOut, NeighboursByTheirBits) {
  for (const auto& [x, y] : {std::pair(1.f, 2.f), {1.f, 0.f}, {0.f, -1.f}, {-1.f, 5.f}, {-0.f, 3.f}, {2.f, 2.f}})
    EXPECT_EQ(w::nextafter(array<float>(x), array<float>(y)).item<float>(), std::nextafter(x, y));
  const float least = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(w::nextafter(array<float>(least), array<float>(-1.f)).item<float>(), 0.f);
}

TEST(WrittenOut, NarrowTypesAreComputedInDouble) {
  const Array y = w::lgamma(array<float>({1e-3f, 30.f}));
  EXPECT_EQ(y.dtype(), f32);
  expect_close(y, {6.907178885383854, 71.257038967168}, 1e-7);
}
