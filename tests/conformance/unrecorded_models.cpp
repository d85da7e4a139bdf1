// Models without recorded values.
#include "unrecorded_models.h"

#include <fmt/format.h>

#include <unistd.h>

#include <filesystem>

#include "derivative_checks.h"
#include "differentiable.h"
#include "execution.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_graph/object_graph.h"
#include "tf2jax/tf_graph/saved_model.h"
#include "tf2jax/tf_graph/tensor_bundle.h"
#include "tf2jax/tf_import/convert.h"
#include "tf_graph.pb.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

// The record counts the nodes of each operation.
void check_operations(const json& c, const Graph& graph, CaseResult& result) {
  const auto got = graph.op_counts();
  const auto want = c.at("ops").get<std::map<std::string, std::int64_t>>();
  for (const auto& [op, n] : want)
    if (!got.contains(op) || got.at(op) != n)
      result.fail("graph", fmt::format("{}: got {} nodes, expected {}", op, got.contains(op) ? got.at(op) : 0, n));
  if (got.size() != want.size())
    result.fail("graph", fmt::format("got {} operations, expected {}", got.size(), want.size()));
}

// A checkpoint alone: every tensor is read, and what is written again is the same.
void check_checkpoint(const fs::path& prefix, CaseResult& result) {
  const TensorBundle bundle = TensorBundle::open(prefix);
  std::map<std::string, TensorData> tensors;
  for (const std::string& key : bundle.keys()) tensors.emplace(key, bundle.read(key));
  const fs::path copy = fs::temp_directory_path() / fmt::format("tf2jax_conformance_{}", ::getpid()) / "copy";
  fs::create_directories(copy.parent_path());
  write_tensor_bundle(copy, tensors);
  const TensorBundle again = TensorBundle::open(copy);
  if (again.keys() != bundle.keys()) result.fail("checkpoint", "other keys after writing it");
  for (const auto& [key, value] : tensors) {
    if (const auto* numbers = std::get_if<Array>(&value))
      result.check("checkpoint", again.array(key), *numbers, {.exact = true}, key);
    else if (again.strings(key) != std::get<StringTensor>(value))
      result.fail("checkpoint", key + ": other strings after writing it");
  }
  fs::remove_all(copy.parent_path());
}

// Unknown sizes are 2, unknown ranks 0.
Array random_input(const TensorSpec& spec, std::uint32_t seed) {
  if (!spec.dtype) throw Unsupported("inputs of type " + spec.type);
  Shape shape;
  for (const std::int64_t n : spec.shape.value_or(Dims{})) shape.push_back(Dim(n < 0 ? 2 : n));
  const DType dtype = canonical_dtype(*spec.dtype);
  const Array key = random::key(seed);
  if (is_inexact(dtype)) return convert_element_type(random::normal(key, shape, DType::f32), dtype);
  return convert_element_type(random::randint(key, shape, Array(0), Array(2), DType::i32), dtype);
}

// Variables whose values the source does not have, at random.
Variables with_all_variables(Variables params, const Graph& graph) {
  for (const auto& node : graph.proto().node()) {
    if (node.op() != "VariableV2" || params.contains(node.name())) continue;
    Shape shape;
    for (const auto& d : node.attr().at("shape").shape().dim()) shape.push_back(Dim(d.size()));
    params.set(Variable(
        node.name(), random::normal(random::key(static_cast<std::int64_t>(params.size())), shape, DType::f32) * 0.1f));
  }
  return params;
}

// A value of this structure with these arrays for its tensors.
Tree tree_of(const StructuredValue& v, const Arrays& xs, std::size_t& next) {
  using Kind = StructuredValue::Kind;
  if (v.kind == Kind::tensor) return Tree(xs.at(next++));
  if (v.kind == Kind::none) return Tree();
  if (v.kind == Kind::dict || v.kind == Kind::named_tuple) {
    Tree::Dict out;
    for (const auto& [key, item] : v.items) out.insert_or_assign(key, tree_of(item, xs, next));
    return out;
  }
  if (!v.is_container()) throw Unsupported("arguments that are no tensors: " + v.to_string());
  Tree::List out;
  for (const auto& [key, item] : v.items) out.push_back(tree_of(item, xs, next));
  return out;
}

// `inputs` is the pair of positional and keyword arguments.
CallArguments arguments_of(const StructuredValue& inputs, const Arrays& xs) {
  CallArguments out;
  std::size_t next = 0;
  for (const auto& [key, item] : inputs.items.at(0).second.items) out.positional.push_back(tree_of(item, xs, next));
  for (const auto& [key, item] : inputs.items.at(1).second.items)
    out.keywords.insert_or_assign(key, tree_of(item, xs, next));
  out.key = random::key(0);
  return out;
}

