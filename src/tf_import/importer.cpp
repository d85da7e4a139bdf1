// Binding what a function captures: variables, constants, gradient functions, arguments.
#include "tf2jax/tf_import/internal/importer.h"

#include "tf2jax/ops/random.h"
#include "tf2jax/tf_import/internal/interpreter.h"
#include "tf2jax/tf_import/internal/lookup_table.h"
#include "tf2jax/trace/trace.h"

#include <algorithm>
#include <deque>

namespace tf2jax::tf_import {

namespace tf = tensorflow;
using detail::dtype_from_proto, detail::shape_from_proto, detail::type_name;
using Kind = StructuredValue::Kind;

namespace {

// Always (args, kwargs), whatever the file left out.
void normalise(Signature& s) {
  if (s.inputs.items.size() != 2 || !s.inputs.items[0].second.is_container() ||
      !s.inputs.items[1].second.is_container()) {
    StructuredValue args, kwargs, both;
    args.kind = both.kind = Kind::tuple;
    kwargs.kind = Kind::dict;
    if (s.inputs.kind != Kind::none) args.items.emplace_back("", s.inputs);
    both.items = {{"", args}, {"", kwargs}};
    s.inputs = both;
  }
}

}  // namespace

Importer::Importer(std::string source, const FunctionLibrary& library, const ConvertOptions& options)
    : options_(options),
      model_(std::make_shared<Model>(std::move(source), library)),
      f_(std::make_shared<ImportedFunction>()) {
  f_->jit = options.jit;
  model_->sizes = options.sizes;
}

void Importer::set_saved_model(const SavedModel& saved) {
  model_->saved = saved;
  objects_ = model_->saved->objects();
  for (const auto& v : model_->saved->variables()) stored_.emplace(v.name, &v);
}

ConvertedFunction Importer::function(const std::string& concrete_name, Signature signature) {
  const ConcreteFunction concrete = objects_->concrete(concrete_name);
  read_gradients();
  for (const auto& capture : concrete.captures) captures_.push_back(value_of(capture));
  f_->body = model_->body(concrete_name);
  signature.inputs = concrete.inputs;
  signature.outputs = concrete.outputs;
  normalise(signature);
  f_->inputs = flat_inputs(signature.inputs);
  const std::size_t arguments = f_->body->scope.num_arguments();
  check(f_->inputs.size() + captures_.size() == arguments,
        "{}: function '{}' has the wrong number of arguments. Got {}; expected {} tensors and {} captures.",
        model_->source, concrete_name, arguments, f_->inputs.size(), captures_.size());
  f_->bound.resize(f_->inputs.size());
  f_->bound.insert(f_->bound.end(), captures_.begin(), captures_.end());
  for (std::size_t i = 0; i < f_->inputs.size(); ++i) f_->input_arguments.push_back(static_cast<int>(i));
  const auto outputs = flat_inputs(signature.outputs).size();
  check(outputs == f_->body->plan.outputs.size(),
        "{}: function '{}' has the wrong number of outputs. Got {}; expected {}.", model_->source, concrete_name,
        f_->body->plan.outputs.size(), outputs);
  for (std::size_t i = 0; i < outputs; ++i) f_->output_positions.push_back(static_cast<int>(i));
  f_->signature = std::move(signature);
  return finish();
}

ConvertedFunction Importer::tensors(std::vector<SignatureTensor> inputs, const std::vector<SignatureTensor>& outputs,
                                    Signature signature, bool keyword, bool find_inputs) {
  read_gradients();
  read_graph_gradients();
  fill_graph_tables();
  std::vector<std::string> feeds, wanted;
  for (const auto& capture : options_.captures) {
    feeds.push_back(capture.node);
    captures_.push_back(
        capture.name.empty()
            ? Value(capture.value, true)
            : Value(add_variable({capture.name, capture.value, capture.trainable, {}, {}}, capture.node)));
  }
  for (const auto& output : outputs) wanted.push_back(output.tensor);
  if (find_inputs) inputs = placeholders(wanted, feeds);
  std::vector<std::string> all = feeds;
  for (const auto& input : inputs) all.push_back(input.tensor);
  f_->body = std::make_shared<const Body>(model_->main(wanted, all));
  f_->bound = captures_;
  f_->bound.resize(all.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) f_->input_arguments.push_back(static_cast<int>(feeds.size() + i));
  if (signature.inputs.items.empty()) {
    set_inputs(inputs, signature, keyword);
    set_outputs(outputs, signature, keyword);
  } else {
    for (std::size_t i = 0; i < outputs.size(); ++i) f_->output_positions.push_back(static_cast<int>(i));
  }
  f_->inputs = flat_inputs(signature.inputs);
  f_->signature = std::move(signature);
  add_graph_variables();
  return finish();
}

void Importer::set_inputs(const std::vector<SignatureTensor>& inputs, Signature& signature, bool keyword) {
  StructuredValue args, kwargs;
  args.kind = Kind::tuple;
  kwargs.kind = Kind::dict;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    StructuredValue leaf;
    leaf.kind = Kind::tensor;
    leaf.tensor = inputs[i].spec;
    leaf.tensor.name = inputs[i].key;
    (keyword ? kwargs : args).items.emplace_back(keyword ? inputs[i].key : "", leaf);
    if (!keyword) signature.parameters.push_back(inputs[i].key);
  }
  signature.inputs.kind = Kind::tuple;
  signature.inputs.items = {{"", args}, {"", kwargs}};
}

