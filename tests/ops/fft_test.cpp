// Transforms of few points, by the definition.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

// The sum that defines the transform, of a row of complex numbers.
std::vector<complex128> transform(const std::vector<complex128>& x, double sign) {
  const std::size_t n = x.size();
  std::vector<complex128> out(n);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < n; ++j)
      out[k] +=
          x[j] * std::polar(1.0, sign * 2 * std::numbers::pi * static_cast<double>(j * k) / static_cast<double>(n));
  return out;
}

void expect_close(const Array& got, const std::vector<complex128>& want) {
  const auto values = got.to_vector<complex128>();
  ASSERT_EQ(values.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_LT(std::abs(values[i] - want[i]), 1e-5) << i;
}

const Array line = array<float>({1, -2, 3, 0.5, 4});

TEST(Fft, IsTheSumOfItsDefinition) {
  for (const std::int64_t n : {1, 2, 3, 4, 5}) {
    const Array x = complex(line(slice(0, n)), line(slice(5 - n, 5)));
    expect_close(fft(x, FftType::fft, {n}), transform(x.to_vector<complex128>(), -1));
    std::vector<complex128> back = transform(x.to_vector<complex128>(), 1);
    for (complex128& v : back) v /= static_cast<double>(n);
    expect_close(fft(x, FftType::ifft, {n}), back);
  }
}

TEST(Fft, OfRealNumbersGivesTheFirstHalf) {
  auto want = transform(line.to_vector<complex128>(), -1);
  want.resize(3);
  const Array half = fft(line, FftType::rfft, {5});
  EXPECT_EQ(half.dtype(), c64);
  expect_close(half, want);
  const Array back = fft(half, FftType::irfft, {5});
  EXPECT_EQ(back.dtype(), f32);
  expect_close(back, line.to_vector<complex128>());
}

TEST(Fft, OfTwoAxesIsOneAfterTheOther) {
  const Array x = complex(array<float>({{1, 2}, {3, 5}}), zeros({2, 2}));
  expect_close(fft(x, FftType::fft, {2, 2}), {11, -3, -5, 1});
}

TEST(Fft, DoublesStayDoubles) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array x = array<double>({1, 2, 3, 4});
  const Array y = fft(x, FftType::rfft, {4});
  EXPECT_EQ(y.dtype(), c128);
  EXPECT_LT(std::abs(y.item<complex128>(1) - complex128(-2, 2)), 1e-14);
}

TEST(Fft, BatchesKeepTheirSizesSymbolicOnesToo) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([](const Array& x) { return fft(x, FftType::rfft, {8}); }, spec(f32, {b, 8}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 5}));
  EXPECT_EQ(fft(zeros({0, 4}), FftType::rfft, {4}).dims(), (Dims{0, 3}));
}

TEST(Fft, GradientIsTheTransformOfTheWeights) {
  // sum over k of w_k Re X_k has the slope sum over k of w_k cos(2 pi j k / n) at x_j.
  const Array w = array<float>({1, 2, -1});
  const Array g = grad([&](const Array& x) { return sum(w * real(fft(x, FftType::rfft, {5}))); })(line);
  for (int j = 0; j < 5; ++j) {
    double want = 0;
    for (int k = 0; k < 3; ++k) want += w.item<double>(k) * std::cos(2 * std::numbers::pi * j * k / 5);
    EXPECT_NEAR(g.item<float>(j), want, 1e-5);
  }
}

TEST(Fft, NamesOfTypesInTexts) {
  EXPECT_EQ(param_text(FftType::rfft), "2");
  expect_error<ParseError>(
      [] { parse_jaxpr("{ lambda ; a:c64[4]. let b:c64[4] = fft[fft_lengths=(4,) fft_type=7] a in (b,) }"); }, "fft");
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(fft(m, FftType::fft, {3}), "FFT takes complex numbers"),
      ROW(fft(complex(m, m), FftType::fft, {}), "fft"),
      ROW(fft(complex(m, m), FftType::fft, {4}), "fft"),
      ROW(fft(complex(m, m), FftType::fft, {-3}), "fft"),
      ROW(fft(m, FftType::rfft, {1, 1, 1}), "fft"),
      ROW(fft(complex(m, m), FftType::irfft, {kMost}), "fft"),
  };
}
INSTANTIATE_TEST_SUITE_P(Fft, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
