// Inverse functions of complex numbers written out, beside those of the C library: values, signs, infinities, NaN.
#include "tf2jax/stablehlo/internal/special_functions.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "../../support.h"

using namespace tf2jax;
namespace w = stablehlo::written_out;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<std::complex<T>> points(const std::vector<double>& parts) {
  std::vector<std::complex<T>> out;
  for (const double x : parts)
    for (const double y : parts) out.emplace_back(static_cast<T>(x), static_cast<T>(y));
  return out;
}

template <class T>
Array as_array(const std::vector<std::complex<T>>& v) {
  return detail::exact_array(Aval{dtype_of<std::complex<T>>, {Dim(static_cast<std::int64_t>(v.size()))}, false},
                             std::as_bytes(std::span(v)));
}

// Both NaN, or of one sign and near each other.
template <class T>
bool same(T got, T want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::signbit(got) != std::signbit(want)) return false;
  if (std::isinf(want) || std::isinf(got) || want == 0) return got == want;
  return std::abs(got - want) <= 8 * std::numeric_limits<T>::epsilon() * std::abs(want);
}

template <class T, class Library>
void expect_same(Array (*ours)(const Array&), const Library& library, const std::vector<double>& parts) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const auto zs = points<T>(parts);
  const auto got = ours(as_array(zs)).template to_vector<std::complex<T>>();
  for (std::size_t i = 0; i < zs.size(); ++i) {
    const std::complex<T> want = library(zs[i]);
    EXPECT_TRUE(same(got[i].real(), want.real()) && same(got[i].imag(), want.imag()))
        << zs[i] << ": got " << got[i] << ", expected " << want;
  }
}

// Ordinary numbers of either sign, and where squares overflow, vanish or cancel.
std::vector<double> both_signs(std::vector<double> v) {
  for (std::size_t i = 0, n = v.size(); i < n; ++i) v.push_back(-v[i]);
  return v;
}
const std::vector<double> kFinite =
    both_signs({0.0, 1e-30, 1e-9, 0.3, 0.9, 1 - 1e-6, 1.0, 1 + 1e-6, 1.7, 25.0, 1e8, 1e30});
const std::vector<double> kExtreme = both_signs({0.0, 1e-300, 1e-160, 1e-90, 1.0, 1e90, 1e160, 1e300});
const std::vector<double> kSpecial = {0.0, -0.0, 0.5, -2.0, 1.0, kInf, -kInf, kNan};

template <class Library>
void expect_same_everywhere(Array (*ours)(const Array&), const Library& library) {
  expect_same<double>(ours, library, kFinite);
  expect_same<double>(ours, library, kExtreme);
  expect_same<double>(ours, library, kSpecial);
  expect_same<float>(ours, library, kFinite);
  expect_same<float>(ours, library, kSpecial);
}

}  // namespace

TEST(WrittenOutComplex, ArcSine) {
  expect_same_everywhere(w::asin, [](auto z) { return std::asin(z); });
}
TEST(WrittenOutComplex, ArcCosine) {
  expect_same_everywhere(w::acos, [](auto z) { return std::acos(z); });
}
TEST(WrittenOutComplex, ArcTangent) {
  expect_same_everywhere(w::atan, [](auto z) { return std::atan(z); });
}
TEST(WrittenOutComplex, AreaSine) {
  expect_same_everywhere(w::asinh, [](auto z) { return std::asinh(z); });
}
TEST(WrittenOutComplex, AreaCosine) {
  expect_same_everywhere(w::acosh, [](auto z) { return std::acosh(z); });
}
TEST(WrittenOutComplex, AreaTangent) {
  expect_same_everywhere(w::atanh, [](auto z) { return std::atanh(z); });
}
