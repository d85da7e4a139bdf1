// Functions of one operand: values that are known, dtypes, and every derivative beside differences of doubles.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

struct Row {
  const char* name;
  Array (*f)(const Array&);
  double x, value;
};

const Row kRows[]{{"exp", exp, 1, std::numbers::e},
                  {"exp2", exp2, 3, 8},
                  {"expm1", expm1, 1e-10, 1e-10 + 0.5e-20},
                  {"log", log, std::numbers::e, 1},
                  {"log1p", log1p, 1e-10, 1e-10 - 0.5e-20},
                  {"log2", log2, 8, 3},
                  {"tanh", tanh, std::log(2.0), 0.6},
                  {"logistic", logistic, std::log(3.0), 0.75},
                  {"sin", sin, std::numbers::pi / 6, 0.5},
                  {"cos", cos, std::numbers::pi / 3, 0.5},
                  {"tan", tan, std::numbers::pi / 4, 1},
                  {"asin", asin, 0.5, std::numbers::pi / 6},
                  {"acos", acos, 0.5, std::numbers::pi / 3},
                  {"atan", atan, 1, std::numbers::pi / 4},
                  {"sinh", sinh, std::log(2.0), 0.75},
                  {"cosh", cosh, std::log(2.0), 1.25},
                  {"asinh", asinh, 0.75, std::log(2.0)},
                  {"acosh", acosh, 1.25, std::log(2.0)},
                  {"atanh", atanh, 0.6, std::log(2.0)},
                  {"sqrt", sqrt, 2.25, 1.5},
                  {"rsqrt", rsqrt, 4, 0.5},
                  {"cbrt", cbrt, -27, -3},
                  {"square", square, -3, 9},
                  {"reciprocal", reciprocal, 4, 0.25},
                  {"abs", abs, -2.5, 2.5},
                  {"one_minus_square", one_minus_square, 0.5, 0.75},
                  {"erf", erf, 0.5, std::erf(0.5)},
                  {"erfc", erfc, 3, std::erfc(3)},
                  {"erf_inv", erf_inv, std::erf(0.5), 0.5},
                  {"lgamma", lgamma, 5, std::log(24.0)},
                  {"digamma", digamma, 1, -std::numbers::egamma}};

TEST(Unary, KnownValuesOfFloatsAndDoubles) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const Row& r : kRows) {
    EXPECT_NEAR(r.f(array<double>(r.x)).item<double>(), r.value, 1e-12 * std::max(1e-3, std::abs(r.value))) << r.name;
    const float at = static_cast<float>(r.x);
    const double near = r.f(array<double>(at)).item<double>();
    EXPECT_NEAR(r.f(array<float>(at)).item<double>(), near, 1e-6 * std::max(1e-3, std::abs(near))) << r.name;
  }
}

TEST(Unary, DerivativesAreThoseOfDifferences) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const double h = 1e-5;
  for (const Row& r : kRows) {
    const double x = std::abs(r.x) < 1e-3 ? 0.25 : r.x;  // differences of tiny numbers have no digits
    const auto at = [&](double v) { return r.f(array<double>(v)).item<double>(); };
    const double want = (at(x + h) - at(x - h)) / (2 * h);
    EXPECT_NEAR(grad(r.f)(array<double>(x)).item<double>(), want, 1e-7 * std::max(1.0, std::abs(want))) << r.name;
  }
}

TEST(Unary, HalvesAreRoundedFromSingles) {
  for (const Row& r : kRows)
    for (const DType d : {f16, bf16}) {
      const Array x = astype(array<float>({static_cast<float>(r.x)}), d);
      const double want = r.f(astype(x, f32)).item<double>(0);
      EXPECT_NEAR(r.f(x).item<double>(0), want, epsilon(d) * std::max(1e-3, std::abs(want)))
          << r.name << ' ' << short_name(d);
      EXPECT_EQ(r.f(x).dtype(), d);
    }
}

TEST(Unary, EmptyAndScalarOperands) {
  for (const Row& r : kRows) {
    EXPECT_EQ(r.f(zeros({0, 2})).dims(), (Dims{0, 2})) << r.name;
    EXPECT_EQ(r.f(Array(0.5f)).rank(), 0) << r.name;
  }
}

TEST(Unary, ComplexNumbers) {
  const Array z = complex(array<float>({3, 0}), array<float>({4, 1}));
  EXPECT_EQ(abs(z).to_vector<float>(), (Floats{5, 1}));
  EXPECT_EQ(abs(z).dtype(), f32);
  EXPECT_EQ(real(z).to_vector<float>(), (Floats{3, 0}));
  EXPECT_EQ(imag(z).to_vector<float>(), (Floats{4, 1}));
  EXPECT_EQ(conj(z).item<complex64>(0), complex64(3, -4));
  EXPECT_EQ(square(z).item<complex64>(0), complex64(-7, 24));
  EXPECT_LT(std::abs(exp(z).item<complex64>(1) - std::polar(1.f, 1.f)), 1e-6);
  EXPECT_LT(std::abs(sign(z).item<complex64>(0) - complex64(0.6f, 0.8f)), 1e-6);
}

TEST(Unary, WholeNumbers) {
  EXPECT_EQ(neg(array<std::uint8_t>({1})).item<int>(0), 255);
  EXPECT_EQ(sign(array<int>({-5, 0, 7})).to_vector<int>(), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(population_count(array<int>({-1, 5, 0})).to_vector<int>(), (std::vector<int>{32, 2, 0}));
  EXPECT_EQ(clz(array<std::uint8_t>({0, 1, 255})).to_vector<int>(), (std::vector<int>{8, 7, 0}));
  EXPECT_EQ(integer_pow(array<int>({-2}), 3).item<int>(0), -8);
  EXPECT_EQ(integer_pow(array<float>({2}), -2).item<float>(0), 0.25f);
  EXPECT_EQ(integer_pow(array<float>({7}), 0).item<float>(0), 1);
}

TEST(Unary, SignsAndKindsOfFloats) {
  const Array x = array<float>({-INFINITY, -0.f, NAN, 3});
  EXPECT_EQ(is_finite(x).to_vector<int>(), (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(isnan(x).to_vector<int>(), (std::vector<int>{0, 0, 1, 0}));
  EXPECT_EQ(isinf(x).to_vector<int>(), (std::vector<int>{1, 0, 0, 0}));
  EXPECT_EQ(sign(x).item<float>(0), -1);
  EXPECT_TRUE(std::isnan(sign(x).item<float>(2)));
}

TEST(Unary, StepsHaveNoSlope) {
  for (Array (*f)(const Array&) : {sign, floor, ceil, tf2jax::round, rint})
    EXPECT_EQ(grad([f](const Array& x) { return sum(f(x)); })(array<float>({0.3f, -1.7f})).to_vector<float>(),
              (Floats{0, 0}));
}

TEST(Unary, RefusesDtypesItDoesNotHave) {
  const Array whole = array<int>({1}), z = complex(ones({1}), ones({1}));
  expect_error<DtypeError>([&] { exp_p().bind1({whole}, Accuracy{}); }, "exp: the dtype is not accepted. Got i32");
  expect_error<DtypeError>([&] { floor_p().bind1({z}); }, "floor: the dtype is not accepted. Got c64");
  expect_error<DtypeError>([&] { clz_p().bind1({ones({1})}); }, "clz: the dtype is not accepted. Got f32");
  expect_error<DtypeError>([&] { not_p().bind1({ones({1})}); }, "not: the dtype is not accepted. Got f32");
}

}  // namespace
}  // namespace tf2jax
