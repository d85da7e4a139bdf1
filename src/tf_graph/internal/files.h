// Whole-file reads and ranged reads, with errors that name the file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace tf2jax::detail {

/// The contents of `path`. Throws: IoError when it is missing, not a regular file, unreadable or longer than `limit`
/// bytes.
std::string read_file(const std::filesystem::path& path, std::uintmax_t limit = std::uintmax_t{2} << 30);

/// An open file for positioned reads.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::int64_t size() const { return size_; }
  /// Fills `out` from `offset`. Throws: DataLossError past the end, IoError.
  void read(std::int64_t offset, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// `relative` below `root`. Throws: ValueError naming `where` when it is absolute or climbs out with "..".
std::filesystem::path join_below(const std::filesystem::path& root, std::string_view relative, std::string_view where);

}  // namespace tf2jax::detail
