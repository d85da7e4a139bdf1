// The object graph of a TF2 SavedModel.
#include "tf2jax/tf_graph/object_graph.h"

#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/internal/structured_proto.h"

#include <algorithm>
#include <deque>
#include <set>

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

constexpr const char* kVariableSuffix = "/.ATTRIBUTES/VARIABLE_VALUE";
constexpr const char* kObjectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

// How an object is reached: from which one, by which name.
struct Step {
  int from = -1;
  const std::string* name = nullptr;
};

// Breadth first over the object graph; `visit(node, steps)` sees each object once. The steps lead back by a shortest
// path.
template <class Visit>
void walk(const tf::SavedObjectGraph& graph, const std::string& source, Visit visit) {
  if (graph.nodes_size() == 0) return;
  std::vector<Step> steps(graph.nodes_size());
  std::vector<bool> seen(steps.size(), false);
  std::deque<int> queue{0};
  seen[0] = true;
  while (!queue.empty()) {
    const int id = queue.front();
    queue.pop_front();
    visit(id, steps);
    for (const auto& child : graph.nodes(id).children()) {
      const int next = child.node_id();
      check(next >= 0 && next < graph.nodes_size(),
            "{}: object {} refers to object {}, which does not exist (there are {}).", source, id, next,
            graph.nodes_size());
      if (seen[next]) continue;
      seen[next] = true;
      steps[next] = {id, &child.local_name()};
      queue.push_back(next);
    }
  }
}

// The names from the root to an object. Functions deeper than this are none that a program can name, and cost their
// square.
constexpr std::size_t kMaxPath = 10000;
std::vector<std::string> path_to(int id, const std::vector<Step>& steps, const std::string& source) {
  std::vector<std::string> path;
  std::size_t length = 0;
  for (Step step = steps[id]; step.name; step = steps[step.from]) {
    length += step.name->size() + 1;
    check<ResourceExhaustedError>(length <= kMaxPath, "{}: the path to function object {} has more than {} characters.",
                                  source, id, kMaxPath);
    path.push_back(*step.name);
  }
  std::ranges::reverse(path);
  return path;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& p : parts) text += (text.empty() ? "" : ".") + p;
  return text;
}

// Names and defaults from inspect.FullArgSpec; `self` is dropped.
void read_arguments(const tf::FunctionSpec& spec, ModelFunction& function, const std::string& source) {
  if (spec.fullargspec().kind_case() != tf::StructuredValue::kNamedTupleValue) return;
  const StructuredValue full = structured_from_proto(spec.fullargspec(), source);
  std::vector<std::string> positional, keyword_only;
  std::vector<StructuredValue> defaults;
  for (const auto& [key, value] : full.items) {
    if (key == "args" || key == "kwonlyargs") {
      for (const auto& [ignored, name] : value.items)
        (key == "args" ? positional : keyword_only).push_back(name.string);
    }
    if (key == "defaults") {
      for (const auto& [ignored, v] : value.items) defaults.push_back(v);
    }
    if (key == "kwonlydefaults") {
      for (const auto& [name, v] : value.items) function.defaults[name] = v;
    }
  }
  for (std::size_t i = 0; i < std::min(defaults.size(), positional.size()); ++i) {
    function.defaults[positional[positional.size() - 1 - i]] = defaults[defaults.size() - 1 - i];
  }
  if (!positional.empty() && (spec.is_method() || positional.front() == "self")) positional.erase(positional.begin());
  function.argument_names = std::move(positional);
  function.keyword_only = keyword_only.size();
  function.argument_names.insert(function.argument_names.end(), keyword_only.begin(), keyword_only.end());
}

}  // namespace

ObjectGraph::ObjectGraph(std::shared_ptr<const tf::MetaGraphDef> meta, const TensorBundle* checkpoint,
                         std::string source)
    : meta_(std::move(meta)), source_(std::move(source)) {
  read_variables(checkpoint);
  read_functions();
}

