// Object files kept on disk from one process to the next.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/backends/llvm/codegen/internal/object.h"

namespace tf2jax::codegen {

/// Files in one directory, named by a hash of their key. Several processes may use it at once: files appear complete, by
/// renaming. What cannot be written is not kept; what is damaged is not found.
class ObjectCache {
 public:
  explicit ObjectCache(std::string directory) : directory_(std::move(directory)) {}
  std::optional<std::vector<Bytes>> read(const std::string& key) const;
  void write(const std::string& key, const std::vector<Bytes>& objects) const;

 private:
  std::string path(const std::string& key) const;

  std::string directory_;
};

}  // namespace tf2jax::codegen
