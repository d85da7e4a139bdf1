// Finding the function to convert and binding what it captures.
#include "tf2jax/tf_import/convert.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/tf_import/internal/imported_function.h"

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace tf2jax {

namespace tf = tensorflow;
using namespace tf_import;
using detail::dtype_from_proto, detail::shape_from_proto, detail::type_name;
using Kind = StructuredValue::Kind;

namespace {

class Importer {
 public:
  Importer(std::string source, const FunctionLibrary& library, const ConvertOptions& options)
      : options_(options), model_(std::make_shared<Model>(std::move(source), library)), f_(std::make_shared<ImportedFunction>()) {
    f_->jit = options.jit;
  }

  void set_saved_model(const SavedModel& saved) {
    model_->saved = saved;
    objects_ = model_->saved->objects();
    for (const auto& v : model_->saved->variables()) stored_.emplace(v.name, &v);
  }

  // A concrete function of the object graph.
  ConvertedFunction function(const std::string& concrete_name, Signature signature) {
    const ConcreteFunction concrete = objects_->concrete(concrete_name);
    read_gradients();
    for (const auto& capture : concrete.captures) captures_.push_back(value_of(capture));
    f_->body = model_->body(concrete_name);
    signature.inputs = concrete.inputs;
    signature.outputs = concrete.outputs;
    normalise(signature);
    f_->inputs = flat_inputs(signature.inputs);
    const std::size_t arguments = f_->body->scope.num_arguments();
    check(f_->inputs.size() + captures_.size() == arguments, "{}: function '{}' has {} arguments; its signature has {} tensors and {} captures",
          model_->source, concrete_name, arguments, f_->inputs.size(), captures_.size());
    f_->bound.resize(f_->inputs.size());
    f_->bound.insert(f_->bound.end(), captures_.begin(), captures_.end());
    for (std::size_t i = 0; i < f_->inputs.size(); ++i) f_->input_arguments.push_back(static_cast<int>(i));
    const auto outputs = flat_inputs(signature.outputs).size();
    check(outputs == f_->body->plan.outputs.size(), "{}: function '{}' has {} outputs; its signature has {}", model_->source, concrete_name,
          f_->body->plan.outputs.size(), outputs);
    for (std::size_t i = 0; i < outputs; ++i) f_->output_positions.push_back(static_cast<int>(i));
    f_->signature = std::move(signature);
    return finish();
  }

  // Tensors of the main graph. `keyword` inputs are named arguments, as in signatures.
  ConvertedFunction tensors(std::vector<SignatureTensor> inputs, const std::vector<SignatureTensor>& outputs, Signature signature, bool keyword,
                            bool find_inputs) {
    read_gradients();
    read_graph_gradients();
    std::vector<std::string> feeds, wanted;
    for (const auto& capture : options_.captures) {
      feeds.push_back(capture.node);
      captures_.push_back(capture.name.empty() ? Value(capture.value, true)
                                               : Value(add_variable({capture.name, capture.value, capture.trainable, {}, {}}, capture.node)));
    }
    for (const auto& output : outputs) wanted.push_back(output.tensor);
    if (find_inputs) inputs = placeholders(wanted, feeds);
    std::vector<std::string> all = feeds;
    for (const auto& input : inputs) all.push_back(input.tensor);
    f_->body = std::make_shared<const Body>(model_->main(wanted, all));
    f_->bound = captures_;
    f_->bound.resize(all.size());
    StructuredValue args, kwargs, result;
    args.kind = Kind::tuple;
    kwargs.kind = Kind::dict;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      StructuredValue leaf;
      leaf.kind = Kind::tensor;
      leaf.tensor = inputs[i].spec;
      leaf.tensor.name = inputs[i].key;
      (keyword ? kwargs : args).items.emplace_back(keyword ? inputs[i].key : "", leaf);
      if (!keyword) signature.parameters.push_back(inputs[i].key);
      f_->input_arguments.push_back(static_cast<int>(feeds.size() + i));
    }
    signature.inputs.kind = Kind::tuple;
    signature.inputs.items = {{"", args}, {"", kwargs}};
    f_->inputs = flat_inputs(signature.inputs);
    set_outputs(outputs, signature, keyword);
    f_->signature = std::move(signature);
    add_graph_variables();
    return finish();
  }

 private:
  // Always (args, kwargs), whatever the file left out.
  static void normalise(Signature& s) {
    if (s.inputs.items.size() != 2 || !s.inputs.items[0].second.is_container() || !s.inputs.items[1].second.is_container()) {
      StructuredValue args, kwargs, both;
      args.kind = both.kind = Kind::tuple;
      kwargs.kind = Kind::dict;
      if (s.inputs.kind != Kind::none) args.items.emplace_back("", s.inputs);
      both.items = {{"", args}, {"", kwargs}};
      s.inputs = both;
    }
  }

  void set_outputs(const std::vector<SignatureTensor>& outputs, Signature& signature, bool keyword) {
    StructuredValue dict;
    dict.kind = Kind::dict;
    std::map<std::string, int> positions;
    for (std::size_t i = 0; i < outputs.size(); ++i) positions.emplace(outputs[i].key, static_cast<int>(i));
    for (const auto& [key, i] : positions) {
      StructuredValue leaf;
      leaf.kind = Kind::tensor;
      leaf.tensor = outputs[static_cast<std::size_t>(i)].spec;
      dict.items.emplace_back(key, leaf);
      f_->output_positions.push_back(i);
    }
    signature.outputs = dict.items.size() == 1 && !keyword ? dict.items[0].second : dict;
  }

  std::vector<SignatureTensor> placeholders(const std::vector<std::string>& wanted, const std::vector<std::string>& feeds) const {
    const Body body = model_->main(wanted, feeds);
    std::vector<int> ids;
    for (const auto& step : body.plan.steps) {
      if (body.scope.node(step.node).op() == "Placeholder") ids.push_back(step.node);
    }
    std::ranges::sort(ids);
    std::vector<SignatureTensor> found;
    for (const int id : ids) found.push_back({body.scope.node(id).name(), body.scope.node(id).name() + ":0", placeholder_spec(body.scope.node(id))});
    return found;
  }

 public:
  static TensorSpec placeholder_spec(const tf::NodeDef& node) {
    TensorSpec spec{.name = node.name(), .type = "INVALID", .dtype = std::nullopt, .shape = std::nullopt};
    const auto type = node.attr().find("dtype"), shape = node.attr().find("shape");
    const bool placeholder = node.op().starts_with("Placeholder");
    if (placeholder && type != node.attr().end()) {
      spec.dtype = dtype_from_proto(type->second.type());
      spec.type = type_name(type->second.type());
    }
    // TF1 wrote a scalar shape for placeholders of unknown shape before version 24; graphs of today say so.
    if (placeholder && shape != node.attr().end()) spec.shape = shape_from_proto(shape->second.shape(), node.name());
    return spec;
  }

 private:
  VariableRef add_variable(ImportedVariable variable, const std::string& key) {
    if (const auto it = model_->variable_nodes.find(key); it != model_->variable_nodes.end()) {
      return {it->second, model_->variables[it->second].name};
    }
    std::string name = variable.name;
    for (int& last = suffixes_[name]; !names_.insert(name).second;) name = fmt::format("{}_{}", variable.name, ++last);
    variable.name = name;
    const std::size_t index = model_->variables.size();
    model_->variable_nodes[key] = index;
    model_->variables.push_back(std::move(variable));
    f_->captured.push_back(index);
    return {index, name};
  }

  Array read(const ModelVariable& v) const {
    if (!model_->saved->checkpoint() || !model_->saved->checkpoint()->contains(v.key)) return {};
    const TensorData data = model_->saved->read(v);
    const auto* x = std::get_if<Array>(&data);
    return x ? *x : Array();
  }

  Value value_of(const Capture& capture) {
    switch (capture.kind) {
      case Capture::Kind::variable: {
        const auto* v = objects_->variable(capture.node);
        return Value(add_variable({v->name, read(*v), v->trainable, v->spec, {}}, fmt::format("object {}", capture.node)));
      }
      case Capture::Kind::constant:
        if (const auto* x = std::get_if<Array>(&capture.constant)) return Value(*x, true);
        return Value(std::get<StringTensor>(capture.constant));
      case Capture::Kind::asset: return Value(StringTensor{{}, {capture.name}});
      default: return {};
    }
  }

  // Gradient functions registered in a SavedModel.
  void read_gradients() {
    for (const auto& g : model_->library.graph().proto().library().registered_gradients()) {
      GradientRule rule{.function = g.gradient_func(), .captures = {}, .none_outputs = 0};
      try {
        if (objects_) {
          const auto concrete = objects_->concrete(rule.function);
          for (const auto& capture : concrete.captures) {
            const bool tensor = capture.kind == Capture::Kind::tensor;
            rule.captures.push_back({tensor ? capture.name : "", capture.function, tensor ? Value() : value_of(capture)});
          }
          for (const auto& [key, output] : concrete.outputs.items) {
            if (output.kind != Kind::none) break;
            ++rule.none_outputs;
          }
        }
      } catch (const LookupError&) {
        // Without its structure the function is called with cotangents alone.
      }
      model_->gradients[g.registered_op_type()] = std::move(rule);
    }
  }

  void read_graph_gradients() {
    for (const auto& [op_type, gradient] : options_.gradients) {
      GradientRule rule{.function = gradient.function, .captures = {}, .none_outputs = gradient.none_outputs};
      for (const auto& capture : gradient.captures) {
        if (const auto* name = std::get_if<std::string>(&capture)) rule.captures.push_back({*name, "*", {}});
        else rule.captures.push_back({"", "", Value(std::get<Array>(capture), true)});
      }
      model_->gradients[op_type] = std::move(rule);
    }
  }

  // Variable nodes that the plan and the functions it calls evaluate.
  void add_graph_variables() {
    std::set<std::string> seen;
    std::deque<std::string> functions;
    const auto scan = [&](const Body& body) {
      std::vector<int> ids;
      for (const auto& step : body.plan.steps) ids.push_back(step.node);
      std::ranges::sort(ids);
      for (const int id : ids) {
        const auto& node = body.scope.node(id);
        if (node.op() == "VarHandleOp" || node.op() == "VariableV2" || node.op() == "Variable") add_variable_node(node);
        for (const auto& name : called_functions(model_->library, node)) {
          if (model_->library.find(name) && seen.insert(name).second) functions.push_back(name);
        }
      }
    };
    scan(*f_->body);
    for (; !functions.empty(); functions.pop_front()) scan(*model_->body(functions.front()));
  }

  void add_variable_node(const tf::NodeDef& node) {
    std::string shared;
    if (const auto it = node.attr().find("shared_name"); it != node.attr().end()) shared = it->second.s();
    ImportedVariable variable{.name = node.name(), .initial = {}, .trainable = true, .spec = {}, .node_op = node.op()};
    for (const auto& name : {node.name(), shared}) {
      const auto it = stored_.find(name);
      if (it == stored_.end() || name.empty()) continue;
      variable.initial = read(*it->second);
      variable.trainable = it->second->trainable;
      variable.spec = it->second->spec;
      break;
    }
    const auto ref = add_variable(std::move(variable), node.name());
    if (!shared.empty()) model_->variable_nodes.emplace(shared, ref.index);
  }

  ConvertedFunction finish() {
    model_->check_supported(*f_->body);
    for (const auto i : f_->captured) {
      const auto& v = model_->variables[i];
      if (v.initial.has_value()) f_->params.set(Variable(v.name, in_canonical_type(v.initial), v.trainable));
    }
    f_->model = model_;
    return ConvertedFunction(f_);
  }

  const ConvertOptions& options_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<ImportedFunction> f_;
  const ObjectGraph* objects_ = nullptr;
  Values captures_;
  std::set<std::string> names_;   // of variables
  std::map<std::string, int> suffixes_;
  std::map<std::string, const ModelVariable*> stored_;
};

ConvertedFunction from_tensors(Importer& importer, const FunctionLibrary& library, const ConvertOptions& options) {
  std::unordered_map<std::string_view, const tf::NodeDef*> nodes;
  for (const auto& node : library.graph().proto().node()) nodes.emplace(node.name(), &node);
  const auto named_tensor = [&](const std::string& tensor) -> SignatureTensor {
    const std::string base = tensor.substr(0, tensor.find(':'));
    const auto it = nodes.find(base);
    if (it == nodes.end()) raise<LookupError>("{}: there is no tensor '{}' in the graph", library.graph().source(), tensor);
    // "x:0" and "x" are one tensor, known by its node's name.
    const bool first = tensor == base || tensor == base + ":0";
    return {first ? base : tensor, tensor, Importer::placeholder_spec(*it->second)};
  };
  std::vector<SignatureTensor> inputs, outputs;
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
  static const std::set<std::string> kNoValue{"NoOp", "Assert", "Placeholder", "SaveV2", "RestoreV2", "Const", "VarHandleOp", "AssignVariableOp", "Assign", "MergeV2Checkpoints"};
  std::vector<std::string> names;
  for (const auto& node : graph.proto().node()) {
    if (!used.contains(node.name()) && !kNoValue.contains(node.op())) names.push_back(node.name());
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
  for (const auto& name : function.concrete) list += fmt::format("\n  {}: {}", name, model.objects()->concrete(name).inputs.to_string());
  raise<ValueError>("{}: Found {} concrete functions for '{}'; name one of them in ConvertOptions::function:{}", model.directory().string(),
                    function.concrete.size(), function.path, list);
}

std::string available(const SavedModel& model) {
  std::string text;
  for (const auto& [name, s] : model.signatures()) {
    if (name != "__saved_model_init_op") text += (text.empty() ? "signatures '" : ", '") + name + "'";
  }
  std::string functions;
  if (model.objects()) {
    for (const auto& f : model.objects()->functions()) {
      if (!f.is_signature && f.path.find('.') == std::string::npos) functions += (functions.empty() ? "functions '" : ", '") + f.path + "'";
    }
  }
  return text + (text.empty() || functions.empty() ? "" : "; ") + functions;
}

ConvertedFunction convert_signature(const SavedModel& model, const std::string& name, Importer& importer) {
  const auto it = model.signatures().find(name);
  if (it == model.signatures().end()) raise<LookupError>("{}: there is no signature '{}'. There are: {}.", model.directory().string(), name, available(model));
  Signature signature;
  signature.name = name;
  if (model.objects()) {
    if (const auto* concrete = model.objects()->signature_function(name)) return importer.function(*concrete, std::move(signature));
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
  raise<LookupError>("{}: there is no function '{}'. There are: {}.", model.directory().string(), path, available(model));
}

ConvertedFunction without_variables(ConvertedFunction f) {
  std::string names;
  for (const auto& [name, v] : f.params()) names += (names.empty() ? "'" : ", '") + name + "'";
  check(f.params().empty(), "Expected function to have no captured variables, found {{{}}}", names);
  return f;
}

ConvertedFunction convert_saved_model(const SavedModel& model, const ConvertOptions& options) {
  Importer importer(model.directory().string(), model.library(), options);
  importer.set_saved_model(model);
  if (!options.outputs.empty()) return from_tensors(importer, model.library(), options);
  if (!options.function.empty()) return convert_function(model, options.function, importer);
  if (!options.signature.empty()) return convert_signature(model, options.signature, importer);
  std::vector<std::string> signatures, functions;
  for (const auto& [name, s] : model.signatures()) {
    if (name != "__saved_model_init_op") signatures.push_back(name);
  }
  if (std::ranges::find(signatures, "serving_default") != signatures.end()) return convert_signature(model, "serving_default", importer);
  if (signatures.size() == 1) return convert_signature(model, signatures[0], importer);
  if (model.objects() && signatures.empty()) {
    for (const auto& f : model.objects()->functions()) {
      if (!f.is_signature && f.path.find('.') == std::string::npos && !f.path.starts_with('_') && !f.concrete.empty()) functions.push_back(f.path);
    }
    if (functions.empty() && model.objects()->find("__call__")) functions.push_back("__call__");
    if (functions.size() == 1) return convert_function(model, functions[0], importer);
  }
  raise<LookupError>("{}: say what to convert: a signature, a function, or outputs. There are: {}.", model.directory().string(), available(model));
}

ConvertedFunction convert_graph(const Graph& graph, const ConvertOptions& options) {
  const FunctionLibrary library(graph);
  Importer importer(graph.source(), library, options);
  ConvertOptions chosen = options;
  if (chosen.outputs.empty()) chosen.outputs = sinks(graph);
  check(!chosen.outputs.empty(), "{}: the graph computes nothing", graph.source());
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
    if (std::filesystem::is_directory(path, ignored)) return convert(SavedModel::load(path, {.tags = options.tags}), options);
    return convert(Graph::load(path), options);
  });
}

ConvertedFunction convert_functional(const std::filesystem::path& path, const ConvertOptions& options) { return without_variables(convert(path, options)); }
ConvertedFunction convert_functional(const SavedModel& model, const ConvertOptions& options) { return without_variables(convert(model, options)); }
ConvertedFunction convert_functional(const Graph& graph, const ConvertOptions& options) { return without_variables(convert(graph, options)); }

OpCounts unsupported_ops(const Graph& graph) {
  const auto converters = current_converters();
  OpCounts counts;
  for (const auto& [op, n] : graph.op_counts()) {
    if (!converters->find(op)) counts[op] = n;
  }
  return counts;
}

}  // namespace tf2jax
