// Fourier transforms of the last axes.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

const Array line = array<float>({1, 2, 3, 4});  // its transform is 10, -2 + 2i, -2, -2 - 2i

std::vector<complex64> numbers(const Tree& y) { return y.array().to_vector<complex64>(); }
void expect_numbers(const Tree& y, const std::vector<complex64>& want) {
  const auto got = numbers(y);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_LT(std::abs(got[i] - want[i]), 1e-5f) << i;
}

TEST(FftOps, ThereAndBack) {
  const Array z = complex(line, zeros({4}));
  expect_numbers(call_node("FFT", {argument(z)}, {}), {10, {-2, 2}, -2, {-2, -2}});
  expect_numbers(call_node("IFFT", {argument(call_node("FFT", {argument(z)}, {}).array())}, {}), {1, 2, 3, 4});
}

TEST(FftOps, RealOnesAreCutOrPaddedToTheirLength) {
  const auto rfft = [](int n) { return call_node("RFFT", {argument(line), fixed(array<int>({n}))}, {}); };
  expect_numbers(rfft(4), {10, {-2, 2}, -2});
  expect_numbers(rfft(2), {3, -1});
  expect_numbers(rfft(6), {10, numbers(rfft(6))[1], numbers(rfft(6))[2], -2});  // 1 - 2 + 3 - 4
  const Array half = complex(array<float>({10, -2, -2}), array<float>({0, 2, 0}));
  const Array back = call_node("IRFFT", {argument(half), fixed(array<int>({4}))}, {});
  EXPECT_EQ(back.dtype(), f32);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(back.item<float>(i), i + 1, 1e-5);
}

TEST(FftOps, OfTwoAxes) {
  const Array z = complex(array<float>({{1, 2}, {3, 5}}), zeros({2, 2}));
  expect_numbers(call_node("FFT2D", {argument(z)}, {}), {11, -3, -5, 1});
}

TEST(FftOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("FFT2D", {argument(complex(line, line))}, {}); }, "import 'y' (FFT2D)");
  expect_error<ImportError>([] { call_node("RFFT", {argument(line), fixed(array<int>({0}))}, {}); },
                            "import 'y' (RFFT)");
}

}  // namespace
}  // namespace tf2jax
