// Conversions between all dtypes, and bits taken for others.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array converted(const Array& x, DType to) {
  return run_kernel(cpu::register_convert_kernels, convert_element_type_p(), {x}, ConvertParams{to, false})[0];
}

TEST(ConvertKernels, SmallNumbersSurviveEveryPair) {
  const std::vector<DType> dtypes{i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128};
  for (const DType from : dtypes)
    for (const DType to : dtypes) {
      const Array y = converted(counted(5, 5, from), to);
      EXPECT_EQ(y.dtype(), to);
      EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{0, 1, 2, 3, 4}))
          << short_name(from) << ' ' << short_name(to);
    }
}

TEST(ConvertKernels, FloatsSaturateAndIntegersWrap) {
  const Array x = array<float>({-1e30f, 1e30f, NAN, -1.9f});
  EXPECT_EQ(converted(x, i16).to_vector<int>(), (std::vector<int>{-32768, 32767, 0, -1}));
  EXPECT_EQ(converted(x, u32).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 4294967295, 0, 0}));
  EXPECT_EQ(converted(array<int>({65537, -1}), u16).to_vector<int>(), (std::vector<int>{1, 65535}));
  EXPECT_EQ(converted(array<int>({-1}), u64).item<std::uint64_t>(0), ~std::uint64_t{0});
}

TEST(ConvertKernels, HalvesRoundToEvenAndOverflow) {
  EXPECT_EQ(converted(array<float>({2049, 2051}), f16).to_vector<float>(), (Floats{2048, 2052}));
  EXPECT_TRUE(std::isinf(converted(array<float>({70000}), f16).item<float>(0)));
  EXPECT_EQ(converted(array<float>({257, 259}), bf16).to_vector<float>(), (Floats{256, 260}));
}

TEST(ConvertKernels, BoolsAreWhetherSomethingIsNotZero) {
  EXPECT_EQ(converted(array<float>({0, -0.f, 0.1f, NAN}), bool_).to_vector<int>(), (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(converted(array<bool>({true, false}), f32).to_vector<float>(), (Floats{1, 0}));
}

TEST(ConvertKernels, BitsAreTakenAsTheyAre) {
  const auto bits = [](const Array& x, DType to) {
    return run_kernel(cpu::register_convert_kernels, bitcast_convert_type_p(), {x}, NewDtype{to})[0];
  };
  EXPECT_EQ(bits(array<float>({-2}), u32).item<std::uint32_t>(0), 0xc0000000u);
  EXPECT_EQ(bits(array<std::uint16_t>({0x3c00}), f16).item<float>(0), 1);
  EXPECT_EQ(bits(array<std::uint8_t>({{0, 0, 0x80, 0x3f}}), f32).to_vector<float>(), Floats{1});
  EXPECT_EQ(bits(array<float>({1}), u16).to_vector<int>(), (std::vector<int>{0, 0x3f80}));
}

}  // namespace
}  // namespace tf2jax
