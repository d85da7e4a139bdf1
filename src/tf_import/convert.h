// convert: TensorFlow models as functions of this library.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/tf_graph/graph.h"
#include "tf2jax/tf_graph/saved_model.h"
#include "tf2jax/tf_import/converted_function.h"
#include "tf2jax/tf_import/converter.h"

namespace tf2jax {

/// Binds a node of a plain graph that stands for something outside it.
struct GraphCapture {
  std::string node;  ///< a Placeholder of resource type, or a variable node
  std::string name;  ///< of the variable; empty: a constant
  Array value;
  bool trainable = true;
};

/// The gradient function of one `_gradient_op_type` of a plain graph.
struct GraphGradient {
  std::string function;
  std::vector<std::variant<std::string, Array>> captures =
      {};                        ///< its last arguments: tensors of the main graph, or constants
  std::size_t none_outputs = 0;  ///< leading inputs of IdentityN without gradient
};

struct ConvertOptions {
  /// The signature to convert; empty: `function`, else "serving_default", else the only signature or function.
  std::string signature = {};
  /// A function attribute of the saved object, such as "f" or "model.call".
  std::string function = {};
  /// Tensors of the main graph, as "x:0" or "x", instead of a signature. Any tensor may be an input: nothing above it
  /// is evaluated then. With outputs alone, the placeholders they need are the inputs, in file order.
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
  /// How the main graph is called, where its parameters are more than its tensors in order: nested tuples and
  /// dictionaries, defaults, literals. A tensor's name is that of its node; `inputs` and `outputs` are left empty.
  std::optional<Signature> structure = {};
  /// Tags of the meta graph of a SavedModel.
  std::vector<std::string> tags = {};
  /// False: evaluate node by node instead of compiling.
  bool jit = true;
  std::vector<GraphCapture> captures = {};
  std::map<std::string, GraphGradient> gradients = {};
  /// How many rows a result has whose number of rows is data, by the name of its node (Where, Unique,
  /// ListDiff, DynamicPartition, DynamicStitch, NonMaxSuppression and their forms), or "node:k" for its k-th result, in
  /// programs that are traced: inside jit, vmap and loops. Missing rows, and all where there are more, are unknown:
  /// NaN, or indices outside every axis (the lowest integer), of which gathers make NaN and which scatters leave out. A
  /// call whose arguments are known has the rows that there are.
  std::map<std::string, std::int64_t> sizes = {};
};

/// Converts a function of a SavedModel directory, a TF1 Hub module, or a GraphDef file (.pb, .pbtxt).
/// Throws: IoError, ParseError, DataLossError for bad files; LookupError for unknown signatures and functions;
/// UnsupportedOpError naming every operation without a converter; ValueError for graphs that are not well formed.
ConvertedFunction convert(const std::filesystem::path& path, const ConvertOptions& options = {});
ConvertedFunction convert(const SavedModel& model, const ConvertOptions& options = {});
ConvertedFunction convert(const Graph& graph, const ConvertOptions& options = {});

/// The same for functions without variables.
/// Throws: also ValueError when a variable is captured.
ConvertedFunction convert_functional(const std::filesystem::path& path, const ConvertOptions& options = {});
ConvertedFunction convert_functional(const SavedModel& model, const ConvertOptions& options = {});
ConvertedFunction convert_functional(const Graph& graph, const ConvertOptions& options = {});

/// Operations of the model that have no converter, with their number of nodes (the outputs need not need them).
OpCounts unsupported_ops(const Graph& graph);

}  // namespace tf2jax
