// Reads numbers from a piece of a file; what does not fit is an error that says where.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tf2jax::stablehlo {

/// A position in one section of a bytecode file. Copies are positions of their own. Everything throws DataLossError
/// with the section and the offset in the file where the bytes do not suffice or make no sense.
class ByteCursor {
 public:
  /// `file` outlives the cursor; `section` is a literal.
  ByteCursor(std::string_view file, std::uint64_t begin, std::uint64_t size, std::string_view section);

  std::uint64_t offset() const { return at_; }
  std::uint64_t left() const { return end_ - at_; }
  bool empty() const { return at_ == end_; }
  std::string_view section() const { return section_; }

  std::uint8_t byte();
  std::string_view bytes(std::uint64_t count);
  /// Up to and including a zero byte, which is not returned.
  std::string_view terminated();
  std::uint64_t varint();
  std::int64_t signed_varint();
  /// A varint that is less than `limit`: an index into `what`.
  std::uint64_t index(std::uint64_t limit, std::string_view what);
  /// A varint that counts things which take `least` bytes each in what is left.
  std::uint64_t count(std::string_view what, std::uint64_t least = 1);
  /// Skips padding up to a multiple of `alignment` in the file.
  void align(std::uint64_t alignment);

  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::string_view file_, section_;
  std::uint64_t at_ = 0, end_ = 0;
};

/// The name of a section by its number.
std::string_view section_name(std::uint8_t id);

}  // namespace tf2jax::stablehlo
