// Finding the function to convert.
#include "tf2jax/tf_import/convert.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/tf_graph/functionalize.h"
#include "tf2jax/tf_import/internal/importer.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace tf2jax {

namespace tf = tensorflow;
using namespace tf_import;

namespace {

void for_each_tensor(StructuredValue& v, const std::function<void(StructuredValue&)>& f) {
  if (v.kind == StructuredValue::Kind::tensor) return f(v);
  for (auto& [key, child] : v.items) for_each_tensor(child, f);
}

void check_structure(const ConvertOptions& options) {
  using Kind = StructuredValue::Kind;
  check(options.inputs.empty() && options.outputs.empty(),
        "ConvertOptions::structure: it names inputs and outputs already. Leave the options of that name empty.");
  const StructuredValue& inputs = options.structure->inputs;
  const auto& parts = inputs.items;
  check(
      parts.size() == 2 && parts[0].second.kind == Kind::tuple && parts[1].second.kind == Kind::dict,
      "ConvertOptions::structure: inputs must be a tuple of positional and a dictionary of keyword arguments. Got {}.",
      inputs.to_string());
}

ConvertedFunction from_tensors(Importer& importer, const FunctionLibrary& library, const ConvertOptions& options) {
  std::unordered_map<std::string_view, const tf::NodeDef*> nodes;
  for (const auto& node : library.graph().proto().node()) nodes.emplace(node.name(), &node);
  const auto named_tensor = [&](const std::string& tensor) -> SignatureTensor {
    const std::string base = tensor.substr(0, tensor.find(':'));
    const auto it = nodes.find(base);
    if (it == nodes.end())
      raise<LookupError>("{}: there is no tensor '{}' in the graph.", library.graph().source(), tensor);
    // "x:0" and "x" are one tensor, known by its node's name.
    const bool first = tensor == base || tensor == base + ":0";
    return {first ? base : tensor, tensor, Importer::placeholder_spec(*it->second)};
  };
  std::vector<SignatureTensor> inputs, outputs;
  if (options.structure) {
    check_structure(options);
    Signature signature = *options.structure;
    const auto named = [&](std::vector<SignatureTensor>& out) {
      return [&](StructuredValue& v) {
        out.push_back(named_tensor(v.tensor.name));
        v.tensor = out.back().spec;
        v.tensor.name = out.back().key;
      };
    };
    for_each_tensor(signature.inputs, named(inputs));
    for_each_tensor(signature.outputs, named(outputs));
    return importer.tensors(std::move(inputs), outputs, std::move(signature), false, false);
  }
  for (const auto& t : options.inputs) inputs.push_back(named_tensor(t));
  for (const auto& t : options.outputs) {
    outputs.push_back(named_tensor(t));
    outputs.back().key = t;
  }
  Signature signature;
  signature.name = "graph";
  return importer.tensors(std::move(inputs), outputs, std::move(signature), false, options.inputs.empty());
}

// Tensors nothing consumes: what a plain graph computes when nobody says what is asked for.
std::vector<std::string> sinks(const Graph& graph) {
  std::unordered_set<std::string_view> used;
  for (const auto& node : graph.proto().node()) {
    for (std::string_view input : node.input()) {
      if (input.starts_with('^')) input.remove_prefix(1);
      used.insert(input.substr(0, input.find(':')));
    }
  }
  const auto converters = current_converters();
  std::vector<std::string> names;
  for (const auto& node : graph.proto().node()) {
    if (!used.contains(node.name()) && !converters->traits(node.op()).has_no_value) names.push_back(node.name());
  }
  return names;
}

Signature describe(const ModelFunction& function) {
  Signature s;
  s.name = function.path;
  s.parameters = function.argument_names;
  s.keyword_only = function.keyword_only;
  s.defaults = function.defaults;
  return s;
}

const std::string& only_concrete(const SavedModel& model, const ModelFunction& function) {
  if (function.concrete.size() == 1) return function.concrete[0];
  std::string list;
  for (const auto& name : function.concrete)
    list += fmt::format("\n  {}: {}", name, model.objects()->concrete(name).inputs.to_string());
  raise<ValueError>("{}: Found {} concrete functions for '{}'; name one of them in ConvertOptions::function:{}",
                    model.directory().string(), function.concrete.size(), function.path, list);
}

std::string available(const SavedModel& model) {
  std::string text;
  for (const auto& [name, s] : model.signatures()) {
    if (name != "__saved_model_init_op") text += (text.empty() ? "signatures '" : ", '") + name + "'";
  }
  std::string functions;
  if (model.objects()) {
    for (const auto& f : model.objects()->functions()) {
      if (!f.is_signature && f.path.find('.') == std::string::npos)
        functions += (functions.empty() ? "functions '" : ", '") + f.path + "'";
    }
  }
  return text + (text.empty() || functions.empty() ? "" : "; ") + functions;
}

ConvertedFunction convert_signature(const SavedModel& model, const std::string& name, Importer& importer) {
  const auto it = model.signatures().find(name);
  if (it == model.signatures().end())
    raise<LookupError>("{}: there is no signature '{}'. There are: {}.", model.directory().string(), name,
                       available(model));
  Signature signature;
  signature.name = name;
  if (model.objects()) {
    if (const auto* concrete = model.objects()->signature_function(name))
      return importer.function(*concrete, std::move(signature));
  }
  return importer.tensors(it->second.inputs, it->second.outputs, std::move(signature), true, false);
}

ConvertedFunction convert_function(const SavedModel& model, const std::string& path, Importer& importer) {
  if (model.objects()) {
    if (const auto* f = model.objects()->find(path)) return importer.function(only_concrete(model, *f), describe(*f));
    for (const auto& f : model.objects()->functions()) {
      if (std::ranges::find(f.concrete, path) != f.concrete.end()) return importer.function(path, describe(f));
    }
  }
  raise<LookupError>("{}: there is no function '{}'. There are: {}.", model.directory().string(), path,
                     available(model));
}

ConvertedFunction without_variables(ConvertedFunction f) {
  std::string names;
  for (const auto& [name, v] : f.params()) names += (names.empty() ? "'" : ", '") + name + "'";
  check(f.params().empty(),
        "convert_functional: Expected function to have no captured variables, found {{{}}}. Use convert, which returns "
        "them.",
        names);
  return f;
}

ConvertedFunction convert_saved_model(const SavedModel& model, const ConvertOptions& options) {
  const FunctionLibrary library = model.library().with_graph(functionalize(model.library().graph()));
  Importer importer(model.directory().string(), library, options);
  importer.set_saved_model(model);
  if (!options.outputs.empty() || options.structure) return from_tensors(importer, library, options);
  if (!options.function.empty()) return convert_function(model, options.function, importer);
  if (!options.signature.empty()) return convert_signature(model, options.signature, importer);
  std::vector<std::string> signatures, functions;
  for (const auto& [name, s] : model.signatures()) {
    if (name != "__saved_model_init_op") signatures.push_back(name);
  }
  if (std::ranges::find(signatures, "serving_default") != signatures.end())
    return convert_signature(model, "serving_default", importer);
  if (signatures.size() == 1) return convert_signature(model, signatures[0], importer);
  if (model.objects() && signatures.empty()) {
    for (const auto& f : model.objects()->functions()) {
      if (!f.is_signature && f.path.find('.') == std::string::npos && !f.path.starts_with('_') && !f.concrete.empty())
        functions.push_back(f.path);
    }
    if (functions.empty() && model.objects()->find("__call__")) functions.push_back("__call__");
    if (functions.size() == 1) return convert_function(model, functions[0], importer);
  }
  raise<LookupError>("{}: say what to convert: a signature, a function, or outputs. There are: {}.",
                     model.directory().string(), available(model));
}

ConvertedFunction convert_graph(const Graph& original, const ConvertOptions& options) {
  const Graph graph = functionalize(original);
  const FunctionLibrary library(graph);
  Importer importer(graph.source(), library, options);
  ConvertOptions chosen = options;
  if (!options.structure && chosen.outputs.empty()) {
    chosen.outputs = sinks(graph);
    check(!chosen.outputs.empty(), "{}: the graph computes nothing.", graph.source());
  }
  return from_tensors(importer, library, chosen);
}

}  // namespace

