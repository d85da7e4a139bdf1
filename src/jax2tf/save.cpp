// save: functions as a SavedModel directory.
#include "tf2jax/jax2tf/internal/model_writer.h"
#include "tf2jax/tf_graph/saved_model.h"

#include <algorithm>
#include <cctype>

namespace tf2jax::jax2tf {
namespace {

// What may be an attribute of a Python object and part of a node's name.
void check_name(const std::string& name, std::string_view what) {
  const bool ok = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                  std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  check(ok && name != "variables" && name != "signatures",
        "jax2tf::save: '{}' is no name for a {}. Expected letters, digits and '_', and neither 'variables' nor "
        "'signatures'.",
        name, what);
}
void check_variable_name(const std::string& name) {
  const bool ok =
      !name.empty() && std::isalnum(static_cast<unsigned char>(name[0])) &&
      std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) || std::string_view("_./\\-").find(static_cast<char>(c)) != std::string::npos;
      });
  check(ok, "jax2tf::save: '{}' is no name for a variable. Expected letters, digits and '_', '.', '/', '-'.", name);
}

std::map<std::string, std::string> chosen_signatures(const std::map<std::string, ExportedFunction>& functions,
                                                     const SaveOptions& options) {
  if (!options.signatures.empty()) return options.signatures;
  if (functions.contains("serving_default")) return {{"serving_default", "serving_default"}};
  if (functions.size() == 1) return {{"serving_default", functions.begin()->first}};
  return {};
}

}  // namespace

void save(const std::filesystem::path& directory, const std::map<std::string, ExportedFunction>& functions,
          const SaveOptions& options) {
  for (const auto& [name, v] : options.variables) check_variable_name(name);
  ModelWriter writer(options.variables);
  for (const auto& [name, f] : functions) {
    check_name(name, "function");
    if (f.num_traces() == 0 && f.state().trace_default) f.state().trace_default(f);
    check(f.num_traces() > 0,
          "jax2tf::save: a function has never been traced. Got '{}'. Call it, trace it for descriptions of its "
          "arguments, or "
          "give polymorphic_shapes for all of them.",
          name);
    writer.add_function(name, f);
  }
  for (const auto& [key, function] : chosen_signatures(functions, options)) {
    check_name(key, "signature");
    writer.add_signature(key, function);
  }
  std::map<std::string, TensorData> checkpoint;
  const tensorflow::SavedModel model = writer.finish(checkpoint);
  constexpr std::size_t kLimit = (std::size_t{1} << 31) - 1;
  check(model.ByteSizeLong() < kLimit,
        "jax2tf::save: the graph is too large. Got {} bytes; TensorFlow reads less than 2 GB. Pass large arrays as "
        "SaveOptions::variables, so that they are stored apart.",
        model.ByteSizeLong());
  write_saved_model(directory, model, checkpoint);
}

}  // namespace tf2jax::jax2tf
