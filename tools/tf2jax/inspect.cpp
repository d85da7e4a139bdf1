// tf2jax inspect: what is in a model.
#include "commands.h"

#include <tf2jax/tf_graph/saved_model.h>
#include <tf2jax/tf_import/converter.h>

#include <algorithm>
#include <iostream>

namespace tf2jax::tool {
namespace {

void print_operations(const Graph& graph) {
  const OpCounts all{graph.op_counts()}, missing = unsupported_ops(graph);
  std::cout << "operations (" << all.size() << " kinds):\n" << all;
  if (missing.empty()) {
    std::cout << "every operation has a converter\n";
    return;
  }
  std::cout << "without converter (they matter only to outputs that need them):\n" << missing;
}

void print_variables(const std::vector<ModelVariable>& variables) {
  std::int64_t parameters = 0;
  for (const auto& v : variables) {
    std::int64_t n = 1;
    for (const auto d : v.spec.shape.value_or(Dims{})) n *= std::max<std::int64_t>(d, 1);
    if (v.trainable) parameters += n;
  }
  std::cout << "variables: " << variables.size() << ", " << parameters << " trainable elements\n";
  for (const auto& v : variables)
    std::cout << "  " << v.name << "  " << v.spec.to_string() << (v.trainable ? "" : "  (frozen)") << "\n";
}

void print_status(const std::string& name, const SavedModel& model, const ConvertOptions& options) {
  try {
    const auto f = convert(model, options);
    std::cout << "  " << f.signature().to_string() << "\n";
  } catch (const Error& e) {
    std::cout << "  " << name << ": " << e.what() << "\n";
  }
}

}  // namespace

int inspect(const std::string& model) {
  if (!SavedModel::exists(model)) {
    const Graph graph = Graph::load(model);
    const auto nodes = graph.nodes();
    std::cout << "graph: " << nodes.size() << " nodes, " << graph.functions().size() << " functions\n";
    std::cout << "placeholders:\n";
    for (const auto& node : nodes) {
      if (node.op.starts_with("Placeholder")) std::cout << "  " << node.name << "\n";
    }
    print_operations(graph);
    return 0;
  }
  const SavedModel m = SavedModel::load(model);
  std::cout << "SavedModel";
  if (!m.tensorflow_version().empty()) std::cout << " written by TensorFlow " << m.tensorflow_version();
  std::cout << ", tags:";
  for (const auto& tag : m.tags()) std::cout << " " << tag;
  std::cout << "\nsignatures:\n";
  for (const auto& [name, s] : m.signatures()) {
    if (name != "__saved_model_init_op") print_status(name, m, {.signature = name});
  }
  if (m.objects()) {
    std::cout << "functions:\n";
    for (const auto& f : m.objects()->functions()) {
      if (f.is_signature || f.path.find('.') != std::string::npos) continue;
      for (const auto& concrete : f.concrete) {
        const auto c = m.objects()->concrete(concrete);
        std::cout << "  " << f.path << c.inputs.to_string() << " -> " << c.outputs.to_string() << "\n";
      }
    }
  }
  print_variables(m.variables());
  print_operations(m.graph());
  return 0;
}

int list_operations(bool json) {
  bool first = true;
  if (json) std::cout << "[";
  for (const std::string& name : current_converters()->names()) {
    if (json) std::cout << (first ? "\"" : ", \"") << name << "\"";
    else std::cout << name << "\n";
    first = false;
  }
  if (json) std::cout << "]\n";
  return 0;
}

}  // namespace tf2jax::tool