ConvertedFunction convert(const SavedModel& model, const ConvertOptions& options) {
  return with_errors(model.directory().string(), [&] { return convert_saved_model(model, options); });
}

ConvertedFunction convert(const Graph& graph, const ConvertOptions& options) {
  return with_errors(graph.source(), [&] { return convert_graph(graph, options); });
}

ConvertedFunction convert(const std::filesystem::path& path, const ConvertOptions& options) {
  return with_errors(path.string(), [&] {
    std::error_code ignored;
    const auto name = path.filename();
    if (name == "saved_model.pb" || name == "saved_model.pbtxt") return convert(path.parent_path(), options);
    if (std::filesystem::is_directory(path, ignored))
      return convert(SavedModel::load(path, {.tags = options.tags}), options);
    return convert(Graph::load(path), options);
  });
}

ConvertedFunction convert_functional(const std::filesystem::path& path, const ConvertOptions& options) {
  return without_variables(convert(path, options));
}
ConvertedFunction convert_functional(const SavedModel& model, const ConvertOptions& options) {
  return without_variables(convert(model, options));
}
ConvertedFunction convert_functional(const Graph& graph, const ConvertOptions& options) {
  return without_variables(convert(graph, options));
}

OpCounts unsupported_ops(const Graph& graph) {
  const auto converters = current_converters();
  OpCounts counts;
  for (const auto& [op, n] : functionalize(graph).op_counts()) {
    if (!converters->find(op)) counts[op] = n;
  }
  return counts;
}

}  // namespace tf2jax