// TensorFlow's gradient of this loss is no derivative where labels are no distributions, as random ones are not.
bool has_registered_gradient(const Graph& graph) { return graph.op_counts().contains("SoftmaxCrossEntropyWithLogits"); }

// Forward mode against reverse mode.
void check_modes(const Differentiable& d, const Arrays& inputs, const Arrays& values, const Options& options,
                 CaseResult& result) {
  Arrays tangents, cotangents;
  for (const Array& x : pick(inputs, d.in)) tangents.push_back(ones_like(x));
  for (const Array& y : pick(values, d.out)) cotangents.push_back(ones_like(y));
  parts(options, "derivatives", result, [&](Execution how, const std::string& name) {
    const Arrays ahead = run([&](const Arrays& xs) { return d.jvp(xs); }, join(inputs, tangents), how);
    const Arrays back = run([&](const Arrays& xs) { return d.vjp(xs); }, join(inputs, cotangents), how);
    check_products(cotangents, ahead, back, tangents, 1e-4, name, result);
  });
}

// The function of the model as one of flat inputs.
void check_function(const ConvertedFunction& f, const Variables& params, bool has_own_gradient, const Options& options,
                    CaseResult& result) {
  const std::vector<TensorSpec> specs = f.structured_inputs().tensors();
  Arrays inputs;
  for (const TensorSpec& spec : specs) inputs.push_back(random_input(spec, static_cast<std::uint32_t>(inputs.size())));
  const FlatFn call = [&](const Arrays& xs) {
    return tree::leaves(f.apply().call(params, arguments_of(f.structured_inputs(), xs)).first);
  };
  const Arrays values = under(Execution::uncompiled, [&] { return call(inputs); });
  parts(options, "outputs", result, [&](Execution how, const std::string& name) {
    result.check_all(name, run(call, inputs, how), values, {.scale = 10});
  });
  Positions in, out;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (is_inexact(inputs[i].dtype())) in.push_back(i);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (is_inexact(values[i].dtype())) out.push_back(i);
  if (in.empty() || out.empty()) return;
  if (has_own_gradient) return check_modes({call, inputs.size(), in, out}, inputs, values, options, result);
  const FlatFn differentiated = [&](const Arrays& xs) {
    Arrays all = inputs;
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    return pick(call(all), out);
  };
  parts(options, "derivatives", result, [&](Execution how, const std::string& name) {
    check_differences([&](const Arrays& xs) { return run(differentiated, xs, how); }, pick(inputs, in), true, name,
                      result);
  });
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}
std::vector<std::string> numeric_keys_of(const json& tensors) {
  std::vector<std::string> out;
  for (const auto& [key, tensor] : tensors.items())
    if (tensor.at("dtype") != "string") out.push_back(key);
  return out;
}

}  // namespace

void run_unrecorded_model(const json& c, const std::string& folder, const std::string& model, const Options& options,
                          CaseResult& result) {
  const fs::path path = model == "." ? fs::path(folder) : fs::path(folder) / model;
  const std::string format = c.value("format", "");
  if (format == "tensor_bundle") return result.part("checkpoint", [&] { check_checkpoint(path, result); });
  const auto shapes = override_config(&Config::strict_shape_check, false);
  const bool is_saved_model = SavedModel::exists(path);
  const Graph graph = is_saved_model ? SavedModel::load(path).graph() : Graph::load(path);
  result.part("graph", [&] { check_operations(c, graph, result); });
  const json signatures = c.value("signature", json::object());
  if (signatures.empty() && !is_saved_model) return;  // a graph without weights, of which nothing says what to compute
  const auto check = [&](const ConvertOptions& how) {
    result.part("convert", [&] {
      const ConvertedFunction f = convert(path, how);
      for (const TensorSpec& output : f.structured_outputs().tensors())
        if (output.type == "STRING") throw Unsupported("outputs that are strings");
      check_function(f, with_all_variables(f.params(), graph), has_registered_gradient(graph), options, result);
    });
  };
  if (signatures.empty()) {
    const SavedModel saved = SavedModel::load(path);
    for (const ModelFunction& f : saved.objects()->functions())
      if (!f.concrete.empty()) check({.function = f.path});
  }
  for (const auto& [name, signature] : signatures.items()) {
    if (is_saved_model) check({.signature = name});
    else check({.inputs = keys_of(signature.at("inputs")), .outputs = numeric_keys_of(signature.at("outputs"))});
  }
}

}  // namespace conformance
