// Families: their cases one after another, each in a process that may die.
#include <algorithm>
#include <filesystem>
#include <regex>

#include "runners.h"

namespace conformance {

namespace fs = std::filesystem;

namespace {

struct NamedCase {
  std::string family, name;
  std::function<void(CaseResult&)> run;
};

// Runs the cases that match the filter; `counts` says whether a result is reported.
std::map<std::string, FamilyReport> run_cases(std::vector<NamedCase> cases, const Options& options,
                                              const std::function<bool(const CaseResult&)>& counts) {
  const std::regex filter(options.filter.empty() ? ".*" : options.filter);
  std::erase_if(cases, [&](const NamedCase& c) { return !std::regex_search(c.name, filter); });
  std::map<std::string, FamilyReport> reports;
  for_each_case(
      cases.size(), options.isolation,
      [&](std::size_t i, CaseResult& result) { result.part("case", [&] { cases[i].run(result); }); },
      [&](std::size_t i, const CaseResult& result) {
        if (counts(result)) reports[cases[i].family].add(cases[i].name, result);
      });
  return reports;
}
bool always(const CaseResult&) { return true; }

FamilyReport only(std::map<std::string, FamilyReport> reports) {
  return reports.empty() ? FamilyReport{} : std::move(reports.begin()->second);
}

void run_case_of_jax(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const std::string& family = golden.family;
  if (options.mode == "text") return run_text_case(golden, c, result);
  if (options.mode == "calls") {
    if (family == "numpy_api") run_call_case(golden, c, options, result);
    return;
  }
  if (family.starts_with("primitives_") || (family == "numpy_api" && !c.contains("kind")))
    return run_jaxpr_case(golden, c, options, result);
  if (options.mode == "rewrite" && !family.starts_with("primitives_") && family != "numpy_api") return;
  if (family == "exports") return run_exports_case(golden, c, options, result);
  if (family == "poly_export") return run_poly_export_case(golden, c, options, result);
  if (family == "models") return run_models_case(golden, c, options, result);
  if (options.mode != "run") return;
  if (family == "autodiff") return run_autodiff_case(golden, c, options, result);
  if (family == "prng") return run_prng_case(golden, c, options, result);
  if (family == "special_values") return run_special_values_case(golden, c, options, result);
  if (family == "symbolic_dims") return run_symbolic_dims_case(c, result);
  if (family == "numpy_api") return run_dtype_table_case(c, result);
  result.unsupported("outputs", "no runner for family " + family);
}

json read_json(const fs::path& file) { return json::parse(read_file(file.string())); }

}  // namespace

FamilyReport run_golden(const Golden& golden, const Options& options) {
  std::vector<NamedCase> cases;
  for (const json& c : golden.cases())
    cases.push_back(
        {golden.family, c.value("name", ""), [&](CaseResult& result) { run_case_of_jax(golden, c, options, result); }});
  // In text mode a case without texts is no case, in that of modules one without a module.
  const auto has_text = [](const CaseResult& r) {
    return r.parts() != 1 || !r.failures().empty() || !r.unsupported_parts().empty();
  };
  return only(run_cases(std::move(cases), options,
                        options.mode != "run" ? std::function<bool(const CaseResult&)>(has_text) : always));
}

FamilyReport run_graphs(const Golden& golden, const Options& options) {
  std::vector<NamedCase> cases;
  for (const json& c : golden.cases())
    cases.push_back(
        {golden.family, c.value("name", ""), [&](CaseResult& result) { run_graph_case(golden, c, options, result); }});
  return only(run_cases(std::move(cases), options, always));
}

std::map<std::string, FamilyReport> run_corpus(const std::string& folder, const Options& options) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& e : fs::recursive_directory_iterator(folder))
    if (e.path().filename() == "case.json") files.push_back(e.path());
  std::ranges::sort(files);
  std::vector<NamedCase> cases;
  for (const fs::path& file : files) {
    const json c = read_json(file);
    const std::string name = c.value("name", file.parent_path().filename().string()), at = file.parent_path().string();
    if (!c.contains("cases")) {
      cases.push_back(
          {"models", name, [=](CaseResult& result) { run_model_case(c, at, c.value("model", "."), options, result); }});
      continue;
    }
    for (const json& entry : c.at("cases"))
      cases.push_back({"op_graphs", name + "/" + entry.value("name", ""), [=](CaseResult& result) {
                         run_model_case(entry, at, entry.at("model").get<std::string>(), options, result);
                       }});
  }
  return run_cases(std::move(cases), options, always);
}

FamilyReport run_saved_models(const std::string& folder, const std::string& corpus, const Options& options) {
  std::vector<fs::path> folders;
  for (const fs::directory_entry& e : fs::directory_iterator(folder))
    if (fs::exists(e.path() / "case.json")) folders.push_back(e.path());
  std::ranges::sort(folders);
  std::vector<NamedCase> cases;
  for (const fs::path& path : folders) {
    const json c = read_json(path / "case.json");
    cases.push_back({"saved_models", "saved_models/" + c.at("name").get<std::string>(),
                     [=](CaseResult& result) { run_saved_model_case(c, path.string(), corpus, options, result); }});
  }
  return only(run_cases(std::move(cases), options, always));
}

}  // namespace conformance
