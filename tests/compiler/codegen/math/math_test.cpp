// Accuracy of the elementary functions: units in the last place against the C library in the next wider type.
#include <cmath>
#include <functional>
#include <numbers>
#include <random>

#include "../codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

template <class T, class W>
double ulps(T got, W exact) {
  const T rounded = static_cast<T>(exact);
  if (exact != exact) return got != got ? 0.0 : 1e30;
  if (std::isinf(rounded) || std::isinf(got)) {
    if (got == rounded) return 0.0;
    // one side of the threshold of overflow
    const T other = std::nextafter(std::isinf(rounded) ? rounded : got, T(0));
    return (std::isinf(rounded) ? got : rounded) == other ? 1.0 : 1e30;
  }
  if (got != got) return 1e30;
  if (rounded == 0 && got == 0) return std::signbit(rounded) == std::signbit(got) ? 0.0 : 1e30;
  int exponent;
  std::frexp(rounded, &exponent);
  constexpr int digits = std::numeric_limits<T>::digits, least = std::numeric_limits<T>::min_exponent - digits;
  const W unit = std::ldexp(W(1), std::max(exponent - digits, least));
  return static_cast<double>(std::abs(static_cast<W>(got) - exact) / unit);
}

template <class T>
std::vector<T> evaluate(Op op, const std::vector<T>& x, const std::vector<T>& y = {}) {
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<DType> types(y.empty() ? 1 : 2, dtype_of<T>);
  const auto compiled = compile({elementwise(op, dtype_of<T>, types, n)});
  std::vector<T> out(x.size());
  std::vector<void*> buffers{const_cast<T*>(x.data())};
  if (!y.empty()) buffers.push_back(const_cast<T*>(y.data()));
  buffers.push_back(out.data());
  if (compiled) compiled->entries[0].function(buffers.data(), 0, n, nullptr);
  return out;
}

struct Case {
  const char* name;
  Op op;
  double bound;                       // ulp
  std::function<double(double)> f32;  // the exact value of a float function
  double bound64 = 1.0;               // of doubles
  std::function<long double(long double)> f64 = {};
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

// By Newton's method on erfc, which has the digits of both ends.
double erf_inverse(double x) {
  if (!(std::abs(x) < 1)) return std::abs(x) == 1 ? std::copysign(INFINITY, x) : NAN;
  if (std::abs(x) < 1e-9) return x * (std::sqrt(std::numbers::pi) / 2);
  double y = std::min(0.9 * std::abs(x), 1.0);
  if (std::abs(x) > 0.9) y = std::sqrt(-std::log(1 - std::abs(x)));
  for (int i = 0; i < 60; ++i) {
    const double residual = std::abs(x) < 0.5 ? std::erf(y) - std::abs(x) : (1 - std::abs(x)) - std::erfc(y);
    const double step = residual / (2 / std::sqrt(std::numbers::pi) * std::exp(-y * y));
    y -= std::clamp(step, -0.5, 0.5);
    if (std::abs(step) < 1e-14 * y) break;
  }
  return std::copysign(y, x);
}

const auto rsqrt = [](auto x) { return 1 / std::sqrt(x); };
// Accurate on both sides: 1 - logistic(-x) where x > 0.
const auto logistic = [](auto x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); };

