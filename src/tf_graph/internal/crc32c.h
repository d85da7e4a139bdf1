// CRC-32C (Castagnoli), as TensorFlow and LevelDB store it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace tf2jax::detail {

/// The checksum of what gave `crc`, followed by `bytes`. Start with 0.
std::uint32_t crc32c_extend(std::uint32_t crc, std::span<const std::byte> bytes);

/// Checksums are stored masked, so that the checksum of data holding checksums stays meaningful.
constexpr std::uint32_t mask_crc(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

}  // namespace tf2jax::detail