void Importer::set_outputs(const std::vector<SignatureTensor>& outputs, Signature& signature, bool keyword) {
  StructuredValue dict;
  dict.kind = Kind::dict;
  std::map<std::string, int> positions;
  for (std::size_t i = 0; i < outputs.size(); ++i) positions.emplace(outputs[i].key, static_cast<int>(i));
  for (const auto& [key, i] : positions) {
    StructuredValue leaf;
    leaf.kind = Kind::tensor;
    leaf.tensor = outputs[i].spec;
    dict.items.emplace_back(key, leaf);
    f_->output_positions.push_back(i);
  }
  signature.outputs = dict.items.size() == 1 && !keyword ? dict.items[0].second : dict;
}

std::vector<SignatureTensor> Importer::placeholders(const std::vector<std::string>& wanted,
                                                    const std::vector<std::string>& feeds) const {
  const Body body = model_->main(wanted, feeds);
  std::vector<int> ids;
  for (const auto& step : body.plan.steps) {
    if (body.scope.node(step.node).op() == "Placeholder") ids.push_back(step.node);
  }
  std::ranges::sort(ids);
  std::vector<SignatureTensor> found;
  for (const int id : ids)
    found.push_back(
        {body.scope.node(id).name(), body.scope.node(id).name() + ":0", placeholder_spec(body.scope.node(id))});
  return found;
}