void ObjectGraph::read_variables(const TensorBundle* checkpoint) {
  const auto& graph = meta_->object_graph_def();
  // Checkpoint keys by path from the root: both graphs name the edges alike.
  std::map<int, std::string> keys;
  std::map<std::string, std::string> keys_by_name;
  if (checkpoint && checkpoint->contains(kObjectGraphKey)) {
    tf::TrackableObjectGraph tracked;
    const auto strings = checkpoint->strings(kObjectGraphKey);
    check<DataLossError>(strings.values.size() == 1, "{}: the checkpoint's object graph is damaged.", source_);
    parse_binary(strings.values[0], tracked, source_ + ": the checkpoint's object graph");
    const auto key_of = [](const tf::TrackableObjectGraph::TrackableObject& object)
        -> const tf::TrackableObjectGraph::TrackableObject::SerializedTensor* {
      for (const auto& a : object.attributes()) {
        if (a.name() == "VARIABLE_VALUE") return &a;
      }
      return nullptr;
    };
    std::map<int, int> match{{0, 0}};
    std::deque<int> queue{0};
    while (!queue.empty() && tracked.nodes_size() > 0 && graph.nodes_size() > 0) {
      const int id = queue.front();
      queue.pop_front();
      const auto& other = tracked.nodes(match[id]);
      if (const auto* attribute = key_of(other)) keys[id] = attribute->checkpoint_key();
      std::map<std::string_view, int> named;
      for (const auto& child : other.children()) named.emplace(child.local_name(), child.node_id());
      for (const auto& child : graph.nodes(id).children()) {
        const int next = child.node_id();
        check(next >= 0 && next < graph.nodes_size(), "{}: object {} refers to object {}, which does not exist.",
              source_, id, next);
        if (match.contains(next)) continue;
        const auto it = named.find(child.local_name());
        if (it == named.end() || it->second < 0 || it->second >= tracked.nodes_size()) continue;
        match[next] = it->second;
        queue.push_back(next);
      }
    }
    for (const auto& node : tracked.nodes()) {
      if (const auto* attribute = key_of(node))
        keys_by_name.emplace(attribute->full_name(), attribute->checkpoint_key());
    }
  }
  for (int id = 0; id < graph.nodes_size(); ++id) {
    if (graph.nodes(id).kind_case() != tf::SavedObject::kVariable) continue;
    const auto& v = graph.nodes(id).variable();
    ModelVariable variable;
    variable.node = id;
    variable.name = v.name().empty() ? fmt::format("variable_{}", id) : v.name();
    if (const auto colon = variable.name.rfind(":0"); colon != std::string::npos && colon + 2 == variable.name.size())
      variable.name.resize(colon);
    variable.trainable = v.trainable();
    variable.spec =
        make_spec(variable.name, v.dtype(), v.shape(), fmt::format("{}: variable '{}'", source_, variable.name));
    if (const auto it = keys.find(id); it != keys.end()) variable.key = it->second;
    else if (const auto by_name = keys_by_name.find(variable.name); by_name != keys_by_name.end())
      variable.key = by_name->second;
    else variable.key = variable.name + kVariableSuffix;
    variables_.push_back(std::move(variable));
  }
}

void ObjectGraph::read_functions() {
  const auto& graph = meta_->object_graph_def();
  walk(graph, source_, [&](int id, const std::vector<Step>& steps) {
    const auto& object = graph.nodes(id);
    if (!object.has_function() && !object.has_bare_concrete_function()) return;
    const auto path = path_to(id, steps, source_);
    ModelFunction function;
    function.path = join(path);
    function.is_signature = path.size() == 2 && path[0] == "signatures";
    if (object.has_function()) {
      function.concrete = {object.function().concrete_functions().begin(),
                           object.function().concrete_functions().end()};
      read_arguments(object.function().function_spec(), function, source_);
    } else {
      const auto& bare = object.bare_concrete_function();
      function.concrete = {bare.concrete_function_name()};
      function.argument_names = {bare.argument_keywords().begin(), bare.argument_keywords().end()};
      const auto positional = std::clamp<std::int64_t>(bare.allowed_positional_arguments(), 0,
                                                       static_cast<std::int64_t>(function.argument_names.size()));
      function.keyword_only = function.argument_names.size() - static_cast<std::size_t>(positional);
    }
    if (function.is_signature && function.concrete.size() == 1) signatures_[path[1]] = function.concrete[0];
    functions_.push_back(std::move(function));
  });
}

