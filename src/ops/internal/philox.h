// Philox, the generator behind XLA's random bits and TensorFlow's stateless random operations.
#pragma once
#include <array>
#include <cstdint>

namespace tf2jax {

/// Philox4x32-10: 128 bits for each value of a counter of 128 bits, by a key of 64.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
struct Philox {
  using Block = std::array<std::uint32_t, 4>;

  std::uint64_t key = 0;
  std::array<std::uint64_t, 2> counter{};  // the low half first

  /// The generator from the `count`-th block on.
  Philox skipped(std::uint64_t count) const {
    const std::uint64_t first = counter[0] + count;
    return {key, {first, counter[1] + (first < count ? 1 : 0)}};
  }
  /// The `index`-th block from the counter on.
  Block block(std::uint64_t index) const {
    constexpr std::uint64_t kFactor0 = 0xD2511F53, kFactor1 = 0xCD9E8D57;
    constexpr std::uint32_t kStep0 = 0x9E3779B9, kStep1 = 0xBB67AE85;
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    const auto [first, second] = skipped(index).counter;
    Block x{low(first), high(first), low(second), high(second)};
    std::uint32_t k0 = low(key), k1 = high(key);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t a = kFactor0 * x[0], b = kFactor1 * x[2];
      x = {high(b) ^ x[1] ^ k0, low(b), high(a) ^ x[3] ^ k1, low(a)};
      k0 += kStep0;
      k1 += kStep1;
    }
    return x;
  }
};

}  // namespace tf2jax
