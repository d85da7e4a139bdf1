// Arrays printed as NumPy prints them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <sstream>

namespace tf2jax {
namespace {

template <class T>
std::string text(std::initializer_list<T> v) {
  return to_string(array<T>(v));
}

TEST(ArrayText, PrintsAsNumPy) {
  const auto x64 = override_config(&Config::enable_x64, true);
  EXPECT_EQ(text<float>({11.f, 24.5f}), "[11.  24.5]");
  EXPECT_EQ(text<float>({0.1f, 1.f / 3}), "[0.1        0.33333334]");
  EXPECT_EQ(text<float>({1e-5f, 1.f}), "[1.e-05 1.e+00]");
  EXPECT_EQ(text<float>({1e10f, 2.5f}), "[1.0e+10 2.5e+00]");
  EXPECT_EQ(text<float>({NAN, 1.f, -HUGE_VALF}), "[ nan   1. -inf]");
  EXPECT_EQ(text<double>({1.0 / 3, -2}), "[ 0.33333333 -2.        ]");
  EXPECT_EQ(text<std::int32_t>({1, -20, 300}), "[  1 -20 300]");
  EXPECT_EQ(to_string(array<bool>({true, false})), "[ True False]");
  EXPECT_EQ(to_string(array<float>({{1, 2}, {3, 4}})), "[[1. 2.]\n [3. 4.]]");
  EXPECT_EQ(to_string(array<float>(0.1f)), "0.1");
  EXPECT_EQ(to_string(array<float>(100.f)), "100.0");
  EXPECT_EQ(text<complex64>({{1, 2}, {0.5, -3}}), "[1. +2.j 0.5-3.j]");
  EXPECT_EQ(to_string(array<float>(std::initializer_list<float>{})), "[]");
}

TEST(ArrayText, WrapsAndSummarises) {
  std::vector<std::int32_t> v(30);
  for (int i = 0; i < 30; ++i) v[i] = i;
  EXPECT_EQ(to_string(from_span<std::int32_t>(v, {30})),
            "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]");
  std::vector<float> big(2000);
  for (int i = 0; i < 2000; ++i) big[i] = static_cast<float>(i);
  EXPECT_EQ(to_string(from_span<float>(big, {2000})),
            "[0.000e+00 1.000e+00 2.000e+00 ... 1.997e+03 1.998e+03 1.999e+03]");
}

TEST(ArrayText, EmptyAndScalarOnes) {
  EXPECT_EQ(to_string(zeros({0, 3})), "[]");
  EXPECT_EQ(to_string(Array(7)), "7");
  EXPECT_EQ(to_string(Array(true)), "True");
  EXPECT_EQ(to_string(array<float>(NAN)), "nan");
}

TEST(ArrayText, HalvesShowTheirOwnDigits) {
  EXPECT_EQ(to_string(astype(array<float>({0.1f, 2}), f16)), "[0.1 2. ]");
  EXPECT_EQ(to_string(astype(array<float>({0.1f, 2}), bf16)), "[0.1 2. ]");
}

TEST(ArrayText, CubesHaveABlankLineBetweenMatrices) {
  EXPECT_EQ(to_string(reshape(arange(4), {2, 1, 2})), "[[[0 1]]\n\n [[2 3]]]");
}

TEST(ArrayText, TracedValuesShowTheirType) {
  std::string seen;
  make_jaxpr([&](const Array& x) {
    std::ostringstream out;
    out << x;
    seen = out.str();
    return x;
  })(spec(f32, {3}));
  EXPECT_EQ(seen, "Traced<f32[3]>");
}

}  // namespace
}  // namespace tf2jax
