// The object graph of a TF2 SavedModel: named functions, what they capture, and where variables are stored.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/tf_graph/structured_value.h"
#include "tf2jax/tf_graph/tensor_bundle.h"

namespace tensorflow {
class MetaGraphDef;
}

namespace tf2jax {

/// What a concrete function takes besides its arguments.
struct Capture {
  enum class Kind { variable, constant, asset, resource, tensor, other };
  Kind kind = Kind::other;
  int node = -1;         ///< index in the object graph
  std::string name;      ///< variable name, constant's node name, asset's file name, captured tensor
  std::string function;  ///< the function that a captured tensor belongs to
  TensorData constant;   ///< value of a constant
};

/// A variable of the model. `key` is its name in the checkpoint.
struct ModelVariable {
  int node = -1;  ///< index in the object graph; -1 in TF1 models
  std::string name, key;
  TensorSpec spec;
  bool trainable = true;
};

/// One traced function: a library function, its structure, and its captures.
struct ConcreteFunction {
  std::string name;        ///< library function
  StructuredValue inputs;  ///< (args, kwargs)
  StructuredValue outputs;
  std::vector<Capture> captures;
};

/// A function attribute of the saved object.
struct ModelFunction {
  std::string path;                         ///< "f", "model.call"
  std::vector<std::string> concrete;        ///< library functions, one per trace
  std::vector<std::string> argument_names;  ///< positional parameters without self, then keyword-only ones
  std::size_t keyword_only = 0;             ///< how many of them, at the end, are keyword-only
  std::map<std::string, StructuredValue> defaults;
  bool is_signature = false;  ///< reached through `.signatures`
};

/// Immutable; safe to share across threads.
class ObjectGraph {
 public:
  /// Reads the object graph of `meta`; `checkpoint` tells where variables are stored and may be null.
  /// Throws: ValueError for references to objects that do not exist.
  ObjectGraph(std::shared_ptr<const tensorflow::MetaGraphDef> meta, const TensorBundle* checkpoint, std::string source);

  /// Functions reachable from the root by attribute names, shortest path first.
  const std::vector<ModelFunction>& functions() const { return functions_; }
  /// The function at `path`, or null.
  const ModelFunction* find(std::string_view path) const;
  /// The concrete function of a signature key, or null.
  const std::string* signature_function(std::string_view key) const;
  /// Throws: LookupError when there is none of that name.
  ConcreteFunction concrete(const std::string& name) const;
  const std::vector<ModelVariable>& variables() const { return variables_; }
  /// The library function that fills the resource at a node, a table say; empty when there is none.
  std::string initializer(int node) const;
  /// The variable at a node of the object graph, or null.
  const ModelVariable* variable(int node) const;

 private:
  void read_variables(const TensorBundle* checkpoint);
  void read_functions();
  Capture capture(int node, const std::string& function) const;

  std::shared_ptr<const tensorflow::MetaGraphDef> meta_;
  std::string source_;
  std::vector<ModelFunction> functions_;
  std::map<std::string, std::string, std::less<>> signatures_;
  std::vector<ModelVariable> variables_;
};

}  // namespace tf2jax
