// Numbers of MLIR bytecode. Source: MLIR's "Bytecode Format".
#include "tf2jax/stablehlo/internal/byte_cursor.h"
#include "tf2jax/stablehlo/module.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace tf2jax::stablehlo {

ByteCursor::ByteCursor(std::string_view file, std::uint64_t begin, std::uint64_t size, std::string_view section)
    : file_(file), section_(section), at_(begin), end_(begin + size) {
  check<DataLossError>(begin <= file.size() && size <= file.size() - begin,
                       "stablehlo: the file is damaged at byte {} of section '{}': it ends there. Got {} bytes; "
                       "expected {} more.",
                       begin, section, file.size(), size);
}

void ByteCursor::fail(const std::string& message) const {
  raise<DataLossError>("stablehlo: the file is damaged at byte {} of section '{}': {}", at_, section_, message);
}

std::uint8_t ByteCursor::byte() {
  if (at_ == end_) fail("it ends early. Got no byte; expected one.");
  return static_cast<std::uint8_t>(file_[at_++]);
}

std::string_view ByteCursor::bytes(std::uint64_t count) {
  if (count > left()) fail(fmt::format("it ends early. Got {} bytes; expected {}.", left(), count));
  const auto out = file_.substr(at_, count);
  at_ += count;
  return out;
}

std::string_view ByteCursor::terminated() {
  const auto rest = file_.substr(at_, left());
  const auto size = rest.find('\0');
  if (size == std::string_view::npos) fail("a text does not end.");
  at_ += size + 1;
  return rest.substr(0, size);
}

// The number of trailing zeros of the first byte is the number of bytes that follow.
std::uint64_t ByteCursor::varint() {
  const std::uint8_t first = byte();
  if (first & 1u) return first >> 1;
  const int extra = first == 0 ? 8 : std::countr_zero(first);
  const auto rest = bytes(static_cast<std::uint64_t>(extra));
  std::uint64_t word = first;
  if (first == 0) word = 0;
  for (int i = 0; i < extra; ++i) {
    const int shift = first == 0 ? 8 * i : 8 * (i + 1);
    word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(rest[as_index(i)])) << shift;
  }
  return first == 0 ? word : word >> (extra + 1);
}

std::int64_t ByteCursor::signed_varint() {
  const std::uint64_t v = varint();
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

std::uint64_t ByteCursor::index(std::uint64_t limit, std::string_view what) {
  const std::uint64_t v = varint();
  if (v >= limit) fail(fmt::format("a number of {} is out of range. Got {}; expected less than {}.", what, v, limit));
  return v;
}

std::uint64_t ByteCursor::count(std::string_view what, std::uint64_t least) {
  const std::uint64_t v = varint();
  if (v > left() / least)
    fail(fmt::format("there are fewer {} than it says. Got {} bytes; expected {} of them.", what, left(), v));
  return v;
}

void ByteCursor::align(std::uint64_t alignment) {
  if (alignment == 0 || !std::has_single_bit(alignment) || alignment > (1u << 20))
    fail(fmt::format("an alignment is no power of two. Got {}.", alignment));
  while (at_ % alignment != 0)
    if (byte() != 0xCB) fail("padding is expected.");
}

std::string_view section_name(std::uint8_t id) {
  constexpr std::array<std::string_view, 9> kNames{"String",    "Dialect",  "AttrType",       "AttrTypeOffset",
                                                   "IR",        "Resource", "ResourceOffset", "DialectVersions",
                                                   "Properties"};
  return id < kNames.size() ? kNames[id] : "unknown";
}

}  // namespace tf2jax::stablehlo
