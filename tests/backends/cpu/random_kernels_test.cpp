// Threefry on long counters, and bits in their widths.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <set>

#include "kernel.h"

namespace tf2jax {
namespace {

TEST(RandomKernels, EveryCounterIsEncryptedByItself) {
  const Array zero = array<std::uint32_t>(0), c0 = counted(kMany, 1 << 20, u32), c1 = rules::filled({kMany}, u32, 5);
  const Arrays all_of_them = run_kernel(cpu::register_random_kernels, threefry2x32_p(), {zero, zero, c0, c1});
  for (const int i : {0, 1, 31, 32768, static_cast<int>(kMany) - 1}) {
    const Arrays one = run_kernel(cpu::register_random_kernels, threefry2x32_p(),
                                  {zero, zero, c0(slice(i, i + 1)), c1(slice(i, i + 1))});
    for (int k : {0, 1})
      EXPECT_EQ(all_of_them[static_cast<std::size_t>(k)].item<std::uint32_t>(i),
                one[static_cast<std::size_t>(k)].item<std::uint32_t>(0))
          << i;
  }
}

TEST(RandomKernels, EncryptionLosesNothing) {
  const Array key = array<std::uint32_t>(7), c0 = counted(2000, 2000, u32), c1 = rules::filled({2000}, u32, 0);
  const Arrays out = run_kernel(cpu::register_random_kernels, threefry2x32_p(), {key, key, c0, c1});
  const auto a = out[0].to_vector<std::uint32_t>(), b = out[1].to_vector<std::uint32_t>();
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (std::size_t i = 0; i < a.size(); ++i) seen.emplace(a[i], b[i]);
  EXPECT_EQ(seen.size(), 2000u);
}

TEST(RandomKernels, BitsAreHalfOnes) {
  const Array key = random::key(11);
  for (const auto& [width, d] : {std::pair(8, u8), std::pair(16, u16), std::pair(32, u32)}) {
    const Array bits = run_kernel(cpu::register_random_kernels, random_bits_p(), {key}, RandomBits{width, {kMany}})[0];
    EXPECT_EQ(bits.dtype(), d);
    std::int64_t ones_seen = 0;
    for (const auto v : bits.to_vector<std::uint32_t>()) ones_seen += std::popcount(v);
    EXPECT_NEAR(static_cast<double>(ones_seen) / static_cast<double>(kMany * width), 0.5, 0.005);
  }
}

TEST(RandomKernels, KeysAreWrappedAndUnwrapped) {
  const Array words = array<std::uint32_t>({{1, 2}, {3, 4}});
  const Array keys = run_kernel(cpu::register_random_kernels, random_wrap_p(), {words}, KeyImpl{})[0];
  EXPECT_EQ(keys.dtype(), DType::key);
  EXPECT_EQ(keys.dims(), Dims{2});
  EXPECT_EQ(run_kernel(cpu::register_random_kernels, random_unwrap_p(), {keys})[0].to_vector<int>(),
            (std::vector<int>{1, 2, 3, 4}));
}

}  // namespace
}  // namespace tf2jax
