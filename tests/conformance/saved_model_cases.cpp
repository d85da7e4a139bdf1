// The models of the corpus with what the Python library computed: outputs, and the gradient of the sum of the means of
// all floating outputs.
#include <algorithm>
#include <filesystem>
#include <regex>

#include "differentiable.h"
#include "execution.h"
#include "model_reader.h"
#include "registered_gradient.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

// "x:0" and "a$b" of the model are "x" and "a___b" in the record.
bool is_same_input(const std::string& input, const std::string& recorded) {
  return input == recorded || input == recorded + ":0" ||
         std::regex_replace(input, std::regex("\\$"), "___") == recorded;
}

// One signature of a model as the Python library saw it.
class RecordedFunction {
 public:
  RecordedFunction(const json& want, std::string function, const json& model_case, fs::path folder,
                   fs::path model_folder)
      : want_(want),
        function_(std::move(function)),
        case_(model_case),
        folder_(std::move(folder)),
        model_folder_(std::move(model_folder)) {
    const json inputs = case_.value("inputs", json::object());
    for (const auto& [key, file] : inputs.items()) is_signature_ = is_signature_ || signature_of(key) == function_;
    for (const auto& [key, file] : inputs.items())
      if (signature_of(key) == signature()) input_keys_.push_back(key);
  }

  void check(const Options& options, CaseResult& result) const {
    const auto wide = override_config(&Config::enable_x64, want_.value("x64", false));
    const auto shapes = override_config(&Config::strict_shape_check, want_.value("strict_shape_check", false));
    if (want_.contains("error")) return check_error(options, result);
    const Model m = open(names_of(want_.at("outputs")));
    // Each framework rounds in its own order: no closer than 1e-5, or what the model's own case allows.
    const Tolerance tolerance{.rtol = 1e-4, .atol = std::max(1e-5, tolerance_of_model(case_).atol)};
    parts(options, "outputs", result, [&](Execution how, const std::string& name) {
      const Arrays got = run(m.function(), m.inputs, how);
      for (std::size_t i = 0; i < got.size(); ++i)
        result.check(name, got[i], load_npy(folder_ / want_.at("outputs").at(m.output_names[i]).get<std::string>()),
                     tolerance, m.output_names[i]);
    });
    for (const auto& [input, file] : want_.at("gradients").items())
      check_gradient(m, input, load_npy(folder_ / file.get<std::string>()), tolerance, options, result);
  }

 private:
  std::string signature() const { return is_signature_ ? function_ : ""; }
  static std::vector<std::string> names_of(const json& object) {
    std::vector<std::string> out;
    for (const auto& [key, value] : object.items()) out.push_back(key);
    return out;
  }
  Model open(const std::vector<std::string>& outputs) const {
    return open_model(case_, model_folder_, case_.value("model", "."), signature(), input_keys_, outputs);
  }

  // A model that the Python library cannot run: where ours runs it, the corpus has the values, which another case
  // checks.
  void check_error(const Options& options, CaseResult& result) const {
    std::vector<std::string> outputs;
    const json all = case_.value("outputs", json::object());
    for (const auto& [key, file] : all.items())
      if (signature_of(key) == signature()) outputs.push_back(without_signature(key));
    const Model m = open(outputs);
    for (const auto& [key, file] : all.items()) {
      if (signature_of(key) != signature()) continue;
      const auto i =
          static_cast<std::size_t>(std::ranges::find(m.output_names, without_signature(key)) - m.output_names.begin());
      Array want = load_npy(model_folder_ / file.get<std::string>());
      const CaseTolerance t = tolerance_of_model(case_);
      parts(options, "outputs", result, [&](Execution how, const std::string& name) {
        const Array got = run(m.function(), m.inputs, how).at(i);
        result.check(name, got, convert_element_type(want, got.dtype()), {.rtol = t.rtol, .atol = t.atol},
                     without_signature(key));
      });
    }
  }

  void check_gradient(const Model& m, const std::string& name, const Array& want, const Tolerance& tolerance,
                      const Options& options, CaseResult& result) const {
    const std::size_t i =
        std::ranges::find_if(m.input_names, [&](const std::string& input) { return is_same_input(input, name); }) -
        m.input_names.begin();
    if (i == m.input_names.size()) throw std::runtime_error("no input named " + name);
    const FlatFn loss = [&](const Arrays& xs) {
      Array total = zeros({}, DType::f32);
      for (const Array& y : m.function()(xs))
        if (is_inexact(y.dtype())) total = add(total, mean(y));
      return Arrays{total};
    };
    const Differentiable d{loss, m.inputs.size(), {i}, {0}};
    const double largest = want.size() ? tf2jax::max(abs(want)).item<double>() : 0;
    parts(options, "vjp", result, [&](Execution how, const std::string& part) {
      if (want_.contains("loss"))
        result.check(part, run(loss, m.inputs, how)[0], full({}, want_.at("loss").get<double>(), DType::f32), tolerance,
                     "loss");
      const Arrays got = run([&](const Arrays& xs) { return d.vjp(xs); },
                             [&] {
                               Arrays args = m.inputs;
                               args.push_back(ones({}, DType::f32));
                               return args;
                             }(),
                             how);
      result.check(part, got[0], want, {.rtol = 1e-3, .atol = std::max(1e-6, 1e-3 * largest)}, name);
    });
  }

  const json& want_;
  const std::string function_;
  const json& case_;
  const fs::path folder_, model_folder_;
  bool is_signature_ = false;
  std::vector<std::string> input_keys_;
};

// The folder of the corpus that holds the recorded model: of that name, or the only one whose name begins so.
std::optional<fs::path> model_folder_of(const fs::path& corpus, const std::string& name) {
  if (fs::exists(corpus / name / "case.json")) return corpus / name;
  if (fs::is_directory(corpus))
    for (const fs::directory_entry& e : fs::directory_iterator(corpus))
      if (e.path().filename().string().starts_with(name + "_") && fs::exists(e.path() / "case.json")) return e.path();
  return std::nullopt;
}

}  // namespace

void run_saved_model_case(const json& c, const std::string& folder, const std::string& corpus, const Options& options,
                          CaseResult& result) {
  const auto model_folder = model_folder_of(corpus, c.at("name").get<std::string>());
  if (!model_folder) throw Unsupported("the model is not beside the golden files");
  if (c.contains("second_derivative_at_42"))
    return run_recorded_registered_gradient(c, folder, model_folder->string(), options, result);
  json model_case = json::parse(read_file((*model_folder / "case.json").string()));
  if (c.contains("signature")) {  // one signature, with inputs of its own beside the results
    const std::string signature = c.at("signature").get<std::string>();
    json inputs = json::object();
    for (const auto& [key, file] : c.at("inputs").items())
      inputs[signature + "/" + key] = fs::absolute(fs::path(folder) / file.get<std::string>()).string();
    model_case["inputs"] = inputs;
    model_case.erase("output_slice");  // of the corpus's own record
    return RecordedFunction(c, signature, model_case, folder, *model_folder).check(options, result);
  }
  for (const auto& [function, want] : c.at("functions").items())
    result.part("convert", [&, &function = function, &want = want] {
      RecordedFunction(want, function, model_case, folder, *model_folder).check(options, result);
    });
}

}  // namespace conformance
