// Reading memory and files in order.
#include "tf2jax/io/internal/byte_source.h"

#include "tf2jax/base/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tf2jax::detail {
namespace {

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const char* const why = std::filesystem::exists(path, error) ? "it is not a regular file" : "there is no such file";
  check<IoError>(std::filesystem::is_regular_file(path, error), "cannot read '{}': {}.", path, why);
  const auto size = std::filesystem::file_size(path, error);
  check<IoError>(!error, "cannot read '{}': {}.", path, error.message());
  return size;
}

}  // namespace

void MemorySource::fill(std::span<std::byte> out) {
  if (!out.empty()) std::memcpy(out.data(), bytes_.data(), out.size());
  bytes_.remove_prefix(out.size());
}

FileSource::FileSource(std::string path)
    : ByteSource(size_of(path)), path_(std::move(path)), in_(path_, std::ios::binary) {}

void FileSource::fill(std::span<std::byte> out) {
  in_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  check<IoError>(static_cast<bool>(in_), "cannot read '{}': {}.", path_, std::strerror(errno));
}

std::string read_all(ByteSource& source) {
  std::string contents(source.left(), '\0');
  source.read(std::as_writable_bytes(std::span(contents)));
  return contents;
}

}  // namespace tf2jax::detail
