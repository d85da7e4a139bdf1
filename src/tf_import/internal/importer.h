// Importer: reads what a function captures, binds its arguments, and builds the ConvertedFunction. Used once.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tf2jax/tf_import/convert.h"
#include "tf2jax/tf_import/internal/imported_function.h"

namespace tf2jax::tf_import {

class Importer {
 public:
  /// `options` must outlive this.
  Importer(std::string source, const FunctionLibrary& library, const ConvertOptions& options);

  /// Where variables, captures and registered gradients are looked up.
  void set_saved_model(const SavedModel& saved);

  /// A concrete function of the object graph.
  ConvertedFunction function(const std::string& concrete_name, Signature signature);
  /// Tensors of the main graph. `keyword` inputs are named arguments, as in signatures; `find_inputs` takes the
  /// placeholders that the outputs need. A signature that has a structure keeps it: the tensors are those that it
  /// names.
  ConvertedFunction tensors(std::vector<SignatureTensor> inputs, const std::vector<SignatureTensor>& outputs,
                            Signature signature, bool keyword, bool find_inputs);

  /// What a placeholder says of its tensor; other nodes say nothing.
  static TensorSpec placeholder_spec(const tensorflow::NodeDef& node);

 private:
  // Reading.
  Array read(const ModelVariable& v) const;
  Array initial_value(const tensorflow::NodeDef& node) const;
  Value value_of(const Capture& capture);
  Value table_at(int node);
  void fill_graph_tables();
  void read_gradients();        // registered in a SavedModel
  void read_graph_gradients();  // given as options
  std::vector<SignatureTensor> placeholders(const std::vector<std::string>& wanted,
                                            const std::vector<std::string>& feeds) const;

  // Binding.
  VariableRef add_variable(ImportedVariable variable, const std::string& key);
  void add_variable_node(const tensorflow::NodeDef& node);
  void add_graph_variables();

  // Building.
  void set_inputs(const std::vector<SignatureTensor>& inputs, Signature& signature, bool keyword);
  void set_outputs(const std::vector<SignatureTensor>& outputs, Signature& signature, bool keyword);
  ConvertedFunction finish();

  const ConvertOptions& options_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<ImportedFunction> f_;
  const ObjectGraph* objects_ = nullptr;
  Values captures_;
  std::set<std::string> names_;  // of variables
  std::map<std::string, int> suffixes_;
  std::map<std::string, const ModelVariable*> stored_;
  std::map<int, std::shared_ptr<LookupTable>> tables_;  // by their node in the object graph
};

}  // namespace tf2jax::tf_import
