// Replacing files and folders in one step.
#include "tf2jax/base/internal/replacement.h"

#include "tf2jax/base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

namespace tf2jax::detail {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void io_error(std::string_view action, const fs::path& path) {
  const int code = errno;
  raise<IoError>("cannot {} '{}': {}.", action, path.string(), std::strerror(code));
}

class Descriptor {
 public:
  Descriptor(int value, std::string_view action, const fs::path& path) : value_(value) {
    if (value < 0) io_error(action, path);
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

void write_and_flush(int descriptor, const fs::path& path, std::string_view contents) {
  while (!contents.empty()) {
    const auto n = ::write(descriptor, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("write", path);
    contents.remove_prefix(n);
  }
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) io_error("flush", path);
}

constexpr std::string_view kMark = ".writing-";

fs::path fresh_name(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}{}{}-{}", target.string(), kMark, ::getpid(), counter++);
}

int open_unfollowed(const fs::path& path, Replacement::Kind kind, int flags) {
  const int how = kind == Replacement::Kind::folder ? O_RDONLY | O_DIRECTORY : flags;
  return ::open(path.c_str(), how | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
}

// Is the open file still what stands under the name?
bool stands_at(int descriptor, const fs::path& path) {
  struct ::stat open{}, named{};
  return ::fstat(descriptor, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

// "PID-N" or "PID-N.old", where a folder stepped aside.
bool is_stamp(std::string_view text) {
  if (text.ends_with(".old")) text.remove_suffix(4);
  const auto dash = text.find('-');
  const auto digits = [](std::string_view s) {
    return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
  };
  return dash != std::string_view::npos && digits(text.substr(0, dash)) && digits(text.substr(dash + 1));
}

}  // namespace

fs::path replaced_path(const fs::path& path) {
  std::error_code error;
  fs::path full = fs::absolute(path, error);
  if (!full.has_filename()) full = full.parent_path();  // a slash at the end
  const bool link = fs::is_symlink(fs::symlink_status(full, error));
  check(!link || fs::exists(full, error),
        "cannot write '{}': it is a link whose target is not there. Got '{}'. Remove the link, or make what it names.",
        path.string(), link ? fs::read_symlink(full, error).string() : "");
  // ".." is what the file system says, not what the text says.
  const bool names_itself = link || full.filename() == "." || full.filename() == "..";
  const fs::path real =
      names_itself ? fs::canonical(full, error) : fs::canonical(full.parent_path(), error) / full.filename();
  check<IoError>(!error, "cannot write '{}': {}.", path.string(), error.message());
  return real;
}

Replacement::Replacement(const fs::path& target, Kind kind) {
  for (;;) {
    path_ = fresh_name(target);
    if (kind == Kind::folder && ::mkdir(path_.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;  // of an earlier process of this number
      io_error("create", path_);
    }
    descriptor_ = open_unfollowed(path_, kind, O_WRONLY | O_CREAT | O_EXCL);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    // Between its creation and the lock another writer may have taken it for one left behind.
    if (descriptor_ < 0 && !(kind == Kind::folder && errno == ENOENT)) io_error("create", path_);
    if (descriptor_ < 0) continue;
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
    if (stands_at(descriptor_, path_)) return;
    ::close(descriptor_);
  }
}

Replacement::~Replacement() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(descriptor_);
}

void remove_stale_replacements(const fs::path& target, Replacement::Kind kind,
                               const std::function<bool(const fs::path&)>& ours) {
  const std::string prefix = target.filename().string() + std::string(kMark);
  std::error_code error;
  std::vector<fs::path> candidates;
  for (fs::directory_iterator it(target.parent_path(), error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix) && is_stamp(std::string_view(name).substr(prefix.size())))
      candidates.push_back(it->path());
  }
  for (const fs::path& path : candidates) {
    const int descriptor = open_unfollowed(path, kind, O_RDONLY);
    if (descriptor < 0) continue;
    struct ::stat status{};
    const bool right_kind =
        ::fstat(descriptor, &status) == 0 && (kind == Replacement::Kind::folder || S_ISREG(status.st_mode));
    // A running writer holds the lock; it is ours to remove only while we hold it.
    if (right_kind && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && stands_at(descriptor, path) && ours(path))
      fs::remove_all(path, error);
    ::close(descriptor);
  }
}

FileReplacement::FileReplacement(const fs::path& path, std::string_view contents, const std::optional<fs::path>& like)
    : target_(replaced_path(path)) {
  const fs::path model = like ? replaced_path(*like) : target_;
  struct ::stat old{};
  const bool exists = ::lstat(model.c_str(), &old) == 0;
  check<IoError>(!exists || !S_ISDIR(old.st_mode), "cannot write '{}': it is a folder.", model.string());
  if (exists && !S_ISREG(old.st_mode) && !like) {
    const Descriptor device(::open(target_.c_str(), O_WRONLY | O_CLOEXEC), "open", path);
    write_and_flush(device.get(), path, contents);
    return;
  }
  if (exists && ::access(model.c_str(), W_OK) != 0) io_error("write", model);
  written_.emplace(target_, Replacement::Kind::file);
  if (exists && ::fchmod(written_->descriptor(), old.st_mode & 0777) != 0)
    io_error("set the mode of", written_->path());
  write_and_flush(written_->descriptor(), path, contents);
}

void FileReplacement::put_in_place() {
  if (!written_) return;
  std::error_code error;
  fs::rename(written_->path(), target_, error);
  check<IoError>(!error, "cannot write '{}': {}.", target_.string(), error.message());
}

void FileReplacement::settle() {
  if (!written_) return;
  written_.reset();
  sync_directory(target_.parent_path());
  remove_stale_replacements(target_, Replacement::Kind::file);
}

void replace_file(const fs::path& path, std::string_view contents, const std::optional<fs::path>& like) {
  FileReplacement file(path, contents, like);
  file.put_in_place();
  file.settle();
}

void replace_by_link(const fs::path& path, const fs::path& source, std::string_view contents) {
  const fs::path target = replaced_path(path), written = fresh_name(target);
  const bool linked = ::link(source.c_str(), written.c_str()) == 0;
  if (linked && ::rename(written.c_str(), target.c_str()) == 0) {
    sync_directory(target.parent_path());
    return remove_stale_replacements(target, Replacement::Kind::file);
  }
  if (linked) ::unlink(written.c_str());
  replace_file(path, contents);
}

void write_new_file(const fs::path& path, std::string_view contents) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), "create", path);
  write_and_flush(file.get(), path, contents);
}

void sync_directory(const fs::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path);
  if (::fsync(directory.get()) != 0 && errno != EINVAL) io_error("flush", path);
}

}  // namespace tf2jax::detail