std::vector<Case> cases() {
  return {
      {"exp", Op::exp, 1.1, [](double x) { return std::exp(x); }, 1.1, [](long double x) { return std::exp(x); }},
      {"exp2", Op::exp2, 1.1, [](double x) { return std::exp2(x); }, 1.1, [](long double x) { return std::exp2(x); }},
      {"expm1", Op::expm1, 1.8, [](double x) { return std::expm1(x); }, 1.8,
       [](long double x) { return std::expm1(x); }},
      {"log", Op::log, 1.0, [](double x) { return std::log(x); }, 1.0, [](long double x) { return std::log(x); }},
      {"log1p", Op::log1p, 1.5, [](double x) { return std::log1p(x); }, 1.5,
       [](long double x) { return std::log1p(x); }},
      {"log2", Op::log2, 1.8, [](double x) { return std::log2(x); }, 1.5, [](long double x) { return std::log2(x); }},
      {"tanh", Op::tanh, 1.6, [](double x) { return std::tanh(x); }, 2.5, [](long double x) { return std::tanh(x); }},
      {"logistic", Op::logistic, 2.0, logistic, 2.0, logistic},
      {"sin", Op::sin, 2.0, [](double x) { return std::sin(x); }, 2.0, [](long double x) { return std::sin(x); }},
      {"cos", Op::cos, 2.0, [](double x) { return std::cos(x); }, 2.0, [](long double x) { return std::cos(x); }},
      {"tan", Op::tan, 2.0, [](double x) { return std::tan(x); }, 2.0, [](long double x) { return std::tan(x); }},
      {"asin", Op::asin, 2.0, [](double x) { return std::asin(x); }, 2.0, [](long double x) { return std::asin(x); }},
      {"acos", Op::acos, 2.0, [](double x) { return std::acos(x); }, 2.0, [](long double x) { return std::acos(x); }},
      {"atan", Op::atan, 2.0, [](double x) { return std::atan(x); }, 2.0, [](long double x) { return std::atan(x); }},
      {"sinh", Op::sinh, 2.0, [](double x) { return std::sinh(x); }, 2.5, [](long double x) { return std::sinh(x); }},
      {"cosh", Op::cosh, 2.0, [](double x) { return std::cosh(x); }, 2.5, [](long double x) { return std::cosh(x); }},
      {"asinh", Op::asinh, 2.0, [](double x) { return std::asinh(x); }, 2.0,
       [](long double x) { return std::asinh(x); }},
      {"acosh", Op::acosh, 2.0, [](double x) { return std::acosh(x); }, 2.0,
       [](long double x) { return std::acosh(x); }},
      {"atanh", Op::atanh, 2.0, [](double x) { return std::atanh(x); }, 2.0,
       [](long double x) { return std::atanh(x); }},
      {"rsqrt", Op::rsqrt, 1.5, rsqrt, 1.5, rsqrt},
      {"cbrt", Op::cbrt, 1.5, [](double x) { return std::cbrt(x); }, 1.5, [](long double x) { return std::cbrt(x); }},
      {"erf", Op::erf, 2.0, [](double x) { return std::erf(x); }, 2.0, [](long double x) { return std::erf(x); }},
      {"erf_inv", Op::erf_inv, 2.0, erf_inverse},
      {"erfc", Op::erfc, 2.0, [](double x) { return std::erfc(x); }, 2.0, [](long double x) { return std::erfc(x); }},
  };
}

class Accuracy : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Codegen, Accuracy, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

template <class T>
std::vector<T> edges() {
  using L = std::numeric_limits<T>;
  std::vector<T> out;
  for (const T v : {T(0),          L::denorm_min(),
                    L::min(),      std::nextafter(L::min(), T(0)),
                    L::epsilon(),  T(0.5),
                    T(0.625),      std::nextafter(T(1), T(0)),
                    T(1),          std::nextafter(T(1), T(2)),
                    T(2),          T(88.72283),
                    T(88.7229),    T(103.97),
                    T(104),        T(128),
                    T(150),        T(709.78),
                    T(710),        T(745.2),
                    T(1024),       T(1e4),
                    T(1e5),        T(1e8),
                    T(1e15),       T(1e22),
                    L::max(),      L::infinity(),
                    L::quiet_NaN()}) {
    out.push_back(v);
    out.push_back(-v);
  }
  return out;
}

template <class T, class W>
void expect_within(double bound, const std::vector<T>& x, const std::vector<T>& got, const std::function<W(W)>& exact) {
  double worst = 0;
  T at = 0, value = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = ulps<T, W>(got[i], exact(x[i]));
    if (u > worst) {
      worst = u;
      at = x[i];
      value = got[i];
    }
  }
  ::testing::Test::RecordProperty("ulp", std::to_string(worst));
  EXPECT_LE(worst, bound) << "at " << at << ": got " << value << ", not " << static_cast<double>(exact(at));
  if (std::getenv("TF2JAX_SHOW_ULP")) std::printf("  %.3f ulp at %.9g\n", worst, static_cast<double>(at));
}

}  // namespace

// The stride is odd, so that all low bits occur; the sweep crosses every binade of both signs.
TEST_P(Accuracy, OfFloatsOverTheWholeRange) {
  std::vector<float> x = edges<float>();
  for (std::uint64_t u = 0; u < 0x1'0000'0000; u += 97 * 31)
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(u)));
  expect_within<float, double>(GetParam().bound, x, evaluate(GetParam().op, x), GetParam().f32);
}

TEST_P(Accuracy, OfDoublesOnRandomValues) {
  if (!GetParam().f64) GTEST_SKIP() << "only of floats";
  std::vector<double> x = edges<double>();
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i)
    x.push_back(std::ldexp(std::uniform_real_distribution(-1.0, 1.0)(random), static_cast<int>(random() % 40) - 20));
  for (int i = 0; i < 5000; ++i) x.push_back(std::bit_cast<double>(random()));
  expect_within<double, long double>(GetParam().bound64, x, evaluate(GetParam().op, x), GetParam().f64);
}

// Every binade of both signs, 32 values of each.
TEST_P(Accuracy, OfDoublesOverTheWholeRange) {
  if (!GetParam().f64) GTEST_SKIP() << "only of floats";
  std::vector<double> x;
  std::mt19937_64 random(7);
  for (std::uint64_t high = 0; high < 4096; ++high)
    for (int i = 0; i < 32; ++i) x.push_back(std::bit_cast<double>(high << 52 | random() >> 12));
  expect_within<double, long double>(GetParam().bound64, x, evaluate(GetParam().op, x), GetParam().f64);
}

