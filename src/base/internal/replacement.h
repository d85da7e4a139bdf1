// Files and folders that replace others in one step: written beside them, flushed, and renamed.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace tf2jax::detail {

/// What writing to `path` replaces: absolute, links followed to their end.
/// Throws: IoError; ValueError for a link to nothing.
std::filesystem::path replaced_path(const std::filesystem::path& path);

/// "TARGET.writing-PID-N", new, and locked while this lives, which tells it from one whose writer was killed. Whatever
/// stands under the name at the end is removed.
class Replacement {
 public:
  enum class Kind { file, folder };
  /// Throws: IoError.
  Replacement(const std::filesystem::path& target, Kind kind);
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Removes what writers that are gone left beside `target`; what `ours` denies stays.
void remove_stale_replacements(
    const std::filesystem::path& target, Replacement::Kind kind,
    const std::function<bool(const std::filesystem::path&)>& ours = [](const auto&) { return true; });

/// The new contents of a file, on the disk under another name until `put_in_place`; `settle` makes that last and
/// removes what earlier writers left. A device or pipe is written to itself.
class FileReplacement {
 public:
  /// The file has the mode of the one that it replaces, or of `like`. Throws: IoError, ValueError.
  FileReplacement(const std::filesystem::path& path, std::string_view contents,
                  const std::optional<std::filesystem::path>& like = {});
  /// Throws: IoError; the file is as it was then.
  void put_in_place();
  void settle();

 private:
  std::filesystem::path target_;
  std::optional<Replacement> written_;
};

/// Writes a file, which is always the old or the new one. Throws: IoError, ValueError.
void replace_file(const std::filesystem::path& path, std::string_view contents,
                  const std::optional<std::filesystem::path>& like = {});
/// `replace_file` with the contents of `source`, of which `path` becomes another name where the file system has links.
void replace_by_link(const std::filesystem::path& path, const std::filesystem::path& source, std::string_view contents);

/// Writes a file that is not there yet, and flushes it to the device. Throws: IoError.
void write_new_file(const std::filesystem::path& path, std::string_view contents);
/// Flushes a folder's entries. Throws: IoError.
void sync_directory(const std::filesystem::path& path);

}  // namespace tf2jax::detail