TensorSpec Importer::placeholder_spec(const tf::NodeDef& node) {
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

VariableRef Importer::add_variable(ImportedVariable variable, const std::string& key) {
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

Array Importer::read(const ModelVariable& v) const {
  if (!model_->saved->checkpoint() || !model_->saved->checkpoint()->contains(v.key)) return {};
  const TensorData data = model_->saved->read(v);
  const auto* x = std::get_if<Array>(&data);
  return x ? *x : Array();
}

Value Importer::value_of(const Capture& capture) {
  switch (capture.kind) {
    case Capture::Kind::variable: {
      const auto* v = objects_->variable(capture.node);
      return Value(
          add_variable({v->name, read(*v), v->trainable, v->spec, {}}, fmt::format("object {}", capture.node)));
    }
    case Capture::Kind::constant:
      if (const auto* x = std::get_if<Array>(&capture.constant)) return Value(*x, true);
      return Value(std::get<StringTensor>(capture.constant));
    case Capture::Kind::asset: return Value(StringTensor{{}, {capture.name}});
    case Capture::Kind::resource: return table_at(capture.node);
    default: return {};
  }
}

// A resource with a function that fills it is a table.
Value Importer::table_at(int node) {
  const std::string initializer = objects_->initializer(node);
  if (initializer.empty()) return {};
  auto& table = tables_[node];
  if (table) return TableRef{table};
  table = std::make_shared<LookupTable>();
  const ConcreteFunction fill = objects_->concrete(initializer);
  Values arguments;
  for (const auto& capture : fill.captures)
    arguments.push_back(capture.node == node ? Value(TableRef{table}) : value_of(capture));
  const TraceScope eval(eval_trace());
  try {
    Interpreter(model_, {}, {}).call(initializer, arguments);
  } catch (const UnsupportedOpError&) {
    return {};  // some other resource; what reads it says so
  }
  table->seal();
  return TableRef{table};
}

// Tables that nodes of the main graph make and others fill.
void Importer::fill_graph_tables() {
  const auto& nodes = model_->library.graph().proto().node();
  std::map<std::string, std::vector<const tf::NodeDef*>> fillers;
  for (const auto& node : nodes)
    if (node.op().starts_with("InitializeTable") || node.op().starts_with("LookupTableImport"))
      if (node.input_size() > 0) fillers[node.input(0).substr(0, node.input(0).find(':'))].push_back(&node);
  if (fillers.empty()) return;
  for (const auto& node : nodes) {
    const auto it = fillers.find(node.name());
    if (it == fillers.end() || node.op().find("HashTable") == std::string::npos) continue;
    const auto table = model_->tables[node.name()] = std::make_shared<LookupTable>();
    const TraceScope eval(eval_trace());
    try {
      for (const auto* filler : it->second) Interpreter(model_, {}, {}).run(model_->effect(filler->name()), {});
      table->seal();
    } catch (const Error&) {  // perhaps nobody reads it; who does says that nothing fills it
      model_->tables.erase(node.name());
    }
  }
}

void Importer::read_gradients() {
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

void Importer::read_graph_gradients() {
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
void Importer::add_graph_variables() {
  std::set<std::string> seen;
  std::deque<std::string> functions;
  const auto scan = [&](const Body& body) {
    std::vector<int> ids;
    for (const auto& step : body.plan.steps) ids.push_back(step.node);
    std::ranges::sort(ids);
    for (const int id : ids) {
      const auto& node = body.scope.node(id);
      if (model_->converters->traits(node.op()).is_variable) add_variable_node(node);
      for (const auto& name : called_functions(model_->library, node)) {
        if (model_->library.find(name) && seen.insert(name).second) functions.push_back(name);
      }
    }
  };
  scan(*f_->body);
  for (; !functions.empty(); functions.pop_front()) scan(*model_->body(functions.front()));
}

// What the variable's initialiser in the graph, "v/Assign", assigns, where that is computed from constants.
Array Importer::initial_value(const tf::NodeDef& node) const {
  const auto& nodes = model_->library.graph().proto().node();
  const auto it = std::ranges::find(nodes, node.name() + "/Assign", &tf::NodeDef::name);
  const bool assigns = it != nodes.end() && it->op().starts_with("Assign") && it->input_size() >= 2 &&
                       it->input(0).substr(0, it->input(0).find(':')) == node.name();
  if (!assigns) return {};
  try {
    const TraceScope eval(eval_trace());
    // Random ones are drawn once, each by a key of its own.
    const Array key = random::fold_in(random::key(0), Array(static_cast<std::int32_t>(model_->variables.size())));
    const Values out =
        Interpreter(model_, Arrays(model_->variables.size()), key).run(model_->main({it->input(1)}, {}), {});
    const auto* x = out.at(0).get_if<Array>();
    return x ? *x : Array();
  } catch (const Error&) {  // a file's: the caller gives it
    return {};
  }
}

void Importer::add_variable_node(const tf::NodeDef& node) {
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
  if (!variable.initial.has_value()) variable.initial = initial_value(node);
  const auto ref = add_variable(std::move(variable), node.name());
  if (!shared.empty()) model_->variable_nodes.emplace(shared, ref.index);
}

ConvertedFunction Importer::finish() {
  model_->check_supported(*f_->body);
  for (const auto i : f_->captured) {
    const auto& v = model_->variables[i];
    if (v.initial.has_value()) f_->params.set(Variable(v.name, in_canonical_type(v.initial), v.trainable));
  }
  f_->model = model_;
  return ConvertedFunction(f_);
}

}  // namespace tf2jax::tf_import
