// SavedModel directories and TF1 Hub modules, reading and atomic writing.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/tf_graph/function_library.h"
#include "tf2jax/tf_graph/graph.h"
#include "tf2jax/tf_graph/object_graph.h"
#include "tf2jax/tf_graph/tensor_bundle.h"

namespace tensorflow {
class SavedModel;
}

namespace tf2jax {

/// One argument or result of a signature: its key, the tensor of the main graph ("x:0"), and its type.
struct SignatureTensor {
  std::string key, tensor;
  TensorSpec spec;
};

/// A signature of the model. Tensors are sorted by key.
struct ModelSignature {
  std::string name, method;
  std::vector<SignatureTensor> inputs, outputs;
};

struct SavedModelOptions {
  /// Tags of the meta graph to read; empty: "serve" where there is one, otherwise the only or the untagged one.
  std::vector<std::string> tags = {};
};

/// A SavedModel: one meta graph with its signatures, objects and checkpoint. Cheap to copy; safe to share across
/// threads.
class SavedModel {
 public:
  /// Throws: IoError when there is no saved_model.pb(txt), ParseError for damaged ones, DataLossError for damaged
  /// checkpoints, ValueError when no meta graph carries the tags.
  static SavedModel load(const std::filesystem::path& directory, const SavedModelOptions& options = {});
  /// True when `directory` holds saved_model.pb or saved_model.pbtxt.
  static bool exists(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const;
  const std::vector<std::string>& tags() const;
  /// "2.9.1"; empty when it is not recorded.
  const std::string& tensorflow_version() const;
  const Graph& graph() const;
  const FunctionLibrary& library() const;
  /// By name.
  const std::map<std::string, ModelSignature>& signatures() const;
  /// Null in TF1 models.
  const ObjectGraph* objects() const;
  /// Variables of the object graph, or of the collections of a TF1 model.
  const std::vector<ModelVariable>& variables() const;
  /// Null when the model has no checkpoint.
  const TensorBundle* checkpoint() const;
  /// The value of a variable. Throws: LookupError when the checkpoint lacks it.
  TensorData read(const ModelVariable& variable) const;

 private:
  static SavedModel read(const std::filesystem::path& directory, const SavedModelOptions& options);

  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Writes a SavedModel: the message, the variables' checkpoint and the assets (file name to contents). The directory
/// appears complete or not at all. An empty folder or a SavedModel that is there already, or that a link names, is
/// replaced in one step; anything else is left alone. What earlier writers that were killed left beside it is removed.
/// Throws: IoError; ValueError for asset names that leave the directory, and for a file or a folder with other
/// contents.
void write_saved_model(const std::filesystem::path& directory, const tensorflow::SavedModel& model,
                       const std::map<std::string, TensorData>& variables,
                       const std::map<std::string, std::string>& assets = {});

}  // namespace tf2jax
