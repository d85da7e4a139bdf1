// Numbers of MLIR bytecode. Source: MLIR's "Bytecode Format".
#include "tf2jax/stablehlo/internal/byte_sink.h"

namespace tf2jax::stablehlo {

// One byte for each seven bits; the zeros at the end of the first count those that follow.
void ByteSink::varint(std::uint64_t v) {
  for (int n = 1; n <= 8; ++n) {
    if (n * 7 < 64 && v >> (7 * n) != 0) continue;
    const std::uint64_t word = (v << n) | (std::uint64_t{1} << (n - 1));
    for (int i = 0; i < n; ++i) byte(static_cast<std::uint8_t>(word >> (8 * i)));
    return;
  }
  byte(0);
  for (int i = 0; i < 8; ++i) byte(static_cast<std::uint8_t>(v >> (8 * i)));
}

void ByteSink::signed_varint(std::int64_t v) {
  varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
}

void ByteSink::integer(std::int64_t v, int width) {
  if (width <= 8) return byte(static_cast<std::uint8_t>(v));
  const std::uint64_t mask = width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  signed_varint(static_cast<std::int64_t>(static_cast<std::uint64_t>(v) & mask));
}

void ByteSink::section(std::uint8_t id, const std::string& contents) {
  byte(id);
  varint(contents.size());
  bytes(contents);
}

}  // namespace tf2jax::stablehlo
