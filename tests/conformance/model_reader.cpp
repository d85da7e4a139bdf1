// A model of the corpus: how it is opened and called.
#include "model_reader.h"

#include "graph_reader.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {
bool names_signature(const std::string& key) {
  return key.find('/') != std::string::npos && key.find(':') == std::string::npos;
}
}  // namespace

std::string signature_of(const std::string& key) { return names_signature(key) ? key.substr(0, key.find('/')) : ""; }
std::string without_signature(const std::string& key) {
  return names_signature(key) ? key.substr(key.find('/') + 1) : key;
}

std::map<std::string, Keys> keys_by_signature(const json& c) {
  std::map<std::string, Keys> out;
  for (const auto& [key, file] : c.at("outputs").items()) out[signature_of(key)].outputs.push_back(key);
  const json inputs = c.value("inputs", json::object());
  for (const auto& [key, file] : inputs.items()) out[signature_of(key)].inputs.push_back(key);
  return out;
}

FlatFn Model::function() const {
  return [*this](const Arrays& xs) {
    CallArguments a;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      if (keywords) a.keywords.insert_or_assign(input_names[i], Tree(xs[i]));
      else a.positional.push_back(Tree(xs[i]));
    }
    a.key = random::key(0);
    const Tree out = f->call(a);
    Arrays y = out.is_leaf() ? Arrays{out.array()} : outputs_of(out, output_names);
    if (part)
      for (Array& v : y) v = slice_in_dim(v, part->start, part->stop, 1, part->axis);
    return y;
  };
}

std::vector<std::size_t> Model::inexact_inputs() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (is_inexact(inputs[i].dtype())) out.push_back(i);
  return out;
}

Model open_model(const json& c, const fs::path& folder, const std::string& model, const std::string& signature,
                 const std::vector<std::string>& input_keys, const std::vector<std::string>& output_names) {
  Model m;
  m.output_names = output_names;
  for (const std::string& key : input_keys) {
    m.input_names.push_back(without_signature(key));
    m.inputs.push_back(load_npy(folder / c.at("inputs").at(key).get<std::string>()));
  }
  m.keywords = !signature.empty();
  ConvertOptions options;
  if (signature.empty()) {
    options.inputs = m.input_names;
    options.outputs = m.output_names;
  } else {
    options.signature = signature;
  }
  m.f = convert(model == "." ? folder : folder / model, options);
  if (c.contains("output_slice")) {
    const json& j = c.at("output_slice");
    m.part = {j.at("axis").get<std::int64_t>(), j.at("start").get<std::int64_t>(), j.at("stop").get<std::int64_t>()};
  }
  return m;
}

CaseTolerance tolerance_of_model(const json& c) {
  if (!c.contains("tolerance") || !c.at("tolerance").is_object()) return {};
  return {.rtol = c.at("tolerance").value("rtol", 1e-4), .atol = c.at("tolerance").value("atol", 1e-5)};
}

}  // namespace conformance
