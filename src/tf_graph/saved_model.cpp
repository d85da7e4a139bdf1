// Reading SavedModel directories.
#include "tf2jax/tf_graph/saved_model.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <algorithm>
#include <set>

namespace tf2jax {

namespace tf = tensorflow;
namespace fs = std::filesystem;
using namespace detail;

struct SavedModel::Impl {
  fs::path directory;
  std::shared_ptr<const tf::MetaGraphDef> meta;
  std::vector<std::string> tags;
  std::optional<Graph> graph;
  std::optional<FunctionLibrary> library;
  std::map<std::string, ModelSignature> signatures;
  std::optional<TensorBundle> checkpoint;
  std::optional<ObjectGraph> objects;
  std::vector<ModelVariable> variables;
};

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& p : parts) text += (text.empty() ? "'" : ", '") + p + "'";
  return "{" + text + "}";
}

std::vector<std::string> tags_of(const tf::MetaGraphDef& meta) {
  std::vector<std::string> tags(meta.meta_info_def().tags().begin(), meta.meta_info_def().tags().end());
  std::ranges::sort(tags);
  return tags;
}

int choose_meta_graph(const tf::SavedModel& model, std::vector<std::string> wanted, const std::string& source) {
  check(model.meta_graphs_size() > 0, "{}: the SavedModel has no meta graph.", source);
  std::ranges::sort(wanted);
  std::string available;
  for (int i = 0; i < model.meta_graphs_size(); ++i) {
    const auto tags = tags_of(model.meta_graphs(i));
    available += (available.empty() ? "" : ", ") + joined(tags);
    if (!wanted.empty() && tags == wanted) return i;
  }
  check(wanted.empty(), "{}: no meta graph has the tags {}. There are: {}.", source, joined(wanted), available);
  for (int i = 0; i < model.meta_graphs_size(); ++i) {
    const auto tags = tags_of(model.meta_graphs(i));
    if (std::ranges::find(tags, "serve") != tags.end()) return i;
  }
  if (model.meta_graphs_size() == 1) return 0;
  for (int i = 0; i < model.meta_graphs_size(); ++i) {
    if (tags_of(model.meta_graphs(i)).empty()) return i;
  }
  raise<ValueError>("{}: several meta graphs, none tagged 'serve': {}. Name the tags to read.", source, available);
}

std::vector<SignatureTensor> signature_tensors(const google::protobuf::Map<std::string, tf::TensorInfo>& infos,
                                               const std::string& where) {
  std::vector<SignatureTensor> tensors;
  for (const auto& [key, info] : infos) {
    // Sparse and composite tensors have no single name; they matter only if the signature is used.
    tensors.push_back({key, info.name(), make_spec(key, info.dtype(), info.tensor_shape(), where)});
  }
  std::ranges::sort(tensors, {}, &SignatureTensor::key);
  return tensors;
}

std::string without_index(std::string name) {
  if (name.ends_with(":0")) name.resize(name.size() - 2);
  return name;
}

// TF1: the collection of variables, else every variable node.
std::vector<ModelVariable> graph_variables(const tf::MetaGraphDef& meta, const std::string& source) {
  std::set<std::string> trainable;
  std::vector<std::string> names;
  for (const char* collection : {"trainable_variables", "variables"}) {
    const auto it = meta.collection_def().find(collection);
    if (it == meta.collection_def().end()) continue;
    for (const auto& bytes : it->second.bytes_list().value()) {
      tf::VariableDef definition;
      parse_binary(bytes, definition, fmt::format("{}: collection '{}'", source, collection));
      const auto name = without_index(definition.variable_name());
      if (std::string_view(collection) == "trainable_variables") trainable.insert(name);
      names.push_back(name);
    }
  }
  const bool known = !names.empty();
  std::vector<ModelVariable> variables;
  for (const auto& node : meta.graph_def().node()) {
    const bool is_variable = node.op() == "VariableV2" || node.op() == "Variable" || node.op() == "VarHandleOp";
    if (!is_variable) continue;
    ModelVariable v;
    v.name = node.name();
    v.key = node.name();
    if (const auto shared = node.attr().find("shared_name");
        node.op() == "VarHandleOp" && shared != node.attr().end() && !shared->second.s().empty()) {
      v.key = shared->second.s();
    }
    v.trainable = !known || trainable.contains(v.name) || trainable.contains(v.key);
    const auto type = node.attr().find("dtype"), shape = node.attr().find("shape");
    v.spec = make_spec(v.name, type == node.attr().end() ? tf::DT_INVALID : type->second.type(),
                       shape == node.attr().end() ? tf::TensorShapeProto() : shape->second.shape(),
                       fmt::format("{}: variable '{}'", source, v.name));
    variables.push_back(std::move(v));
  }
  return variables;
}

}  // namespace

