// Checkpoints in TensorFlow's TensorBundle format: `prefix.index` and `prefix.data-00000-of-0000N`.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/tf_graph/tensor.h"

namespace tf2jax {

/// Reads a checkpoint. Immutable after `open`; any number of threads may read at once.
class TensorBundle {
 public:
  /// Opens the checkpoint whose index is `prefix` + ".index". Tensor data is read on demand.
  /// Throws: IoError for missing or unreadable files, DataLossError when the index is damaged.
  static TensorBundle open(const std::filesystem::path& prefix);

  /// Keys in ascending order.
  std::vector<std::string> keys() const;
  bool contains(const std::string& key) const;
  /// Throws: LookupError for an unknown key.
  TensorSpec spec(const std::string& key) const;
  /// Reads one tensor and verifies its checksum.
  /// Throws: LookupError for an unknown key, DataLossError for damaged or truncated data, NotImplementedError for
  /// partitioned (sliced) tensors and element types without an Array type.
  TensorData read(const std::string& key) const;
  /// `read` for numeric tensors. Throws: TypeError for strings.
  Array array(const std::string& key) const;
  /// `read` for string tensors. Throws: TypeError for numbers.
  StringTensor strings(const std::string& key) const;

 private:
  static TensorBundle open_index(const std::filesystem::path& prefix);
  TensorData read_entry(const std::string& key, std::string_view where) const;

  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Writes a checkpoint of one data shard. What stands at that prefix is the old or the new checkpoint at every moment;
/// a process that is killed may leave the new one with its data in "prefix.data-00000-of-99998" (or 99999), which
/// readers find and the next write removes. Throws: IoError, ValueError for an empty key, ConcretizationError for
/// traced arrays.
void write_tensor_bundle(const std::filesystem::path& prefix, const std::map<std::string, TensorData>& tensors);

}  // namespace tf2jax
