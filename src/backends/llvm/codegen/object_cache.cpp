// The files of the object cache: a mark, the key, the objects, each after its length, and a checksum of all that.
#include "tf2jax/backends/llvm/codegen/internal/object_cache.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/xxhash.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace tf2jax::codegen {

namespace {

constexpr std::string_view kMark = "tf2jax objects 1\n";

std::uint64_t checksum(std::string_view bytes) { return llvm::xxh3_64bits(llvm::StringRef(bytes.data(), bytes.size())); }

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

}  // namespace

std::string ObjectCache::path(const std::string& key) const {
  const auto bytes = llvm::ArrayRef(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  const llvm::XXH128_hash_t hash = llvm::xxh3_128bits(bytes);
  return directory_ + "/" + llvm::utohexstr(hash.high64, true, 16) + llvm::utohexstr(hash.low64, true, 16) + ".tf2jax";
}

std::optional<std::vector<Bytes>> ObjectCache::read(const std::string& key) const {
  const std::string name = path(key);
  std::error_code error;
  const auto size = std::filesystem::file_size(name, error);   // an error for a folder, which opens like a file
  if (error) return std::nullopt;
  std::string all(size, '\0');
  std::ifstream file(name, std::ios::binary);
  if (!file.read(all.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  std::string_view rest = all;
  std::uint64_t expected = 0;
  if (rest.size() < kMark.size() + sizeof expected || !rest.starts_with(kMark)) return std::nullopt;
  std::memcpy(&expected, rest.data() + rest.size() - sizeof expected, sizeof expected);
  rest.remove_suffix(sizeof expected);
  if (checksum(rest) != expected) return std::nullopt;
  rest.remove_prefix(kMark.size());
  std::string_view piece;
  if (!take(rest, piece) || piece != key) return std::nullopt;
  std::vector<Bytes> objects;
  while (!rest.empty()) {
    if (!take(rest, piece)) return std::nullopt;
    objects.emplace_back(piece.begin(), piece.end());
  }
  return objects;
}

void ObjectCache::write(const std::string& key, const std::vector<Bytes>& objects) const {
  static std::atomic<int> count = 0;
  std::string all(kMark);
  append(all, key);
  for (const Bytes& o : objects) append(all, {o.data(), o.size()});
  const std::uint64_t sum = checksum(all);
  all.append(reinterpret_cast<const char*>(&sum), sizeof sum);

  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  const std::string final_path = path(key), temporary = final_path + "." + std::to_string(getpid()) + "." + std::to_string(count++);
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(all.data(), static_cast<std::streamsize>(all.size()));
    file.flush();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(temporary, final_path, error);
  if (error) std::filesystem::remove(temporary, error);
}

}  // namespace tf2jax::codegen
