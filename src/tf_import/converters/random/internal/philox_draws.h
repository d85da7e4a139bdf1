// What TensorFlow makes of the blocks of Philox: integers, uniform and normal numbers, in the steps that it rounds.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "tf2jax/base/float16.h"
#include "tf2jax/ops/internal/philox.h"

namespace tf2jax::tf_import {

template <class T>
constexpr bool kIsWide = sizeof(T) == 8;
/// What is made of one block.
template <class T>
using Drawn = std::array<T, kIsWide<T> ? 2 : 4>;

template <class T>
Drawn<T> bits(const Philox::Block& x) {
  Drawn<T> out;
  if constexpr (kIsWide<T>) {
    for (int i = 0; i < 2; ++i) out[i] = static_cast<T>(std::uint64_t{x[2 * i + 1]} << 32 | x[2 * i]);
  } else {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<T>(x[i]);
  }
  return out;
}

/// In [0, 1), from as many low bits as the type has digits.
template <class T>
Drawn<T> uniform(const Philox::Block& x) {
  Drawn<T> out;
  if constexpr (kIsWide<T>) {
    for (int i = 0; i < 2; ++i) {  // here the first word is the high one
      const std::uint64_t digits = std::uint64_t{x[2 * i] & 0xfffffU} << 32 | x[2 * i + 1];
      out[i] = static_cast<double>(digits) * 0x1p-52;
    }
  } else {
    const int digits = std::is_same_v<T, float> ? 23 : std::is_same_v<T, float16> ? 10 : 7;
    for (int i = 0; i < 4; ++i)
      out[i] = static_cast<T>(std::ldexp(static_cast<float>(x[i] & ((1U << digits) - 1)), -digits));
  }
  return out;
}

/// Box and Muller's: two normal numbers from two uniform ones.
template <class T>
std::array<T, 2> normal_pair(T u, T v) {
  const T radius = std::sqrt(T{-2} * std::log(std::max(u, static_cast<T>(1.0e-7F))));
  const T angle = static_cast<T>(2 * std::numbers::pi * v);
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

/// Halves are rounded floats.
template <class T>
Drawn<T> normal(const Philox::Block& x) {
  if constexpr (kIsWide<T>) {
    const auto u = uniform<double>(x);
    return normal_pair(u[0], u[1]);
  } else {
    const auto u = uniform<float>(x);
    const auto a = normal_pair(u[0], u[1]), b = normal_pair(u[2], u[3]);
    return {static_cast<T>(a[0]), static_cast<T>(a[1]), static_cast<T>(b[0]), static_cast<T>(b[1])};
  }
}

}  // namespace tf2jax::tf_import
