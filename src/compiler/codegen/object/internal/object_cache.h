// Object files kept on disk from one process to the next.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/compiler/codegen/object/internal/object.h"

namespace tf2jax::codegen {

/// Files in one folder, named by a hash of their key. Several processes may use it at once: files appear complete, by
/// renaming. What cannot be written is not kept.
///
/// What is read is executed, so nothing is trusted that another user may have made: the folder and its files are real
/// ones (no links), belong to this user, and nobody else may write them; and each file ends with an authentication code
/// under a random key that only this user can read, so that what was damaged or brought from elsewhere is not found
/// either.
class ObjectCache {
 public:
  explicit ObjectCache(std::string directory);
  ~ObjectCache();
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;

  std::optional<std::vector<Bytes>> read(const std::string& key);
  void write(const std::string& key, const std::vector<Bytes>& objects);
  /// Why the folder or a file in it was not used; empty when there was no reason.
  const std::string& problem() const { return problem_; }

 private:
  using Code = std::array<std::uint8_t, 32>;

  void open_folder();
  bool read_or_make_secret();
  std::optional<std::string> contents(const std::string& name, unsigned forbidden_mode);
  bool write_whole(const std::string& name, std::string_view bytes);
  Code authentication_code(std::string_view bytes) const;
  void refuse(const std::string& what, std::string_view why);

  const std::string directory_;
  int folder_ = -1;  // closed again when it is not to be trusted
  std::string secret_;
  std::string problem_;
};

}  // namespace tf2jax::codegen
