// Models as SavedModels of ours in plain TensorFlow operations, with inputs and what they compute here:
//   export_models DIR OUT [--only RE] [--gradients], then tflite_check.py OUT lets TensorFlow convert and run them.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>

#include "model_reader.h"
#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/jax2tf/jax2tf.h"

namespace {

using namespace tf2jax;
namespace fs = std::filesystem;
using conformance::json;

// The folder, its bytes and those of what was written from it.
void export_model(const fs::path& folder, const fs::path& out, bool gradients) {
  std::ifstream file(folder / "case.json");
  const json c = json::parse(file);
  if (!c.contains("outputs") || !c.contains("inputs") || c.at("inputs").empty()) raise<ValueError>("no recorded call");
  const auto signatures = conformance::keys_by_signature(c);
  const auto& [signature, keys] = *signatures.begin();
  std::vector<std::string> names;
  for (const std::string& key : keys.outputs) names.push_back(conformance::without_signature(key));
  const auto shapes = override_config(&Config::strict_shape_check, false);
  const conformance::Model model =
      conformance::open_model(c, folder, c.value("model", "."), signature, keys.inputs, names);
  const auto f = [f = model.function()](const std::vector<Array>& xs) { return std::vector<Array>(f(xs)); };
  const auto exported = jax2tf::convert(f, {.with_gradient = gradients, .enable_xla = false}).trace(model.inputs);
  jax2tf::save(out, {{"f", exported}}, {.variables = model.f->params()});
  std::map<std::string, Array> arrays;
  for (std::size_t i = 0; i < model.inputs.size(); ++i) arrays[fmt::format("in{}", i)] = model.inputs[i];
  const Arrays results = f(model.inputs);
  for (std::size_t i = 0; i < results.size(); ++i) arrays[fmt::format("out{}", i)] = results[i];
  save_npz(fs::path(out.string() + ".npz"), arrays);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes models back as SavedModels in plain TensorFlow operations.");
  std::string directory, out, only;
  bool gradients = false;
  app.add_option("directory", directory, "Folder of models, each with its case.json")->required();
  app.add_option("out", out, "Folder for what is written")->required();
  app.add_option("--only", only, "Models: a regular expression");
  app.add_flag("--gradients", gradients, "With their gradients");
  CLI11_PARSE(app, argc, argv);
  fs::create_directories(out);
  int failed = 0;
  for (const fs::directory_entry& e : fs::directory_iterator(directory)) {
    const std::string name = e.path().filename().string();
    if (!fs::exists(e.path() / "case.json") || !std::regex_search(name, std::regex(only))) continue;
    try {
      export_model(e.path(), fs::path(out) / name, gradients);
      std::cout << name << "\n";
    } catch (const std::exception& error) {
      std::cout << name << ": " << error.what() << "\n";
      ++failed;
    }
  }
  return failed ? 1 : 0;
}