TEST_P(Accuracy, OfDoublesWhereTheyMatterMost) {
  if (!GetParam().f64) GTEST_SKIP() << "only of floats";
  std::vector<double> x;
  for (const double limit : {1.0, 2.5, 8.0, 30.0, 800.0, 1e5, 1e9})
    for (int i = 0; i < 60'000; ++i) x.push_back(limit * (i - 30'000) / 30'000 * (1 + 1e-9 * (i % 1000)));
  for (int i = -2000; i < 2000; ++i)
    for (const double at : {0.5, 1.0, 1.5, 2.0, std::numbers::pi / 4, std::numbers::pi / 2, std::numbers::pi})
      x.push_back(at * (1 + i * 0x1p-52));
  expect_within<double, long double>(GetParam().bound64, x, evaluate(GetParam().op, x), GetParam().f64);
}

// Where the functions change fastest or switch formulas.
TEST_P(Accuracy, OfFloatsWhereTheyMatterMost) {
  std::vector<float> x;
  for (const double limit : {1.0, 8.0, 90.0, 1000.0, 1e5})
    for (int i = 0; i < 200'000; ++i) x.push_back(static_cast<float>(limit * (i - 100'000) / 100'000));
  expect_within<float, double>(GetParam().bound, x, evaluate(GetParam().op, x), GetParam().f32);
}

namespace {

template <class T, class W, class F>
void expect_binary(Op op, double bound, F exact) {
  std::vector<T> x, y;
  for (const T a : edges<T>())
    for (const T b : edges<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  std::mt19937_64 random(5);
  for (int i = 0; i < 100'000; ++i) {
    x.push_back(static_cast<T>(std::ldexp(std::uniform_real_distribution(i % 3 == 0 ? -1.0 : 0.0, 1.0)(random),
                                          static_cast<int>(random() % 30) - 15)));
    y.push_back(i % 3 == 0 ? static_cast<T>(static_cast<int>(random() % 41) - 20)
                           : static_cast<T>(std::ldexp(std::uniform_real_distribution(-1.0, 1.0)(random),
                                                       static_cast<int>(random() % 12) - 5)));
  }
  const auto got = evaluate(op, x, y);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = ulps<T, W>(got[i], exact(static_cast<W>(x[i]), static_cast<W>(y[i])));
    if (u > worst) {
      worst = u;
      at = i;
    }
  }
  EXPECT_LE(worst, bound) << "at " << x[at] << ", " << y[at] << ": got " << got[at] << ", not "
                          << static_cast<double>(exact(static_cast<W>(x[at]), static_cast<W>(y[at])));
}

}  // namespace

TEST(CodegenPow, IsAccurateAndHasTheSpecialCases) {
  expect_binary<float, double>(Op::pow, 1.5, [](double a, double b) { return std::pow(a, b); });
  expect_binary<double, long double>(Op::pow, 1.5, [](long double a, long double b) { return std::pow(a, b); });
}
// Large exponents magnify the error of the logarithm a thousandfold.
TEST(CodegenPow, OfDoublesIsAccurateUpToTheLimitsOfTheRange) {
  std::vector<double> x, y;
  std::mt19937_64 random(11);
  for (int i = 0; i < 200'000; ++i) {
    const double a = i % 2 ? std::bit_cast<double>(random() >> 2)
                           : std::exp2(std::ldexp(std::uniform_real_distribution(-1.0, 1.0)(random),
                                                  -static_cast<int>(random() % 30)));
    const double exponent = std::uniform_real_distribution(-1076.0, 1025.0)(random);
    x.push_back(a);
    y.push_back(exponent / std::log2(a));
  }
  const auto got = evaluate(Op::pow, x, y);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    worst = std::max(worst, ulps<double, long double>(
                                got[i], std::pow(static_cast<long double>(x[i]), static_cast<long double>(y[i]))));
  EXPECT_LE(worst, 1.5);
}
TEST(CodegenAtan2, IsAccurateInAllQuadrants) {
  expect_binary<float, double>(Op::atan2, 2.0, [](double a, double b) { return std::atan2(a, b); });
  expect_binary<double, long double>(Op::atan2, 1.5, [](long double a, long double b) { return std::atan2(a, b); });
}
TEST(CodegenRem, IsExact) {
  expect_binary<float, double>(Op::rem, 0.0, [](double a, double b) { return std::fmod(a, b); });
  expect_binary<double, long double>(Op::rem, 0.0, [](long double a, long double b) { return std::fmod(a, b); });
}

}  // namespace tf2jax::loops::testing