bool SavedModel::exists(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_regular_file(directory / "saved_model.pb", ignored) ||
         fs::is_regular_file(directory / "saved_model.pbtxt", ignored);
}

SavedModel SavedModel::load(const fs::path& directory, const SavedModelOptions& options) {
  return with_errors(directory.string(), [&] { return read(directory, options); });
}

SavedModel SavedModel::read(const fs::path& directory, const SavedModelOptions& options) {
  std::error_code ignored;
  check<IoError>(fs::exists(directory, ignored), "cannot open '{}': there is no such folder.", directory.string());
  check<IoError>(exists(directory),
                 "'{}': this is not a SavedModel. It has neither saved_model.pb nor saved_model.pbtxt.",
                 directory.string());
  const bool binary = fs::is_regular_file(directory / "saved_model.pb", ignored);
  const fs::path file = directory / (binary ? "saved_model.pb" : "saved_model.pbtxt");
  auto model = std::make_shared<tf::SavedModel>();
  parse_file(file, *model);
  auto impl = std::make_shared<Impl>();
  impl->directory = directory;
  const std::string source = file.string();
  const int chosen = choose_meta_graph(*model, options.tags, source);
  impl->meta = std::shared_ptr<const tf::MetaGraphDef>(model, &model->meta_graphs(chosen));
  const auto& meta = *impl->meta;
  impl->tags = tags_of(meta);
  impl->graph.emplace(std::shared_ptr<const tf::GraphDef>(model, &meta.graph_def()), source);
  impl->library.emplace(*impl->graph,
                        std::shared_ptr<const tf::OpList>(model, &meta.meta_info_def().stripped_op_list()));
  for (const auto& [name, signature] : meta.signature_def()) {
    const auto where = fmt::format("{}: signature '{}'", source, name);
    impl->signatures[name] = {name, signature.method_name(), signature_tensors(signature.inputs(), where),
                              signature_tensors(signature.outputs(), where)};
  }
  const fs::path prefix = directory / "variables" / "variables";
  if (fs::exists(prefix.string() + ".index", ignored)) impl->checkpoint = TensorBundle::open(prefix);
  if (meta.has_object_graph_def() && meta.object_graph_def().nodes_size() > 0) {
    impl->objects.emplace(impl->meta, impl->checkpoint ? &*impl->checkpoint : nullptr, source);
    impl->variables = impl->objects->variables();
  } else {
    impl->variables = graph_variables(meta, source);
  }
  SavedModel result;
  result.impl_ = std::move(impl);
  return result;
}

const fs::path& SavedModel::directory() const { return impl_->directory; }
const std::vector<std::string>& SavedModel::tags() const { return impl_->tags; }
const std::string& SavedModel::tensorflow_version() const { return impl_->meta->meta_info_def().tensorflow_version(); }
const Graph& SavedModel::graph() const { return *impl_->graph; }
const FunctionLibrary& SavedModel::library() const { return *impl_->library; }
const std::map<std::string, ModelSignature>& SavedModel::signatures() const { return impl_->signatures; }
const ObjectGraph* SavedModel::objects() const { return impl_->objects ? &*impl_->objects : nullptr; }
const std::vector<ModelVariable>& SavedModel::variables() const { return impl_->variables; }
const TensorBundle* SavedModel::checkpoint() const { return impl_->checkpoint ? &*impl_->checkpoint : nullptr; }

TensorData SavedModel::read(const ModelVariable& variable) const {
  const TensorBundle* bundle = checkpoint();
  if (!bundle)
    raise<LookupError>("{}: variable '{}' has no value; there is no variables/variables.index.",
                       impl_->directory.string(), variable.name);
  return bundle->read(variable.key);
}

}  // namespace tf2jax
