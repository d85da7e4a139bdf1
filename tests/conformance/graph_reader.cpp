// A recorded graph: how it is converted and called.
#include "graph_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace conformance {

using namespace tf2jax;

Config config_of(const json& c) {
  Config config = tf2jax::config();
  config.enable_x64 = c.value("x64", false);
  for (const auto& [name, value] : c.at("config").items()) {
    const ConfigScope scope(config);
    if (value.is_boolean()) {
      const auto inner = override_config(name, value.get<bool>());
      config = tf2jax::config();
    } else if (name == "resize_bilinear_precision") {
      config.resize_bilinear_precision = value.get<std::string>();
    } else if (name == "gradient_convention") {
      config.gradient_convention = value == "tf" ? GradientConvention::tf : GradientConvention::jax;
    } else {
      throw Unsupported("option " + name);
    }
  }
  return config;
}

Arrays outputs_of(const Tree& tree, const std::vector<std::string>& names) {
  if (tree.kind() != Tree::Kind::dict) return tree::leaves(tree);
  Arrays out;
  for (const std::string& name : names) {
    const std::string bare = name.ends_with(":0") ? name.substr(0, name.size() - 2) : name;
    if (tree.contains(name)) out.push_back(tree[name].array());
    else if (tree.contains(name + ":0")) out.push_back(tree[name + ":0"].array());
    else if (tree.contains(bare)) out.push_back(tree[bare].array());
    else throw std::runtime_error(fmt::format("no output '{}' among {}", name, tree.to_string()));
  }
  return out;
}

Graph graph_of(const Golden& golden, const json& c) {
  const auto bytes = golden.bytes(c.at("graph"));
  return Graph::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                      c.at("name").get<std::string>());
}

Arrays not_null(const Golden& golden, const json& list, bool narrow) {
  Arrays out;
  for (const json& s : list)
    if (!s.is_null()) out.push_back(golden.array(s, narrow));
  return out;
}

namespace {

GraphCapture capture_of(const Golden& golden, const json& c, bool narrow) {
  GraphCapture out{.node = c.at("node").get<std::string>(),
                   .name = {},
                   .value = golden.array(c.at("value"), narrow),
                   .trainable = true};
  if (c.value("kind", "") == "variable") {
    out.name = c.at("name").get<std::string>();
    out.trainable = c.value("trainable", true);
  }
  return out;
}

GraphGradient gradient_of(const Golden& golden, const json& c, bool narrow) {
  GraphGradient out{.function = c.at("function").get<std::string>()};
  if (c.contains("captures"))
    for (const json& capture : c.at("captures")) {
      if (capture.is_string()) out.captures.emplace_back(capture.get<std::string>());
      else out.captures.emplace_back(golden.array(capture, narrow));
    }
  out.none_outputs = c.value("none_outputs", std::size_t{0});
  return out;
}

bool is_static(const json& input) { return input.value("static", false); }

}  // namespace

ConvertOptions conversion_of(const Golden& golden, const json& c) {
  const bool narrow = !c.value("x64", false);
  ConvertOptions options;
  for (const json& capture : c.at("captures")) options.captures.push_back(capture_of(golden, capture, narrow));
  for (const auto& [type, gradient] : c.at("gradients").items())
    options.gradients.emplace(type, gradient_of(golden, gradient, narrow));
  return options;
}

GraphCase::GraphCase(const Golden& golden, const json& c)
    : golden_(golden),
      c_(c),
      narrow_(!c.value("x64", false)),
      output_names_(c.at("output_names").get<std::vector<std::string>>()) {
  ConvertOptions options = conversion_of(golden, c);
  options.jit = std::ranges::none_of(c.at("inputs"), is_static);
  for (const json& input : c.at("inputs")) options.inputs.push_back(input.at("name").get<std::string>());
  options.outputs = output_names_;
  f_ = convert(graph_of(golden, c), options);
  read_inputs();
}

void GraphCase::read_inputs() {
  for (const json& input : c_.at("inputs")) {
    if (!is_static(input)) traced_.push_back(inputs_.size());
    inputs_.push_back(golden_.array(input.at("value"), narrow_));
  }
  arguments_ = pick(inputs_, traced_);
  has_key_ = c_.contains("rng_key") && !c_.at("rng_key").is_null();
  if (has_key_) arguments_.push_back(golden_.array(c_.at("rng_key")));
}

std::vector<Axis> GraphCase::mapped() const {
  std::vector<Axis> out(traced_.size(), 0);
  out.resize(arguments_.size(), std::nullopt);
  return out;
}

// The record lists every input, or those that are not static.
Arrays GraphCase::batched(const json& inputs) const {
  const bool all_listed = inputs.size() == inputs_.size();
  if (!all_listed && inputs.size() != traced_.size())
    throw std::runtime_error(fmt::format("{} batches for {} inputs", inputs.size(), traced_.size()));
  Arrays out = arguments_;
  for (std::size_t i = 0; i < traced_.size(); ++i) out[i] = golden_.array(inputs[all_listed ? traced_[i] : i], narrow_);
  return out;
}

CallArguments GraphCase::call_arguments(const Arrays& arguments) const {
  Arrays all = inputs_;
  for (std::size_t i = 0; i < traced_.size(); ++i) all[traced_[i]] = arguments.at(i);
  CallArguments out;
  for (const Array& x : all) out.positional.push_back(Tree(x));
  if (has_key_) out.key = arguments.at(traced_.size());
  return out;
}

FlatFn GraphCase::outputs() const {
  return [this](const Arrays& xs) { return outputs_of(f_->call(call_arguments(xs)), output_names_); };
}

FlatFn GraphCase::outputs_and_updates(const std::vector<std::string>& variables) const {
  return [this, variables](const Arrays& xs) {
    const auto [outputs, params] = f_->apply().call(f_->params(), call_arguments(xs));
    Arrays out = outputs_of(outputs, output_names_);
    for (const std::string& name : variables) out.push_back(params.at(name).value());
    return out;
  };
}

FlatFn GraphCase::of_variables(const std::vector<std::string>& variables) const {
  return [this, variables](const Arrays& xs) {
    Variables params = f_->params();
    for (std::size_t i = 0; i < variables.size(); ++i)
      params.set(Variable(variables[i], xs.at(arguments_.size() + i), params.at(variables[i]).trainable()));
    return outputs_of(f_->apply().call(params, call_arguments(xs)).first, output_names_);
  };
}

Arrays GraphCase::values_of(const std::vector<std::string>& variables) const {
  Arrays out;
  for (const std::string& name : variables) out.push_back(f_->params().at(name).value());
  return out;
}

Differentiable GraphCase::differentiable(const json& wrt, const json& wanted) const {
  Differentiable d{outputs(), arguments_.size(), {}, {}};
  for (const json& name : wrt)
    for (std::size_t i = 0; i < traced_.size(); ++i)
      if (c_.at("inputs")[traced_[i]].at("name") == name) d.in.push_back(i);
  if (d.in.size() != wrt.size()) throw std::runtime_error("an input that is differentiated is not among the arguments");
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!wanted[i].is_null()) d.out.push_back(i);
  return d;
}

}  // namespace conformance
