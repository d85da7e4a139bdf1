// Look-up of library functions, registered gradients and operation definitions of one graph.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/tf_graph/graph.h"

namespace tensorflow {
class FunctionDef;
class NodeDef;
class OpDef;
class OpList;
class AttrValue;
}  // namespace tensorflow

namespace tf2jax {

/// Where one output argument of a node begins among its flat outputs, and how many tensors it has.
struct OutputRange {
  std::int64_t start = 0, count = 0;
};

/// The functions and operation definitions a graph's nodes refer to. Immutable; safe to share across threads.
class FunctionLibrary {
 public:
  /// `ops` are the definitions stored with the model; where they lack an operation, a built-in table of attribute
  /// defaults and output names serves.
  /// Throws: ValueError when two functions share a name, or for legacy GradientDefs.
  explicit FunctionLibrary(const Graph& graph, std::shared_ptr<const tensorflow::OpList> ops = nullptr);

  /// The function, or null.
  const tensorflow::FunctionDef* find(std::string_view name) const;
  /// The gradient function registered for a `_gradient_op_type`, or null.
  const std::string* gradient(std::string_view op_type) const;
  /// The definition of an operation, or null.
  const tensorflow::OpDef* op(std::string_view name) const;
  /// The default of an attribute, or null when there is none.
  const tensorflow::AttrValue* attr_default(std::string_view op, std::string_view attr) const;
  /// The tensors of output argument `output` of `node`. Throws: ValueError when it is not known.
  OutputRange output(const tensorflow::NodeDef& node, std::string_view output) const;
  const Graph& graph() const { return graph_; }
  /// The library of another graph with the same operation definitions.
  FunctionLibrary with_graph(const Graph& graph) const { return FunctionLibrary(graph, stored_ops_); }

 private:
  template <class T>
  using Table = std::map<std::string, T, std::less<>>;
  Graph graph_;
  std::shared_ptr<const tensorflow::OpList> stored_ops_;
  Table<const tensorflow::FunctionDef*> functions_;
  Table<const tensorflow::OpDef*> ops_;
  Table<std::string> gradients_;
};

}  // namespace tf2jax
