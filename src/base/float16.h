// Storage types for IEEE half precision and bfloat16; arithmetic goes through float.
#pragma once
#include <bit>
#include <cstdint>
#include <limits>

namespace tf2jax {

/// IEEE 754 binary16. Converts from float with round-to-nearest-even.
struct float16 {
  std::uint16_t bits = 0;

  constexpr float16() = default;
  constexpr float16(float value) : bits(from_float(value)) {}  // NOLINT: numeric conversions are implicit
  constexpr operator float() const { return to_float(bits); }  // NOLINT

  static constexpr float16 from_bits(std::uint16_t b) {
    float16 h;
    h.bits = b;
    return h;
  }

 private:
  static constexpr std::uint16_t from_float(float value) {
    const auto u = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (u >> 16) & 0x8000u;
    std::uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);   // NaN
    if (a >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds to infinity
    if (a < 0x38800000u) {                                                    // subnormal or zero
      if (a < 0x33000000u) return static_cast<std::uint16_t>(sign);
      const int shift = 126 - static_cast<int>(a >> 23);
      const std::uint32_t mantissa = (a & 0x7fffffu) | 0x800000u;
      std::uint32_t h = mantissa >> shift;
      const std::uint32_t rest = mantissa & ((1u << shift) - 1), half = 1u << (shift - 1);
      if (rest > half || (rest == half && (h & 1u))) ++h;
      return static_cast<std::uint16_t>(sign | h);
    }
    a += 0xc8000000u + 0xfffu + ((a >> 13) & 1u);
    return static_cast<std::uint16_t>(sign | (a >> 13));
  }
  static constexpr float to_float(std::uint16_t h) {
    const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
    std::uint32_t exponent = (h >> 10) & 0x1fu, mantissa = h & 0x3ffu;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
    if (exponent == 0) {
      if (mantissa == 0) return std::bit_cast<float>(sign);
      exponent = 113;
      while (!(mantissa & 0x400u)) {
        mantissa <<= 1;
        --exponent;
      }
      return std::bit_cast<float>(sign | (exponent << 23) | ((mantissa & 0x3ffu) << 13));
    }
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }
};

/// The upper half of an IEEE float. Converts from float with round-to-nearest-even.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  constexpr bfloat16(float value) {  // NOLINT
    const auto u = std::bit_cast<std::uint32_t>(value);
    if ((u & 0x7fffffffu) > 0x7f800000u) bits = static_cast<std::uint16_t>((u >> 16) | 0x40u);
    else bits = static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }  // NOLINT

  static constexpr bfloat16 from_bits(std::uint16_t b) {
    bfloat16 h;
    h.bits = b;
    return h;
  }
};

}  // namespace tf2jax

template <>
class std::numeric_limits<tf2jax::float16> {
 public:
  static constexpr bool is_specialized = true, is_signed = true, is_integer = false, has_infinity = true;
  static constexpr int digits = 11;
  static constexpr tf2jax::float16 infinity() { return tf2jax::float16::from_bits(0x7c00); }
  static constexpr tf2jax::float16 quiet_NaN() { return tf2jax::float16::from_bits(0x7e00); }
  static constexpr tf2jax::float16 max() { return tf2jax::float16::from_bits(0x7bff); }
  static constexpr tf2jax::float16 lowest() { return tf2jax::float16::from_bits(0xfbff); }
  static constexpr tf2jax::float16 min() { return tf2jax::float16::from_bits(0x0400); }
  static constexpr tf2jax::float16 epsilon() { return tf2jax::float16::from_bits(0x1400); }
};

template <>
class std::numeric_limits<tf2jax::bfloat16> {
 public:
  static constexpr bool is_specialized = true, is_signed = true, is_integer = false, has_infinity = true;
  static constexpr int digits = 8;
  static constexpr tf2jax::bfloat16 infinity() { return tf2jax::bfloat16::from_bits(0x7f80); }
  static constexpr tf2jax::bfloat16 quiet_NaN() { return tf2jax::bfloat16::from_bits(0x7fc0); }
  static constexpr tf2jax::bfloat16 max() { return tf2jax::bfloat16::from_bits(0x7f7f); }
  static constexpr tf2jax::bfloat16 lowest() { return tf2jax::bfloat16::from_bits(0xff7f); }
  static constexpr tf2jax::bfloat16 min() { return tf2jax::bfloat16::from_bits(0x0080); }
  static constexpr tf2jax::bfloat16 epsilon() { return tf2jax::bfloat16::from_bits(0x3c00); }
};
