// Numbers and sections as MLIR bytecode has them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tf2jax::stablehlo {

class ByteSink {
 public:
  void byte(std::uint8_t v) { bytes_.push_back(static_cast<char>(v)); }
  void bytes(std::string_view v) { bytes_ += v; }
  void varint(std::uint64_t v);
  void signed_varint(std::int64_t v);
  /// An integer of known width: a byte up to 8 bits, else a signed varint.
  void integer(std::int64_t v, int width);
  void section(std::uint8_t id, const std::string& contents);
  void reserve(std::size_t n) { bytes_.reserve(n); }
  const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace tf2jax::stablehlo
