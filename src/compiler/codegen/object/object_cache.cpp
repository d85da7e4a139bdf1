// The files of the object cache: a mark, the key, the objects, each after its length, and an authentication code of all
// that.
#include "tf2jax/compiler/codegen/object/internal/object_cache.h"

#include <fcntl.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>
#include <llvm/Support/xxhash.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace tf2jax::codegen {

namespace {

constexpr std::string_view kMark = "tf2jax objects 2\n";
constexpr const char* kSecretFile = "key";
constexpr std::size_t kSecretBytes = 32, kCodeBytes = 32;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;  // of one file

void append(std::string& out, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(bytes);
}

// Takes a piece off the front; false when the bytes do not hold one.
bool take(std::string_view& bytes, std::string_view& piece) {
  std::uint64_t size = 0;
  if (bytes.size() < sizeof size) return false;
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (bytes.size() < size) return false;
  piece = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

std::string file_name(const std::string& key) {
  const auto bytes = llvm::ArrayRef(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  const llvm::XXH128_hash_t hash = llvm::xxh3_128bits(bytes);
  return llvm::utohexstr(hash.high64, true, 16) + llvm::utohexstr(hash.low64, true, 16) + ".tf2jax";
}

std::string temporary_name(const std::string& name) {
  static std::atomic<int> count = 0;
  return name + "." + std::to_string(::getpid()) + "." + std::to_string(count++);
}

llvm::ArrayRef<std::uint8_t> bytes_of(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

class Closing {
 public:
  explicit Closing(int descriptor) : descriptor_(descriptor) {}
  ~Closing() { ::close(descriptor_); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  int descriptor_;
};

// Why what is open may be another user's work; null when it is not.
const char* why_not_trusted(const struct ::stat& status, unsigned forbidden_mode) {
  if (status.st_uid != ::geteuid()) return "it belongs to another user";
  if (status.st_mode & 022) return "others may write it (chmod go-w)";
  if (status.st_mode & forbidden_mode) return "others may read it (chmod go=)";
  return nullptr;
}

}  // namespace

ObjectCache::ObjectCache(std::string directory) : directory_(std::move(directory)) {
  open_folder();
  if (folder_ >= 0 && !read_or_make_secret()) ::close(std::exchange(folder_, -1));
}

ObjectCache::~ObjectCache() {
  if (folder_ >= 0) ::close(folder_);
}

void ObjectCache::refuse(const std::string& what, std::string_view why) {
  if (problem_.empty())
    problem_ = "object cache: '" + what + "' is not used: " + std::string(why) + ". Kernels are compiled instead.";
}

void ObjectCache::open_folder() {
  std::string path = directory_;
  while (path.size() > 1 && path.back() == '/') path.pop_back();  // with a slash a link would be followed
  std::error_code error;
  if (const auto parent = std::filesystem::path(path).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, error);
  ::mkdir(path.c_str(), 0700);
  folder_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder_ < 0)
    return refuse(path, errno == ENOTDIR || errno == ELOOP ? "it is a link or no folder" : std::strerror(errno));
  struct ::stat status{};
  const char* why = ::fstat(folder_, &status) == 0 ? why_not_trusted(status, 0) : std::strerror(errno);
  if (!why) return;
  refuse(path, why);
  ::close(std::exchange(folder_, -1));
}

// The bytes of a file of the folder that this user alone can have written. What is checked is what is open.
std::optional<std::string> ObjectCache::contents(const std::string& name, unsigned forbidden_mode) {
  const std::string path = directory_ + "/" + name;
  const int file = ::openat(folder_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    if (errno != ENOENT) refuse(path, errno == ELOOP ? "it is a link" : std::strerror(errno));
    return std::nullopt;
  }
  const Closing closing(file);
  struct ::stat status{};
  const char* why = ::fstat(file, &status) == 0 ? why_not_trusted(status, forbidden_mode) : std::strerror(errno);
  if (!why && !S_ISREG(status.st_mode)) why = "it is no file";
  if (!why && status.st_size > kMostBytes) why = "it is larger than any that is written here";
  std::string bytes(why ? 0 : static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t at = 0; !why && at < bytes.size();) {
    const ssize_t n = ::read(file, bytes.data() + at, bytes.size() - at);
    if (n > 0) at += n;
    else if (n == 0 || errno != EINTR) why = "it cannot be read";
  }
  if (!why) return bytes;
  refuse(path, why);
  return std::nullopt;
}

bool ObjectCache::write_whole(const std::string& name, std::string_view bytes) {
  ::unlinkat(folder_, name.c_str(), 0);  // of an earlier process of this number
  const int file = ::openat(folder_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const Closing closing(file);
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n > 0) bytes.remove_prefix(n);
    else if (n == 0 || errno != EINTR) return false;
  }
  return true;
}

bool ObjectCache::read_or_make_secret() {
  secret_ = contents(kSecretFile, 077).value_or("");
  if (secret_.empty() && !problem_.empty()) return false;
  if (secret_.size() == kSecretBytes) return true;
  // Not there, or cut off: what it signed is compiled anew.
  if (::unlinkat(folder_, kSecretFile, 0) == 0) refuse(directory_ + "/" + kSecretFile, "it is damaged");
  std::string fresh(kSecretBytes, '\0');
  const std::string temporary = temporary_name(kSecretFile);
  const bool drawn = ::getrandom(fresh.data(), fresh.size(), 0) == static_cast<ssize_t>(fresh.size());
  // Of several processes the first makes it; a link is made only where there is no file yet.
  if (drawn && write_whole(temporary, fresh)) ::linkat(folder_, temporary.c_str(), folder_, kSecretFile, 0);
  ::unlinkat(folder_, temporary.c_str(), 0);
  secret_ = contents(kSecretFile, 077).value_or("");
  if (secret_.size() == kSecretBytes) return true;
  refuse(directory_ + "/" + kSecretFile, "it cannot be made");
  return false;
}

// RFC 2104 with SHA-256; the key is shorter than a block.
ObjectCache::Code ObjectCache::authentication_code(std::string_view bytes) const {
  std::string inner(64, '\x36'), outer(64, '\x5c');
  for (std::size_t i = 0; i < secret_.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ secret_[i]);
    outer[i] = static_cast<char>(outer[i] ^ secret_[i]);
  }
  llvm::SHA256 first;
  first.update(bytes_of(inner));
  first.update(bytes_of(bytes));
  const auto digest = first.final();
  llvm::SHA256 second;
  second.update(bytes_of(outer));
  second.update(llvm::ArrayRef(digest.data(), digest.size()));
  return second.final();
}

std::optional<std::vector<Bytes>> ObjectCache::read(const std::string& key) {
  if (folder_ < 0) return std::nullopt;
  const std::string name = file_name(key);
  const auto all = contents(name, 0);
  if (!all) return std::nullopt;
  const auto damaged = [&] {
    refuse(directory_ + "/" + name, "it is damaged, or was not written by this user's tf2jax");
    return std::nullopt;
  };
  std::string_view rest = *all;
  if (rest.size() < kMark.size() + kCodeBytes || !rest.starts_with(kMark)) return damaged();
  const std::string_view stored = rest.substr(rest.size() - kCodeBytes);
  rest.remove_suffix(kCodeBytes);
  const Code expected = authentication_code(rest);
  unsigned difference = 0;  // in the same time wherever they differ
  for (std::size_t i = 0; i < kCodeBytes; ++i)
    difference |= static_cast<unsigned>(expected[i] ^ static_cast<std::uint8_t>(stored[i]));
  if (difference != 0) return damaged();
  rest.remove_prefix(kMark.size());
  std::string_view piece;
  if (!take(rest, piece)) return damaged();
  if (piece != key) return std::nullopt;  // another program with the same name
  std::vector<Bytes> objects;
  while (!rest.empty()) {
    if (!take(rest, piece)) return damaged();
    objects.emplace_back(piece.begin(), piece.end());
  }
  return objects;
}

void ObjectCache::write(const std::string& key, const std::vector<Bytes>& objects) {
  if (folder_ < 0) return;
  std::string all(kMark);
  append(all, key);
  for (const Bytes& o : objects) append(all, {o.data(), o.size()});
  const Code code = authentication_code(all);
  all.append(reinterpret_cast<const char*>(code.data()), code.size());
  const std::string name = file_name(key), temporary = temporary_name(name);
  if (!write_whole(temporary, all) || ::renameat(folder_, temporary.c_str(), folder_, name.c_str()) != 0)
    ::unlinkat(folder_, temporary.c_str(), 0);
}

}  // namespace tf2jax::codegen
