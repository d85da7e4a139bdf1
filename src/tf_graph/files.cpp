// Reading files.
#include "tf2jax/tf_graph/internal/files.h"

#include "tf2jax/base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tf2jax::detail {
namespace {

[[noreturn]] void io_error(std::string_view action, const std::filesystem::path& path) {
  const int code = errno;
  raise<IoError>("cannot {} '{}': {}.", action, path.string(), std::strerror(code));
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) io_error("open", path);
  struct ::stat status{};
  const bool ok = ::fstat(descriptor_, &status) == 0;
  if (!ok || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    raise<IoError>("cannot read '{}': it is not a regular file.", path.string());
  }
  size_ = status.st_size;
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(std::int64_t offset, std::span<std::byte> out) const {
  const auto length = static_cast<std::int64_t>(out.size());
  check<DataLossError>(offset >= 0 && offset <= size_ && length <= size_ - offset,
                       "'{}': it is truncated. Got {} bytes; expected {} bytes from byte {} on.", path_.string(), size_,
                       length, offset);
  while (!out.empty()) {
    const auto n = ::pread(descriptor_, out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("read", path_);
    check<DataLossError>(n > 0, "'{}': it became shorter while it was read.", path_.string());
    out = out.subspan(n);
    offset += n;
  }
}

std::string read_file(const std::filesystem::path& path, std::uintmax_t limit) {
  const InputFile file(path);
  check<IoError>(static_cast<std::uintmax_t>(file.size()) <= limit,
                 "'{}': it is too large. Got {} bytes; expected at most {}.", path.string(), file.size(), limit);
  std::string contents(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(contents)));
  return contents;
}

std::filesystem::path join_below(const std::filesystem::path& root, std::string_view relative, std::string_view where) {
  const std::filesystem::path path(relative);
  bool ok = !path.empty() && path.is_relative() && relative.find('\0') == std::string_view::npos;
  for (const auto& part : path) ok = ok && part != "..";
  check(ok, "{}: file name '{}' leaves the directory '{}'. Expected a relative path without '..'.", where, relative,
        root.string());
  return root / path;
}

}  // namespace tf2jax::detail
