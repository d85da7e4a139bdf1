// run_models: real TensorFlow models with TensorFlow's own results, run as a user would. A row per model, a process
// each. A cell is "ok ERROR", "WRONG ERROR", "-" (not recorded) or "fail" (the last column says why); errors are
// relative to the largest magnitude of the array.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <regex>

#include "model_run.h"
#include "tf2jax/base/config.h"

int main(int argc, char** argv) {
  using namespace conformance;
  namespace fs = std::filesystem;
  CLI::App app("Runs models made by real TensorFlow and compares with what TensorFlow computed. Prints a table.");
  std::string directory, only;
  bool exact_random = false;
  Isolation isolation{.limit = 300, .per_process = 1, .gigabytes = 16};
  app.add_option("directory", directory, "Folder of models, each with its case.json")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--only", only, "Models: a regular expression");
  app.add_flag("--exact-random", exact_random, "Draw TensorFlow's random numbers: Config::tf_exact_random");
  app.add_option("--seconds", isolation.limit, "That one model may take");
  app.add_option("--gigabytes", isolation.gigabytes, "Of memory that one model may take");
  CLI11_PARSE(app, argc, argv);
  tf2jax::update_config(&tf2jax::Config::tf_exact_random, exact_random);
  std::vector<fs::path> folders;
  for (const fs::directory_entry& e : fs::directory_iterator(directory))
    if (fs::exists(e.path() / "case.json") && std::regex_search(e.path().filename().string(), std::regex(only)))
      folders.push_back(e.path());
  std::ranges::sort(folders);

  std::cout << "case\tmegabytes";
  for (const std::string& column : model_columns()) std::cout << '\t' << column;
  std::cout << std::endl;
  bool wrong = false;
  for_each_isolated(
      folders.size(), isolation, [&](std::size_t i, const Emit& emit) { run_model(folders[i], emit); },
      [&](std::size_t i, const Isolated& left) {
        std::map<std::string, std::string> cells = cells_of(left);
        std::cout << folders[i].filename().string() << '\t' << left.megabytes;
        for (const std::string& column : model_columns()) {
          std::cout << '\t' << (cells[column].empty() ? "-" : cells[column]);
          wrong = wrong || cells[column].starts_with("WRONG") || cells[column] == "CRASH";
        }
        std::cout << std::endl;
      });
  return wrong ? 1 : 0;
}
