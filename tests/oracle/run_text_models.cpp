// Models with texts, made by tf_text_models.py, against what TensorFlow computes with them.
//   run_text_models DIR: a line for each model; the exit status says whether all agree.
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "tf2jax/tf2jax.h"

namespace {

using namespace tf2jax;
using nlohmann::json;
namespace fs = std::filesystem;

Tree tree_of(const json& x) {
  const Dims dims = x.at("shape");
  const std::string type = x.at("dtype");
  const auto& values = x.at("values");
  if (type == "string") return StringTensor{dims, values};
  if (type.starts_with("float")) return from_span<float>(values.get<std::vector<float>>(), dims);
  if (type == "bool") {
    const auto flags = values.get<std::vector<bool>>();
    return from_span<std::int32_t>(std::vector<std::int32_t>(flags.begin(), flags.end()), dims);
  }
  return from_span<std::int64_t>(values.get<std::vector<std::int64_t>>(), dims);
}

double difference(const Array& got, const Array& wanted) {
  if (got.dims() != wanted.dims()) return INFINITY;
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

std::string verdict(const fs::path& folder) {
  std::ifstream file(folder / "case.json");
  const json c = json::parse(file);
  const auto f = convert(folder / "model");
  CallArguments arguments;
  for (const auto& [name, x] : c.at("inputs").items()) arguments.keywords.insert_or_assign(name, tree_of(x));
  const Tree out = f.call(arguments);
  for (const auto& [name, x] : c.at("outputs").items()) {
    const Tree wanted = tree_of(x);
    const Tree& got = out.kind() == Tree::Kind::dict ? out[name] : out;
    if (wanted.is_leaf() != got.is_leaf()) return "output '" + name + "' is " + got.to_string();
    const bool same = wanted.is_leaf() ? difference(got, wanted) < 1e-5 : got.strings() == wanted.strings();
    if (!same) return "output '" + name + "' differs: " + got.to_string() + " for " + wanted.to_string();
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  int failed = 0;
  for (const auto& entry : fs::directory_iterator(argc > 1 ? argv[1] : ".")) {
    if (!fs::exists(entry.path() / "case.json")) continue;
    std::string text;
    try {
      text = verdict(entry.path());
    } catch (const std::exception& e) {
      text = e.what();
    }
    failed += text.empty() ? 0 : 1;
    std::cout << entry.path().filename().string() << ": " << (text.empty() ? "ok" : text) << "\n";
  }
  return failed > 0 ? 1 : 0;
}
