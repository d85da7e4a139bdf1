// Bytes that are read in order: memory, a file, a compressed member of an archive.
#pragma once
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace tf2jax::detail {

class ByteSource {
 public:
  explicit ByteSource(std::uint64_t size) : left_(size) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Bytes that are left.
  std::uint64_t left() const { return left_; }
  /// The next bytes. Requires: out.size() <= left(). Throws: IoError, DataLossError.
  void read(std::span<std::byte> out) {
    fill(out);
    left_ -= out.size();
  }

 private:
  virtual void fill(std::span<std::byte> out) = 0;
  std::uint64_t left_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : ByteSource(bytes.size()), bytes_(bytes) {}

 private:
  void fill(std::span<std::byte> out) override;
  std::string_view bytes_;
};

class FileSource final : public ByteSource {
 public:
  /// Throws: IoError unless it is a regular file that can be read.
  explicit FileSource(std::string path);

 private:
  void fill(std::span<std::byte> out) override;
  std::string path_;
  std::ifstream in_;
};

/// All bytes of a source.
std::string read_all(ByteSource& source);

}  // namespace tf2jax::detail
