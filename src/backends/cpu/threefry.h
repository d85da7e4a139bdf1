// The hash behind random numbers.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: threefry2x32 with 20 rounds.
#pragma once
#include <bit>
#include <cstdint>

#include "tf2jax/base/dtype.h"

namespace tf2jax::cpu {

constexpr PrngKeyData threefry(PrngKeyData key, std::uint32_t x0, std::uint32_t x1) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const std::uint32_t ks[3] = {key.k0, key.k1, key.k0 ^ key.k1 ^ 0x1BD11BDAu};
  x0 += ks[0];
  x1 += ks[1];
  for (std::uint32_t i = 0; i < 5; ++i) {
    for (int r : kRotations[i % 2]) {
      x0 += x1;
      x1 = std::rotl(x1, r) ^ x0;
    }
    x0 += ks[(i + 1) % 3];
    x1 += ks[(i + 2) % 3] + i + 1;
  }
  return {x0, x1};
}

}  // namespace tf2jax::cpu