const ModelFunction* ObjectGraph::find(std::string_view path) const {
  const auto it = std::ranges::find(functions_, path, &ModelFunction::path);
  return it == functions_.end() ? nullptr : &*it;
}

const std::string* ObjectGraph::signature_function(std::string_view key) const {
  const auto it = signatures_.find(key);
  return it == signatures_.end() ? nullptr : &it->second;
}

const ModelVariable* ObjectGraph::variable(int node) const {
  const auto it = std::ranges::lower_bound(variables_, node, {}, &ModelVariable::node);  // they are read in this order
  return it == variables_.end() || it->node != node ? nullptr : &*it;
}

std::string ObjectGraph::initializer(int node) const {
  const auto& nodes = meta_->object_graph_def().nodes();
  if (node < 0 || node >= nodes.size()) return {};
  for (const auto& child : nodes[node].children()) {
    if (child.local_name() != "_initialize" || child.node_id() < 0 || child.node_id() >= nodes.size()) continue;
    const auto& function = nodes[child.node_id()].function();
    if (function.concrete_functions_size() > 0) return function.concrete_functions(0);
  }
  return {};
}

Capture ObjectGraph::capture(int node, const std::string& function) const {
  const auto& graph = meta_->object_graph_def();
  check(node >= 0 && node < graph.nodes_size(), "{}: function '{}' captures object {}, which does not exist.", source_,
        function, node);
  const auto& object = graph.nodes(node);
  Capture c;
  c.node = node;
  switch (object.kind_case()) {
    case tf::SavedObject::kVariable:
      c.kind = Capture::Kind::variable;
      c.name = variable(node)->name;
      break;
    case tf::SavedObject::kConstant: {
      c.kind = Capture::Kind::constant;
      c.name = object.constant().operation();
      const auto& nodes = meta_->graph_def().node();
      const auto it = std::ranges::find(nodes, c.name, &tf::NodeDef::name);
      const bool found = it != nodes.end() && it->attr().contains("value");
      check(found, "{}: function '{}' captures the constant '{}', which the graph lacks.", source_, function, c.name);
      c.constant =
          tensor_from_proto(it->attr().at("value").tensor(), fmt::format("{}: constant '{}'", source_, c.name), meta_);
      break;
    }
    case tf::SavedObject::kAsset: {
      c.kind = Capture::Kind::asset;
      const int index = object.asset().asset_file_def_index();
      check(index >= 0 && index < meta_->asset_file_def_size(), "{}: asset {} does not exist.", source_, index);
      c.name = meta_->asset_file_def(index).filename();
      break;
    }
    case tf::SavedObject::kResource:
      c.kind = Capture::Kind::resource;
      c.name = fmt::format("resource_{}", node);
      break;
    case tf::SavedObject::kCapturedTensor:
      c.kind = Capture::Kind::tensor;
      c.name = object.captured_tensor().name();
      c.function = object.captured_tensor().concrete_function();
      break;
    default: c.name = fmt::format("object_{}", node);
  }
  return c;
}

ConcreteFunction ObjectGraph::concrete(const std::string& name) const {
  const auto& table = meta_->object_graph_def().concrete_functions();
  const auto it = table.find(name);
  if (it == table.end()) raise<LookupError>("{}: there is no concrete function '{}'.", source_, name);
  const auto where = fmt::format("{}: function '{}'", source_, name);
  ConcreteFunction f;
  f.name = name;
  f.inputs = structured_from_proto(it->second.canonicalized_input_signature(), where);
  f.outputs = structured_from_proto(it->second.output_signature(), where);
  for (const int node : it->second.bound_inputs()) f.captures.push_back(capture(node, name));
  return f;
}

}  // namespace tf2jax
