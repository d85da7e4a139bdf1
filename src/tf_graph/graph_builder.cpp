// GraphBuilder over the graph messages.
#include "tf2jax/tf_graph/graph_builder.h"

#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/saved_model.h"

namespace tf2jax {

namespace tf = tensorflow;

struct GraphBuilder::Impl {
  struct Output {
    tf::DataType type;
    std::optional<Dims> shape;
  };
  tf::GraphDef graph;
  std::map<std::string, int> names;
  std::map<std::string, Output> outputs;  // types of signature candidates
  std::map<std::string, TensorData> variables;
  std::vector<std::string> variable_names;

  tf::NodeDef& add(const std::string& op, const std::string& name) {
    const int taken = names[name]++;
    tf::NodeDef& n = *graph.add_node();
    n.set_name(taken ? fmt::format("{}_{}", name, taken) : name);
    n.set_op(op);
    return n;
  }
};

GraphBuilder::GraphBuilder() : impl_(std::make_unique<Impl>()) {
  impl_->graph.mutable_versions()->set_producer(1500);
  impl_->graph.mutable_versions()->set_min_consumer(12);
}
GraphBuilder::~GraphBuilder() = default;
GraphBuilder::GraphBuilder(GraphBuilder&&) noexcept = default;
GraphBuilder& GraphBuilder::operator=(GraphBuilder&&) noexcept = default;

std::string GraphBuilder::placeholder(const std::string& name, DType dtype, const Dims& shape) {
  tf::NodeDef& n = impl_->add("Placeholder", name);
  (*n.mutable_attr())["dtype"].set_type(detail::dtype_to_proto(dtype));
  *(*n.mutable_attr())["shape"].mutable_shape() = detail::shape_to_proto(shape);
  impl_->outputs[n.name()] = {detail::dtype_to_proto(dtype), shape};
  return n.name() + ":0";
}

std::string GraphBuilder::constant(const std::string& name, const Array& value) {
  tf::NodeDef& n = impl_->add("Const", name);
  (*n.mutable_attr())["dtype"].set_type(detail::dtype_to_proto(value.dtype()));
  *(*n.mutable_attr())["value"].mutable_tensor() = detail::tensor_to_proto(value);
  impl_->outputs[n.name()] = {detail::dtype_to_proto(value.dtype()), value.dims()};
  return n.name() + ":0";
}

std::string GraphBuilder::variable(const std::string& name, const Array& value) {
  tf::NodeDef& handle = impl_->add("VarHandleOp", name);
  const std::string variable_name = handle.name();
  const tf::DataType type = detail::dtype_to_proto(value.dtype());
  (*handle.mutable_attr())["dtype"].set_type(type);
  *(*handle.mutable_attr())["shape"].mutable_shape() = detail::shape_to_proto(value.dims());
  (*handle.mutable_attr())["shared_name"].set_s(variable_name);
  (*handle.mutable_attr())["container"].set_s("");
  tf::NodeDef& read = impl_->add("ReadVariableOp", variable_name + "/Read/ReadVariableOp");
  read.add_input(variable_name);
  (*read.mutable_attr())["dtype"].set_type(type);
  impl_->outputs[read.name()] = {type, value.dims()};
  impl_->variables[variable_name] = value;
  impl_->variable_names.push_back(variable_name);
  return read.name() + ":0";
}

std::string GraphBuilder::node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                               const std::map<std::string, AttributeValue>& attributes) {
  tf::NodeDef& n = impl_->add(op, name);
  for (const std::string& i : inputs) n.add_input(i.ends_with(":0") ? i.substr(0, i.size() - 2) : i);
  tf::DataType type = tf::DT_FLOAT;
  for (const auto& [key, value] : attributes) {
    tf::AttrValue& a = (*n.mutable_attr())[key];
    std::visit(
        [&]<class T>(const T& v) {
          if constexpr (std::is_same_v<T, bool>) a.set_b(v);
          else if constexpr (std::is_same_v<T, std::int64_t>) a.set_i(v);
          else if constexpr (std::is_same_v<T, float>) a.set_f(v);
          else if constexpr (std::is_same_v<T, std::string>) a.set_s(v);
          else if constexpr (std::is_same_v<T, DType>) {
            a.set_type(detail::dtype_to_proto(v));
            if (key == "T" || key == "dtype" || key == "DstT") type = a.type();
          } else if constexpr (std::is_same_v<T, Array>) {
            *a.mutable_tensor() = detail::tensor_to_proto(v);
          } else if (key == "shape") {
            *a.mutable_shape() = detail::shape_to_proto(v);
          } else {
            a.mutable_list();
            for (const auto i : v) a.mutable_list()->add_i(i);
          }
        },
        value);
  }
  impl_->outputs[n.name()] = {type, std::nullopt};
  return n.name() + ":0";
}

