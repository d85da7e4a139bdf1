// conformance: runs recorded cases and says what passed, failed, or is not supported.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>

#include "runners.h"

namespace conformance {

namespace {

json to_json(const std::map<std::string, FamilyReport>& reports) {
  json families = json::object();
  for (const auto& [name, r] : reports) {
    json failures = json::array();
    for (const auto& f : r.failures) failures.push_back({{"case", f.name}, {"what", f.what}, {"message", f.message}});
    families[name] = {
        {"passed", r.passed}, {"failed", r.failed}, {"unsupported", r.unsupported}, {"failures", failures}};
  }
  return {{"families", families}};
}

void print(const std::map<std::string, FamilyReport>& reports, bool verbose, std::size_t shown) {
  FamilyReport total;
  for (const auto& [name, r] : reports) {
    fmt::print("{:<28} passed {:>5}  failed {:>4}  unsupported {:>4}  worst error {:.2g} of the tolerance{}\n", name,
               r.passed, r.failed, r.unsupported, r.worst,
               r.worst_case.empty() ? "" : " (" + r.worst_case.substr(0, 60) + ")");
    for (std::size_t i = 0; i < r.failures.size() && i < shown; ++i)
      fmt::print("    {} [{}]: {}\n", r.failures[i].name.substr(0, 120), r.failures[i].what,
                 r.failures[i].message.substr(0, 300));
    if (verbose) {
      std::vector<std::pair<int, std::string>> reasons;
      for (const auto& [why, n] : r.reasons) reasons.emplace_back(n, why);
      std::sort(reasons.rbegin(), reasons.rend());
      for (const auto& [n, why] : reasons) fmt::print("    unsupported {:>4}: {}\n", n, why);
    }
    total.passed += r.passed;
    total.failed += r.failed;
    total.unsupported += r.unsupported;
  }
  fmt::print("{:<28} passed {:>5}  failed {:>4}  unsupported {:>4}\n", "all", total.passed, total.failed,
             total.unsupported);
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
  using namespace conformance;
  CLI::App app("Runs recorded cases against the library.");
  std::string directory, family = ".*", json_out;
  Options options;
  bool allow_unsupported = false, verbose = false;
  std::size_t shown = 20;
  app.add_option("--dir", directory, "Folder of golden files, or of models with case.json")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--family", family, "Families to run: a regular expression");
  app.add_option("--filter", options.filter, "Cases to run: a regular expression");
  app.add_option("--backend", options.backend, "cpu: everything through jit; interpret: nothing is compiled; both")
      ->check(CLI::IsMember({"cpu", "interpret", "both"}));
  app.add_option(
         "--mode", options.mode,
         "run: run the cases; text: read and print their programs; stablehlo, mlir: run what was exported, "
         "from its bytecode or its text; rewrite: run programs that were written as StableHLO and read again; calls: "
         "call the library's functions that their sources name")
      ->check(CLI::IsMember({"run", "text", "stablehlo", "mlir", "rewrite", "calls"}));
  app.add_option("--write", options.write_to, "Folder for what the mode rewrite writes: artifacts, inputs, results");
  app.add_option("--json", json_out, "Write the results to this file");
  app.add_flag("--allow-unsupported", allow_unsupported, "Exit 0 although some cases are not supported");
  app.add_flag("--verbose", verbose, "Say why cases are not supported");
  app.add_flag("!--no-isolation", options.isolation.enabled,
               "Run in this process, as a debugger wants it: a crash ends the run");
  app.add_option("--limit", options.isolation.limit, "Seconds that one case may take");
  app.add_option("--show", shown, "Failures to print per family");
  CLI11_PARSE(app, argc, argv);

  try {
    namespace fs = std::filesystem;
    const std::regex wanted(family);
    std::map<std::string, FamilyReport> reports;
    std::vector<fs::path> files;
    bool models = false;
    for (const fs::directory_entry& e : fs::directory_iterator(directory)) {
      if (e.path().extension() == ".json") files.push_back(e.path());
      models = models || fs::exists(e.path() / "case.json");
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (!std::regex_search(file.stem().string(), wanted)) continue;
      Golden golden = load_golden(file.string());
      if (golden.family.empty() || !golden.document.contains("cases")) continue;
      const bool graphs =
          golden.document.contains("format") && !golden.cases().empty() && golden.cases()[0].contains("graph");
      FamilyReport report = graphs ? run_graphs(golden, options) : run_golden(golden, options);
      if (report.passed + report.failed + report.unsupported > 0)
        reports[file.stem().string()] = std::move(report);  // several files may be of one family
    }
    if (models)
      for (auto& [name, report] : run_corpus(directory, options))
        if (std::regex_search(name, wanted)) reports[name] = std::move(report);
    const fs::path recorded = fs::path(directory) / "saved_models";
    if (fs::is_directory(recorded) && std::regex_search("saved_models", wanted))
      reports["saved_models"] =
          run_saved_models(recorded.string(), (fs::path(directory) / ".." / "corpus").string(), options);
    if (!json_out.empty()) std::ofstream(json_out) << to_json(reports).dump(1) << "\n";
    print(reports, verbose, shown);
    bool ok = true;
    for (const auto& [name, r] : reports) ok = ok && r.failed == 0 && (allow_unsupported || r.unsupported == 0);
    return ok ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "conformance: " << e.what() << "\n";
    return 2;
  }
}
