// The object graph, the main graph and the signatures of a SavedModel, as TensorFlow writes them.
#include "tf2jax/jax2tf/internal/model_writer.h"

#include "tf2jax/tf_graph/internal/structured_proto.h"

namespace tf2jax::jax2tf {

namespace tf = tensorflow;
using Kind = StructuredValue::Kind;

namespace {

Dims static_dims(const Shape& shape) {
  Dims out;
  for (const Dim d : shape) out.push_back(d.is_constant() ? d.value() : -1);
  return out;
}
StructuredValue tensor_value(const std::string& name, const Aval& aval) {
  StructuredValue v;
  v.kind = Kind::tensor;
  v.tensor.name = name;
  v.tensor.dtype = aval.dtype;
  v.tensor.shape = static_dims(aval.shape);
  return v;
}
StructuredValue of_kind(Kind kind) {
  StructuredValue v;
  v.kind = kind;
  return v;
}
// The structure with its numbered tensors described.
StructuredValue described(const StructuredValue& v, const std::function<StructuredValue(std::size_t)>& tensor) {
  if (v.kind == Kind::tensor) return tensor(v.integer);
  StructuredValue out = v;
  for (auto& [key, child] : out.items) child = described(child, tensor);
  return out;
}
StructuredValue arguments_value(StructuredValue positional, StructuredValue keywords) {
  StructuredValue out = of_kind(Kind::tuple);
  out.items.push_back({"", std::move(positional)});
  out.items.push_back({"", std::move(keywords)});
  return out;
}

void fill_spec(tf::FunctionSpec& spec, const std::vector<std::string>& args, const std::vector<std::string>& keywords) {
  const auto list = [](const std::vector<std::string>& names) {
    StructuredValue v = of_kind(Kind::list);
    for (const auto& name : names) {
      StructuredValue s = of_kind(Kind::string);
      s.string = name;
      v.items.push_back({"", std::move(s)});
    }
    return v;
  };
  StructuredValue full = of_kind(Kind::named_tuple);
  full.string = "FullArgSpec";
  full.items = {{"args", list(args)},
                {"varargs", of_kind(Kind::none)},
                {"varkw", of_kind(Kind::none)},
                {"defaults", of_kind(Kind::none)},
                {"kwonlyargs", list(keywords)},
                {"kwonlydefaults", of_kind(Kind::none)},
                {"annotations", of_kind(Kind::dict)}};
  *spec.mutable_fullargspec() = tf2jax::detail::structured_to_proto(full);
  spec.mutable_input_signature()->mutable_none_value();
}

void set_user_object(tf::SavedObject& object, const std::string& identifier) {
  object.mutable_user_object()->set_identifier(identifier);
  object.mutable_user_object()->mutable_version()->set_producer(1);
  object.mutable_user_object()->mutable_version()->set_min_consumer(1);
}

void set_info(tf::TensorInfo& info, const std::string& tensor, const Aval& aval) {
  info.set_name(tensor);
  info.set_dtype(tf2jax::detail::dtype_to_proto(aval.dtype));
  *info.mutable_tensor_shape() = tf2jax::detail::shape_to_proto(static_dims(aval.shape));
}

}  // namespace

int ModelWriter::add_node() {
  objects_.add_nodes();
  return objects_.nodes_size() - 1;
}
void ModelWriter::add_child(int parent, int child, const std::string& name) {
  auto& reference = *node(parent).add_children();
  reference.set_node_id(child);
  reference.set_local_name(name);
}

ModelWriter::ModelWriter(const Variables& variables) : variables_(variables) {
  set_user_object(node(add_node()), "_generic_user_object");
  add_variables();
  signature_map_ = add_node();
  set_user_object(node(signature_map_), "signature_map");
  add_child(0, signature_map_, "signatures");
}

void ModelWriter::add_variables() {
  const int list = add_node();
  set_user_object(node(list), "trackable_list_wrapper");
  add_child(0, list, "variables");
  int i = 0;
  for (const auto& [name, v] : variables_) {
    check(v.value().is_concrete(), "jax2tf::save: variable '{}' has no value. Got a traced {}.", name, v.aval());
    const int at = add_node();
    auto& variable = *node(at).mutable_variable();
    variable.set_dtype(tf2jax::detail::dtype_to_proto(v.aval().dtype));
    *variable.mutable_shape() = tf2jax::detail::shape_to_proto(v.value().dims());
    variable.set_trainable(v.trainable());
    variable.set_name(name);
    add_child(list, at, fmt::format("{}", i++));
    variable_nodes_[name] = at;
    tf::NodeDef& handle = *graph_.add_node();
    handle.set_name(name);
    handle.set_op("VarHandleOp");
    (*handle.mutable_attr())["dtype"].set_type(variable.dtype());
    *(*handle.mutable_attr())["shape"].mutable_shape() = variable.shape();
    (*handle.mutable_attr())["shared_name"].set_s(name);
    tf::NodeDef& read = *graph_.add_node();
    read.set_name(name + "/Read/ReadVariableOp");
    read.set_op("ReadVariableOp");
    read.add_input(name);
    (*read.mutable_attr())["dtype"].set_type(variable.dtype());
  }
}

void ModelWriter::describe_concrete(const Entry& e) {
  auto& concrete = (*objects_.mutable_concrete_functions())[e.name];
  for (const auto& v : e.variables) concrete.add_bound_inputs(variable_nodes_.at(v));
  StructuredValue positional = of_kind(Kind::tuple);
  const Traced& t = *e.traced;
  for (const auto& argument : t.arguments)
    positional.items.push_back({"", described(argument, [&](std::size_t i) {
                                  return tensor_value(t.names[i], tensorflow_aval(t.jaxpr.input(i)));
                                })});
  *concrete.mutable_canonicalized_input_signature() =
      tf2jax::detail::structured_to_proto(arguments_value(std::move(positional), of_kind(Kind::dict)));
  *concrete.mutable_output_signature() = tf2jax::detail::structured_to_proto(
      described(t.result, [&](std::size_t i) { return tensor_value(fmt::format("tensor_{}", i), e.outputs[i]); }));
}

void ModelWriter::describe_gradient(const WrittenGradient& g) {
  auto& concrete = (*objects_.mutable_concrete_functions())[g.name];
  for (const auto& tensor : g.captures) {
    const auto [it, added] = captured_nodes_.try_emplace({g.captured_from, tensor}, -1);
    if (added) {
      it->second = add_node();
      node(it->second).mutable_captured_tensor()->set_name(tensor);
      node(it->second).mutable_captured_tensor()->set_concrete_function(g.captured_from);
    }
    concrete.add_bound_inputs(it->second);
  }
  StructuredValue positional = of_kind(Kind::tuple), results = of_kind(Kind::list);
  positional.items.push_back({"", of_kind(Kind::none)});  // the operation itself
  for (std::size_t i = 0; i < g.gradients.size(); ++i)
    positional.items.push_back({"", tensor_value(fmt::format("result_grads_{}", i), g.gradients[i])});
  for (std::size_t i = 0; i < g.none_outputs; ++i) results.items.push_back({"", of_kind(Kind::none)});
  for (std::size_t i = 0; i < g.results.size(); ++i)
    results.items.push_back({"", tensor_value(fmt::format("tensor_{}", g.none_outputs + i), g.results[i])});
  *concrete.mutable_canonicalized_input_signature() =
      tf2jax::detail::structured_to_proto(arguments_value(std::move(positional), of_kind(Kind::dict)));
  *concrete.mutable_output_signature() = tf2jax::detail::structured_to_proto(results);
}

void ModelWriter::add_function(const std::string& name, const ExportedFunction& f) {
  const ExportState& state = f.state();
  const int at = add_node();
  add_child(0, at, name);
  for (const auto& traced : state.traces) {
    Entry e{traced, library_.unique_name(fmt::format("__inference_{}", name)), {}, {}, {}};
    const WrittenFunction written = write_function(library_, *traced, e.name, state.options, variables_);
    e.variables = written.variables;
    e.outputs = written.outputs;
    e.signature = written.function.signature();
    library_.add(written.function);
    describe_concrete(e);
    for (const WrittenGradient& g : written.gradients) describe_gradient(g);
    node(at).mutable_function()->add_concrete_functions(e.name);
    first_trace_.try_emplace(name, std::move(e));
  }
  fill_spec(*node(at).mutable_function()->mutable_function_spec(), state.traces.front()->argument_names, {});
}

// A name that no node of the main graph has, those of the saver included, which come last.
std::string ModelWriter::unused_name(std::string name) const {
  const auto is_taken = [&] {
    const auto has_it = [&](const tf::NodeDef& n) { return n.name() == name; };
    return name == "saver_filename" || std::ranges::any_of(graph_.node(), has_it);
  };
  while (is_taken()) name += '_';
  return name;
}

// A function that takes and gives dictionaries, and the nodes of the main graph that call it.
std::string ModelWriter::write_signature_function(const std::string& key, const Entry& e, tf::SignatureDef& signature) {
  tf::FunctionDef f;
  f.mutable_signature()->set_name(library_.unique_name("__inference_signature_wrapper"));
  *f.mutable_signature()->mutable_input_arg() = e.signature.input_arg();
  f.mutable_signature()->set_is_stateful(true);
  tf::NodeDef& inner = *f.add_node_def();
  tf::NodeDef call;
  call.set_op("StatefulPartitionedCall");
  auto& attrs = *call.mutable_attr();
  attrs["Tin"].mutable_list();
  attrs["Tout"].mutable_list();
  for (const auto& arg : e.signature.input_arg()) attrs["Tin"].mutable_list()->add_type(arg.type());
  for (const auto& out : e.signature.output_arg()) attrs["Tout"].mutable_list()->add_type(out.type());
  inner = call;
  inner.set_name("StatefulPartitionedCall");
  (*inner.mutable_attr())["f"].mutable_func()->set_name(e.name);
  for (const auto& arg : e.signature.input_arg()) inner.add_input(arg.name());
  f.mutable_signature()->add_control_output(inner.name());
  (*f.mutable_control_ret())[inner.name()] = inner.name();

  tf::NodeDef& outer = *graph_.add_node();
  outer = call;
  outer.set_name(calls_ ? fmt::format("StatefulPartitionedCall_{}", calls_) : "StatefulPartitionedCall");
  ++calls_;
  (*outer.mutable_attr())["f"].mutable_func()->set_name(f.signature().name());
  const std::string call_name = outer.name();
  std::vector<tf::NodeDef> placeholders;
  for (std::size_t i = 0; i < e.traced->names.size(); ++i) {
    const Aval aval = tensorflow_aval(e.traced->jaxpr.input(i));
    tf::NodeDef& n = placeholders.emplace_back();
    n.set_name(unused_name(key + "_" + e.traced->names[i]));
    n.set_op("Placeholder");
    (*n.mutable_attr())["dtype"].set_type(tf2jax::detail::dtype_to_proto(aval.dtype));
    *(*n.mutable_attr())["shape"].mutable_shape() = tf2jax::detail::shape_to_proto(static_dims(aval.shape));
    outer.add_input(n.name());
    set_info((*signature.mutable_inputs())[e.traced->names[i]], n.name() + ":0", aval);
  }
  for (const auto& v : e.variables) outer.add_input(v);
  for (auto& n : placeholders) *graph_.add_node() = std::move(n);
  for (std::size_t i = 0; i < e.outputs.size(); ++i) {
    tf::NodeDef& n = *f.add_node_def();
    n.set_name(i ? fmt::format("Identity_{}", i) : "Identity");
    n.set_op("Identity");
    n.add_input(fmt::format("StatefulPartitionedCall:output:{}", i));
    (*n.mutable_attr())["T"].set_type(e.signature.output_arg(static_cast<int>(i)).type());
    const std::string out = i ? fmt::format("identity_{}", i) : "identity";
    auto& arg = *f.mutable_signature()->add_output_arg();
    arg.set_name(out);
    arg.set_type(e.signature.output_arg(static_cast<int>(i)).type());
    (*f.mutable_ret())[out] = n.name() + ":output:0";
    set_info((*signature.mutable_outputs())[fmt::format("output_{}", i)], fmt::format("{}:{}", call_name, i),
             e.outputs[i]);
  }
  std::string name = f.signature().name();
  library_.add(std::move(f));
  return name;
}

void ModelWriter::add_signature(const std::string& key, const std::string& function) {
  const auto it = first_trace_.find(function);
  check(it != first_trace_.end(), "jax2tf::save: signature '{}' names a function that is not saved. Got '{}'.", key,
        function);
  const Entry& e = it->second;
  tf::SignatureDef& signature = (*meta_.mutable_signature_def())[key];
  signature.set_method_name("tensorflow/serving/predict");
  const std::string name = write_signature_function(key, e, signature);
  const int at = add_node();
  add_child(signature_map_, at, key);
  auto& bare = *node(at).mutable_bare_concrete_function();
  bare.set_concrete_function_name(name);
  for (const auto& argument : e.traced->names) bare.add_argument_keywords(argument);
  bare.set_allowed_positional_arguments(e.traced->names.size() == 1 ? 1 : 0);
  fill_spec(*bare.mutable_function_spec(), {}, e.traced->names);
  auto& concrete = (*objects_.mutable_concrete_functions())[name];
  for (const auto& v : e.variables) concrete.add_bound_inputs(variable_nodes_.at(v));
  StructuredValue keywords = of_kind(Kind::dict), results = of_kind(Kind::dict);
  for (std::size_t i = 0; i < e.traced->names.size(); ++i)
    keywords.items.push_back(
        {e.traced->names[i], tensor_value(e.traced->names[i], tensorflow_aval(e.traced->jaxpr.input(i)))});
  for (std::size_t i = 0; i < e.outputs.size(); ++i) {
    const std::string out = fmt::format("output_{}", i);
    results.items.push_back({out, tensor_value(out, e.outputs[i])});
  }
  *concrete.mutable_canonicalized_input_signature() =
      tf2jax::detail::structured_to_proto(arguments_value(of_kind(Kind::tuple), std::move(keywords)));
  *concrete.mutable_output_signature() = tf2jax::detail::structured_to_proto(results);
}

// What restores and stores the variables of a session that runs the main graph.
void ModelWriter::write_saver() {
  const auto add = [&](const std::string& op, const std::string& name) -> tf::NodeDef& {
    tf::NodeDef& n = *graph_.add_node();
    n.set_name(name);
    n.set_op(op);
    return n;
  };
  const auto strings = [&](const std::string& name, const std::vector<std::string>& values) {
    tf::NodeDef& n = add("Const", name);
    (*n.mutable_attr())["dtype"].set_type(tf::DT_STRING);
    *(*n.mutable_attr())["value"].mutable_tensor() =
        tf2jax::detail::tensor_to_proto(StringTensor{{static_cast<std::int64_t>(values.size())}, values});
  };
  tf::NodeDef& file = add("Placeholder", "saver_filename");
  (*file.mutable_attr())["dtype"].set_type(tf::DT_STRING);
  (*file.mutable_attr())["shape"].mutable_shape();
  std::vector<std::string> keys, restored;
  tf::AttrValue types;
  types.mutable_list();
  for (const auto& [name, at] : variable_nodes_) {
    keys.push_back(fmt::format("variables/{}/.ATTRIBUTES/VARIABLE_VALUE", keys.size()));
    types.mutable_list()->add_type(node(at).variable().dtype());
  }
  if (!keys.empty()) {
    strings("save/tensor_names", keys);
    strings("save/shape_and_slices", std::vector<std::string>(keys.size()));
    for (const char* op : {"RestoreV2", "SaveV2"}) {
      tf::NodeDef& n = add(op, std::string("save/") + op);
      for (const char* input : {"saver_filename", "save/tensor_names", "save/shape_and_slices"}) n.add_input(input);
      (*n.mutable_attr())["dtypes"] = types;
      if (std::string_view(op) == "SaveV2")
        for (const auto& [name, at] : variable_nodes_) n.add_input(name + "/Read/ReadVariableOp");
    }
    int i = 0;
    for (const auto& [name, at] : variable_nodes_) {
      tf::NodeDef& assign = add("AssignVariableOp", fmt::format("save/AssignVariableOp_{}", i));
      assign.add_input(name);
      assign.add_input(i ? fmt::format("save/RestoreV2:{}", i) : "save/RestoreV2");
      (*assign.mutable_attr())["dtype"].set_type(node(at).variable().dtype());
      restored.push_back("^" + assign.name());
      ++i;
    }
  }
  tf::NodeDef& all = add("NoOp", "save/restore_all");
  for (const auto& r : restored) all.add_input(r);
  tf::NodeDef& saved = add("Identity", "save/control_dependency");
  saved.add_input("saver_filename");
  if (!keys.empty()) saved.add_input("^save/SaveV2");
  (*saved.mutable_attr())["T"].set_type(tf::DT_STRING);
  tf::SaverDef& saver = *meta_.mutable_saver_def();
  saver.set_filename_tensor_name("saver_filename:0");
  saver.set_save_tensor_name("save/control_dependency:0");
  saver.set_restore_op_name("save/restore_all");
  saver.set_version(tf::SaverDef::V2);
}

tf::SavedModel ModelWriter::finish(std::map<std::string, TensorData>& checkpoint) {
  write_saver();
  tf::TrackableObjectGraph trackable;
  for (const auto& object : objects_.nodes()) *trackable.add_nodes()->mutable_children() = object.children();
  int i = 0;
  for (const auto& [name, v] : variables_) {
    const std::string key = fmt::format("variables/{}/.ATTRIBUTES/VARIABLE_VALUE", i++);
    auto& attribute = *trackable.mutable_nodes(variable_nodes_.at(name))->add_attributes();
    attribute.set_name("VARIABLE_VALUE");
    attribute.set_full_name(name);
    attribute.set_checkpoint_key(key);
    checkpoint[key] = v.value();
  }
  checkpoint["_CHECKPOINTABLE_OBJECT_GRAPH"] = StringTensor{{}, {tf2jax::detail::serialize(trackable)}};
  auto& info = *meta_.mutable_meta_info_def();
  info.add_tags("serve");
  info.set_stripped_default_attrs(true);
  *meta_.mutable_graph_def() = std::move(graph_);
  meta_.mutable_graph_def()->mutable_versions()->set_producer(1500);
  meta_.mutable_graph_def()->mutable_versions()->set_min_consumer(12);
  library_.fill(*meta_.mutable_graph_def()->mutable_library());
  *meta_.mutable_object_graph_def() = std::move(objects_);
  tf::SavedModel model;
  model.set_saved_model_schema_version(1);
  *model.add_meta_graphs() = std::move(meta_);
  return model;
}

}  // namespace tf2jax::jax2tf
