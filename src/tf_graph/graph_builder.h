// GraphBuilder: makes GraphDefs and SavedModels node by node, for programs that write models and for tests.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/tf_graph/graph.h"

namespace tf2jax {

/// Value of a node's attribute.
using AttributeValue = std::variant<bool, std::int64_t, float, std::string, DType, std::vector<std::int64_t>, Array>;

/// Builds a graph. Node names are unique; a taken name gets a suffix "_1", "_2", …. Not thread-safe.
/// Tensors are named "node:index", as TensorFlow does; the methods return the name of output 0.
class GraphBuilder {
 public:
  GraphBuilder();
  ~GraphBuilder();
  GraphBuilder(GraphBuilder&&) noexcept;
  GraphBuilder& operator=(GraphBuilder&&) noexcept;

  /// An input; -1 in `shape` is an unknown size.
  std::string placeholder(const std::string& name, DType dtype, const Dims& shape);
  std::string constant(const std::string& name, const Array& value);
  /// A resource variable with its value; returns the tensor that reads it. Saved with `save`.
  std::string variable(const std::string& name, const Array& value);
  /// Any operation. A list of integers under the key "shape" is a shape.
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                   const std::map<std::string, AttributeValue>& attributes = {});
  /// A shorthand for operations whose only needed attribute is T.
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs, DType type);

  /// The graph built so far.
  Graph graph() const;

  struct SignatureEntries {
    std::map<std::string, std::string> inputs, outputs;  ///< key -> tensor
  };
  /// Writes a SavedModel that TensorFlow restores too: graph, variables, saver, signatures. Atomic: the directory
  /// appears complete or not at all. Replaces an empty folder or a SavedModel, nothing else.
  /// Throws: IoError; ValueError for a signature tensor that does not exist, and for a place that holds something else.
  void save(const std::filesystem::path& directory, const std::map<std::string, SignatureEntries>& signatures) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tf2jax
