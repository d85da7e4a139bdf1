// Kernels of one operand: every dtype, long ones, and values at the edges.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array run(const Primitive& p, const Array& x, const EquationParams& params = no_params()) {
  return run_kernel(cpu::register_unary_kernels, p, {x}, params)[0];
}

TEST(UnaryKernels, EveryDtype) {
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array x = counted(4, 4, d);
    EXPECT_EQ(run(square_p(), x).to_vector<double>(), (std::vector<double>{0, 1, 4, 9})) << short_name(d);
    EXPECT_EQ(run(integer_pow_p(), x, IntegerPow{3}).to_vector<double>(), (std::vector<double>{0, 1, 8, 27}))
        << short_name(d);
    EXPECT_EQ(run(sign_p(), x).to_vector<double>(), (std::vector<double>{0, 1, 1, 1})) << short_name(d);
  }
}

TEST(UnaryKernels, LongOnesAreDoneByEveryThread) {
  const auto got = run(neg_p(), counted(kMany, 13)).to_vector<float>();
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], -static_cast<float>(i % 13));
}

TEST(UnaryKernels, BitsOfIntegers) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& [d, bits] : {std::pair(i8, 8), std::pair(u16, 16), std::pair(i32, 32), std::pair(u64, 64)}) {
    const Array x = counted(3, 3, d);  // 0 1 2
    EXPECT_EQ(run(population_count_p(), x).to_vector<int>(), (std::vector<int>{0, 1, 1})) << short_name(d);
    EXPECT_EQ(run(clz_p(), x).to_vector<int>(), (std::vector<int>{bits, bits - 1, bits - 2})) << short_name(d);
    EXPECT_EQ(run(population_count_p(), run(not_p(), x)).to_vector<int>(), (std::vector<int>{bits, bits - 1, bits - 1}))
        << short_name(d);
  }
}

TEST(UnaryKernels, RoundingByItsMethod) {
  const Array x = array<float>({-2.5f, -0.5f, 0.5f, 2.5f, 1e20f});
  EXPECT_EQ(run(round_p(), x, RoundParams{0}).to_vector<float>(), (Floats{-3, -1, 1, 3, 1e20f}));
  EXPECT_EQ(run(round_p(), x, RoundParams{1}).to_vector<float>(), (Floats{-2, 0, 0, 2, 1e20f}));
}

TEST(UnaryKernels, ErrorFunctionsAndGammas) {
  const Array x = doubles_of({0.25, 1, 2.5});
  for (int i = 0; i < 3; ++i) {
    const double v = x.item<double>(i);
    EXPECT_NEAR(run(erf_p(), x).item<double>(i), std::erf(v), 1e-15);
    EXPECT_NEAR(run(erfc_p(), x).item<double>(i), std::erfc(v), 1e-15);
    EXPECT_NEAR(run(lgamma_p(), x).item<double>(i), std::lgamma(v), 1e-14);
    EXPECT_NEAR(run(erf_inv_p(), run(erf_p(), x)).item<double>(i), v, 1e-11);
  }
  EXPECT_NEAR(run(digamma_p(), x).item<double>(1), -0.57721566490153286, 1e-14);
}

}  // namespace
}  // namespace tf2jax
