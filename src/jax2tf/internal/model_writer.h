// Puts written functions together into the message of a SavedModel.
#pragma once
#include "tf2jax/jax2tf/internal/export.h"

namespace tf2jax::jax2tf {

/// The functions of a model and what they capture; nodes of the object graph as TensorFlow numbers them.
class ModelWriter {
 public:
  explicit ModelWriter(const Variables& variables);

  /// Writes every trace of a function under an attribute of the root.
  void add_function(const std::string& name, const ExportedFunction& f);
  /// A signature that calls trace 0 of a function.
  void add_signature(const std::string& key, const std::string& function);
  /// The message, and the contents of the checkpoint.
  tensorflow::SavedModel finish(std::map<std::string, TensorData>& checkpoint);

 private:
  struct Entry {
    std::shared_ptr<const Traced> traced;
    std::string name;  // of the library function
    std::vector<std::string> variables;
    Avals outputs;
    tensorflow::OpDef signature;
  };
  tensorflow::SavedObject& node(int i) { return *objects_.mutable_nodes(i); }
  int add_node();
  void add_child(int parent, int child, const std::string& name);
  void add_variables();
  void describe_concrete(const Entry& e);
  void describe_gradient(const WrittenGradient& g);
  std::string unused_name(std::string name) const;
  /// The function's name.
  std::string write_signature_function(const std::string& key, const Entry& e, tensorflow::SignatureDef& signature);
  void write_saver();

  Variables variables_;
  Library library_;
  tensorflow::SavedObjectGraph objects_;
  tensorflow::MetaGraphDef meta_;
  tensorflow::GraphDef graph_;  // the main graph, without functions
  std::map<std::string, int> variable_nodes_;
  std::map<std::string, Entry> first_trace_;
  std::map<std::pair<std::string, std::string>, int> captured_nodes_;
  int signature_map_ = 0;
  int calls_ = 0;
};

}  // namespace tf2jax::jax2tf