std::string GraphBuilder::node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                               DType type) {
  return node(op, name, inputs, {{"T", type}});
}

Graph GraphBuilder::graph() const { return Graph(std::make_shared<const tf::GraphDef>(impl_->graph), "GraphBuilder"); }

void GraphBuilder::save(const std::filesystem::path& directory,
                        const std::map<std::string, SignatureEntries>& signatures) const {
  tf::SavedModel model;
  model.set_saved_model_schema_version(1);
  tf::MetaGraphDef& meta = *model.add_meta_graphs();
  meta.mutable_meta_info_def()->add_tags("serve");
  *meta.mutable_graph_def() = impl_->graph;

  // The nodes with which TensorFlow restores the variables.
  tf::GraphDef& graph = *meta.mutable_graph_def();
  const auto add = [&](const std::string& op, const std::string& name) -> tf::NodeDef& {
    tf::NodeDef& n = *graph.add_node();
    n.set_name(name);
    n.set_op(op);
    return n;
  };
  const auto strings = [&](const std::string& name, const std::vector<std::string>& values, bool scalar) {
    tf::NodeDef& n = add("Const", name);
    (*n.mutable_attr())["dtype"].set_type(tf::DT_STRING);
    *(*n.mutable_attr())["value"].mutable_tensor() =
        detail::tensor_to_proto(StringTensor{scalar ? Dims{} : Dims{static_cast<std::int64_t>(values.size())}, values});
  };
  const std::vector<std::string>& names = impl_->variable_names;
  strings("save/Const", {"model"}, true);
  strings("save/tensor_names", names, false);
  strings("save/shape_and_slices", std::vector<std::string>(names.size()), false);
  tf::NodeDef& restore = add("RestoreV2", "save/RestoreV2");
  tf::NodeDef& store = add("SaveV2", "save/SaveV2");
  for (tf::NodeDef* n : {&restore, &store})
    for (const char* input : {"save/Const", "save/tensor_names", "save/shape_and_slices"}) n->add_input(input);
  std::vector<std::string> assigned;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const tf::DataType type = detail::dtype_to_proto(std::get<Array>(impl_->variables.at(names[i])).dtype());
    (*restore.mutable_attr())["dtypes"].mutable_list()->add_type(type);
    (*store.mutable_attr())["dtypes"].mutable_list()->add_type(type);
    store.add_input(names[i] + "/Read/ReadVariableOp");
    tf::NodeDef& assign = add("AssignVariableOp", fmt::format("save/AssignVariableOp_{}", i));
    assign.add_input(names[i]);
    assign.add_input(i ? fmt::format("save/RestoreV2:{}", i) : "save/RestoreV2");
    (*assign.mutable_attr())["dtype"].set_type(type);
    assigned.push_back("^" + assign.name());
    tf::VariableDef definition;
    definition.set_variable_name(names[i] + ":0");
    definition.set_snapshot_name(names[i] + "/Read/ReadVariableOp:0");
    definition.set_initializer_name(assign.name());
    definition.set_is_resource(true);
    definition.set_trainable(true);
    for (const char* collection : {"variables", "trainable_variables"})
      (*meta.mutable_collection_def())[collection].mutable_bytes_list()->add_value(definition.SerializeAsString());
  }
  tf::NodeDef& all = add("NoOp", "save/restore_all");
  for (const std::string& a : assigned) all.add_input(a);
  tf::NodeDef& saved = add("Identity", "save/control_dependency");
  saved.add_input("save/Const");
  saved.add_input("^save/SaveV2");
  (*saved.mutable_attr())["T"].set_type(tf::DT_STRING);
  tf::SaverDef& saver = *meta.mutable_saver_def();
  saver.set_filename_tensor_name("save/Const:0");
  saver.set_save_tensor_name("save/control_dependency:0");
  saver.set_restore_op_name("save/restore_all");
  saver.set_version(tf::SaverDef::V2);

  for (const auto& [name, entries] : signatures) {
    tf::SignatureDef& s = (*meta.mutable_signature_def())[name];
    s.set_method_name("tensorflow/serving/predict");
    const auto fill = [&](const std::map<std::string, std::string>& tensors, auto& target) {
      for (const auto& [key, tensor] : tensors) {
        const auto it = impl_->outputs.find(tensor.substr(0, tensor.find(':')));
        check(it != impl_->outputs.end(), "GraphBuilder::save: signature '{}' names '{}', but there is no such tensor.",
              name, tensor);
        tf::TensorInfo& info = target[key];
        info.set_name(tensor);
        info.set_dtype(it->second.type);
        *info.mutable_tensor_shape() = detail::shape_to_proto(it->second.shape);
      }
    };
    fill(entries.inputs, *s.mutable_inputs());
    fill(entries.outputs, *s.mutable_outputs());
  }
  write_saved_model(directory, model, impl_->variables);
}

}  // namespace tf2jax
