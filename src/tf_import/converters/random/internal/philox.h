// Philox, the generator behind TensorFlow's stateless random operations.
#pragma once
#include <array>
#include <cstdint>

namespace tf2jax::tf_import {

/// Philox4x32-10: 128 bits for each value of a counter of 128 bits, by a key of 64.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
struct Philox {
  using Block = std::array<std::uint32_t, 4>;

  std::uint64_t key = 0;
  std::array<std::uint64_t, 2> counter{};  // the low half first

  /// The `index`-th block from the counter on.
  Block block(std::uint64_t index) const;
  /// The generator from the `count`-th block on.
  Philox skipped(std::uint64_t count) const;
  /// The generator of a seed of two numbers, as TensorFlow mixes them.
  static Philox of_seed(std::uint64_t first, std::uint64_t second);
};

}  // namespace tf2jax::tf_import
