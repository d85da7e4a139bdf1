// Graphs and function bodies as numbered nodes, and the order in which to evaluate what some outputs need.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tf2jax/tf_graph/function_library.h"
#include "tf2jax/tf_graph/internal/protos.h"

namespace tf2jax::tf_import {

/// Output `output` of node `node`; negative nodes are arguments: -1 is the first.
struct TensorRef {
  int node = 0, output = 0;
  auto operator<=>(const TensorRef&) const = default;
};

struct PlanStep {
  int node = 0;
  std::vector<TensorRef> inputs;
  std::vector<TensorRef> extra;  // tensors a custom gradient captures
  bool calls = false;            // library functions
};

struct Plan {
  std::vector<PlanStep> steps;  // every step after what it needs
  std::vector<TensorRef> outputs;
  std::map<TensorRef, int> fed;  // tensors replaced by arguments
};

/// The nodes of a main graph or of a function body. Immutable.
class Scope {
 public:
  /// The main graph.
  explicit Scope(const FunctionLibrary& library);
  /// The body of a library function.
  Scope(const FunctionLibrary& library, const tensorflow::FunctionDef& function);

  const std::string& name() const { return name_; }  // of the function; empty for the main graph
  const tensorflow::FunctionDef* function() const { return function_; }
  const FunctionLibrary& library() const { return library_; }
  const tensorflow::NodeDef& node(int i) const { return *nodes_[i]; }
  std::size_t size() const { return nodes_.size(); }
  std::size_t num_arguments() const { return arguments_.size(); }
  /// The node, or -1.
  int find(std::string_view name) const;
  /// "node", "node:1", "node:output:1", an argument's name. Throws: ValueError naming the reference and the user.
  TensorRef resolve(std::string_view reference, std::string_view user, std::string_view name = {}) const;
  /// What the function returns, in the order of its outputs. Throws: ValueError.
  std::vector<TensorRef> returns() const;

 private:
  void index();

  const FunctionLibrary& library_;
  const tensorflow::FunctionDef* function_ = nullptr;
  std::string name_;
  std::vector<const tensorflow::NodeDef*> nodes_;
  std::unordered_map<std::string_view, int> by_name_, arguments_;  // names of the graph, which outlives this
};

/// Answers what planning needs to know about nodes.
struct PlanQueries {
  /// The node changes a variable.
  std::function<bool(const tensorflow::NodeDef&)> has_effect;
  /// Tensors of this scope that the node needs besides its inputs.
  std::function<std::vector<std::string>(const tensorflow::NodeDef&)> extra_inputs;
};

/// The steps that `outputs` need, and those effects that are ordered before them or that the function returns after.
/// Throws: ValueError for cycles, naming a node, and for references to nodes that do not exist.
Plan make_plan(const Scope& scope, std::vector<TensorRef> outputs, std::map<TensorRef, int> fed,
               const PlanQueries& queries);

/// The library functions that attributes of a node name.
std::vector<std::string> called_functions(const FunctionLibrary& library, const tensorflow::NodeDef& node);

}  // namespace tf2jax::tf_import
