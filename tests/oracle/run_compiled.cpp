// run_compiled: every part of recorded cases op by op and compiled, with compositions that no record has, by part.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <set>

#include "runners.h"

namespace conformance {

namespace {

struct Totals {
  struct Part {
    int ok = 0, failed = 0, unsupported = 0;
  };
  std::map<std::string, Part> parts;
  int cases = 0, clean = 0, failed = 0, unsupported = 0;

  void add(const CaseResult& r) {
    ++cases;
    ++(!r.failures().empty() ? failed : !r.unsupported_parts().empty() ? unsupported : clean);
    std::set<std::string> bad, missing;
    for (const auto& e : r.failures()) bad.insert(e.what);
    for (const auto& e : r.unsupported_parts()) missing.insert(e.what);
    std::set<std::string> all(r.names().begin(), r.names().end());
    all.insert(bad.begin(), bad.end());
    for (const std::string& name : all)
      ++(bad.contains(name) ? parts[name].failed : missing.contains(name) ? parts[name].unsupported : parts[name].ok);
  }
  void print(const std::string& family) const {
    fmt::print("{:<28} cases {:>5}  clean {:>5}  failed {:>4}  unsupported {:>4}\n", family, cases, clean, failed,
               unsupported);
    for (const auto& [name, p] : parts)
      fmt::print("    {:<16} ok {:>5}  failed {:>4}  unsupported {:>4}\n", name, p.ok, p.failed, p.unsupported);
  }
};

std::string one_line(std::string s) {
  std::ranges::replace_if(s, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return s.substr(0, 400);
}

// Runs one file; says in `out` what did not pass.
Totals run_file(const Golden& golden, const std::string& family, const Options& options, std::ofstream& out) {
  const std::regex filter(options.filter.empty() ? ".*" : options.filter);
  std::vector<const json*> cases;
  for (const json& c : golden.cases())
    if (c.contains("jaxpr") && std::regex_search(c.value("name", ""), filter)) cases.push_back(&c);
  Totals totals;
  for_each_case(
      cases.size(), options.isolation,
      [&](std::size_t i, CaseResult& result) {
        result.part("case", [&] { run_jaxpr_case(golden, *cases[i], options, result); });
      },
      [&](std::size_t i, const CaseResult& result) {
        totals.add(result);
        for (const auto& e : result.failures())
          out << family << '\t' << e.what << "\tfailed\t" << cases[i]->value("name", "") << '\t' << one_line(e.message)
              << '\n';
        for (const auto& e : result.unsupported_parts())
          out << family << '\t' << e.what << "\tunsupported\t" << cases[i]->value("name", "") << '\t'
              << one_line(e.message) << '\n';
      });
  return totals;
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
  using namespace conformance;
  namespace fs = std::filesystem;
  CLI::App app("Runs recorded cases op by op and compiled, part by part, in processes of their own.");
  std::string directory, family, table;
  Options options;
  options.compositions = true;
  options.isolation.limit = 60;
  app.add_option("directory", directory, "Folder of golden files")->required()->check(CLI::ExistingDirectory);
  app.add_option("family", family, "Files to run: a regular expression")->required();
  app.add_option("table", table, "Where what did not pass is written, as rows between tabs")->required();
  app.add_option("--filter", options.filter, "Cases to run: a regular expression");
  app.add_option("--limit", options.isolation.limit, "Seconds that one case may take");
  app.add_flag("!--no-isolation", options.isolation.enabled, "Run in this process, as a debugger wants it");
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<fs::path> files;
    for (const fs::directory_entry& e : fs::directory_iterator(directory))
      if (e.path().extension() == ".json" && std::regex_search(e.path().stem().string(), std::regex(family)))
        files.push_back(e.path());
    std::ranges::sort(files);
    std::ofstream out(table);
    out << "family\tpart\tverdict\tcase\tmessage\n";
    int failed = 0;
    for (const fs::path& file : files) {
      const Totals totals = run_file(load_golden(file.string()), file.stem().string(), options, out);
      totals.print(file.stem().string());
      failed += totals.failed;
    }
    return failed == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "run_compiled: " << e.what() << "\n";
    return 2;
  }
}
