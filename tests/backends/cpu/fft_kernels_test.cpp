// The transform kernel for lengths of every kind: powers of two, primes, products, one.
#include <gtest/gtest.h>
#include <tf2jax/ops/fft.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "kernel.h"

namespace tf2jax {
namespace {

TEST(FftKernels, LengthsOfEveryKind) {
  for (const std::int64_t n : {1, 2, 3, 8, 13, 60, 97, 128, 1009}) {
    const Array x = run_kernel(cpu::register_binary_kernels, complex_p(), {counted(n, 7), counted(n, 5)})[0];
    const Array y = run_kernel(cpu::register_fft_kernels, fft_p(), {x}, FftParams{{n}, FftType::fft})[0];
    const auto a = x.to_vector<complex128>(), got = y.to_vector<complex128>();
    for (std::int64_t k = 0; k < n; k += std::max<std::int64_t>(n / 7, 1)) {
      complex128 want = 0;
      for (std::int64_t j = 0; j < n; ++j)
        want += a[static_cast<std::size_t>(j)] *
                std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n));
      EXPECT_LT(std::abs(got[static_cast<std::size_t>(k)] - want), 2e-6 * static_cast<double>(n) * 8) << n << ' ' << k;
    }
    const Array back = run_kernel(cpu::register_fft_kernels, fft_p(), {y}, FftParams{{n}, FftType::ifft})[0];
    const auto b = back.to_vector<complex128>();
    for (std::size_t j = 0; j < b.size(); ++j) EXPECT_LT(std::abs(b[j] - a[j]), 1e-4) << n;
  }
}

TEST(FftKernels, RealTransformsAreHalvesOfComplexOnes) {
  for (const std::int64_t n : {1, 2, 5, 6, 9}) {
    const Array x = counted(n, 4);
    const Array whole =
        run_kernel(cpu::register_fft_kernels, fft_p(), {complex(x, zeros_like(x))}, FftParams{{n}, FftType::fft})[0];
    const Array half = run_kernel(cpu::register_fft_kernels, fft_p(), {x}, FftParams{{n}, FftType::rfft})[0];
    const auto a = whole.to_vector<complex128>(), b = half.to_vector<complex128>();
    ASSERT_EQ(static_cast<std::int64_t>(b.size()), n / 2 + 1);
    for (std::size_t k = 0; k < b.size(); ++k) EXPECT_LT(std::abs(a[k] - b[k]), 1e-5);
    const Array back = run_kernel(cpu::register_fft_kernels, fft_p(), {half}, FftParams{{n}, FftType::irfft})[0];
    for (int j = 0; j < n; ++j) EXPECT_NEAR(back.item<float>(j), x.item<float>(j), 1e-5);
  }
}

}  // namespace
}  // namespace tf2jax
