// run_training: training steps of real Keras models, saved as functions that change variables. Each model is trained
// for as many steps as Keras was, compiled and node by node; where its optimizer is plain gradient descent, also by
// this library's derivative of its loss. A cell is "ok ERROR" or "WRONG ERROR", the worst of the losses and variables
// after every step, relative to the largest magnitude of the array then or before the first step, or "fail".
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "isolate.h"
#include "model_compare.h"
#include "tf2jax/tf2jax.h"

namespace {

using namespace tf2jax;
using namespace conformance;
namespace fs = std::filesystem;

constexpr double kTolerance = 1e-5;
const std::vector<std::string> kColumns{"opens", "compiled", "node by node", "own descent", "reason"};

// One training run of Keras.
struct Training {
  explicit Training(const fs::path& f)
      : folder(f), facts(json::parse(read_file((f / "case.json").string()))), before(load_npz(f / "before.npz")) {
    for (int i = 0; i < facts.at("steps").get<int>(); ++i) steps.push_back(load_npz(f / fmt::format("step{}.npz", i)));
  }
  ConvertedFunction convert(const std::string& signature, bool jit) const {
    return tf2jax::convert(folder / "model", {.signature = signature, .jit = jit});
  }
  static CallArguments arguments(const NamedArrays& step) {
    CallArguments a;
    for (const char* name : {"x", "y"}) a.keywords.insert_or_assign(name, step.at(name));
    a.key = random::key(0);
    return a;
  }
  bool is_trainable(const std::string& variable) const {
    return facts.at("trainable").at(std::stoul(variable.substr(variable.find(':') + 1))).get<bool>();
  }

  fs::path folder;
  json facts;
  NamedArrays before;
  std::vector<NamedArrays> steps;
};

// Our names of the recorded variables, found by value; among equal ones that which stays nearest in all steps.
std::map<std::string, std::string> match(const NamedArrays& before, const std::vector<NamedArrays>& recorded,
                                         const Variables& ours, const std::vector<Variables>& our_steps) {
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  for (const auto& [key, value] : before) {
    double best = INFINITY;
    for (const auto& [name, v] : ours) {
      if (taken.contains(name) || v.value().shape() != value.shape() ||
          v.value().to_vector<double>() != value.to_vector<double>())
        continue;
      double error = 0;
      for (std::size_t i = 0; i < our_steps.size(); ++i)
        error = std::max(error, difference(key, our_steps[i].at(name).value(), recorded[i].at(key), 0).error);
      if (std::min(error, 1e30) < best) best = std::min(error, 1e30), names[key] = name;
    }
    check<LookupError>(names.contains(key), "no variable has the value of recorded variable {}", key);
    taken.insert(names[key]);
  }
  return names;
}

class Run {
 public:
  Run(const fs::path& folder, const Emit& emit) : c_(folder), emit_(emit) {}

  void run() {
    const auto exact = override_config(&Config::tf_exact_random, c_.facts.value("exact_random", false));
    std::optional<ConvertedFunction> f;
    if (!stage("opens", [&] {
          f = c_.convert("train_step", true);
          tell("opens", "ok");
        }))
      return;
    stage("compiled", [&] { judge("compiled", by_its_optimizer(*f)); });
    stage("node by node", [&] { judge("node by node", by_its_optimizer(c_.convert("train_step", false))); });
    if (c_.facts.contains("sgd")) stage("own descent", [&] { judge("own descent", by_descent(c_.facts["sgd"])); });
  }

 private:
  Difference by_its_optimizer(const ConvertedFunction& f) const {
    std::vector<Variables> after;
    Arrays losses;
    for (const NamedArrays& step : c_.steps) {
      const auto [out, next] = f.apply().call(after.empty() ? f.params() : after.back(), Training::arguments(step));
      losses.push_back(out["loss"].array());
      after.push_back(next);
    }
    const auto names = match(c_.before, c_.steps, f.params(), after);
    Difference worst;
    for (std::size_t i = 0; i < after.size(); ++i)
      compare(worst, c_.steps[i], losses[i], [&](const std::string& key) { return after[i].at(names.at(key)); });
    return worst;
  }

  // p - rate * gradient, for the trainable variables.
  Difference by_descent(float rate) const {
    const ConvertedFunction f = c_.convert("loss", true);
    NamedArrays recorded;
    for (const auto& [key, value] : c_.before)
      if (c_.is_trainable(key)) recorded[key] = value;
    const auto names = match(recorded, {}, f.params(), {});
    Variables params = f.params();
    Difference worst;
    for (const NamedArrays& step : c_.steps) {
      const auto fit = [&](const NamedArrays& p) {
        Variables all = params;
        for (const auto& [key, v] : p) all.set(Variable(names.at(key), v));
        return f.apply().call(all, Training::arguments(step)).first["loss"].array();
      };
      NamedArrays at;
      for (const auto& [key, name] : names) at[key] = params.at(name).value();
      const auto [loss, gradients] = jit(value_and_grad(fit))(at);
      params = f.apply().call(params, Training::arguments(step)).second;  // statistics of layers
      for (const auto& [key, name] : names) params.set(Variable(name, at.at(key) - rate * gradients.at(key)));
      NamedArrays wanted{{"loss", step.at("loss")}};
      for (const auto& [key, name] : names) wanted[key] = step.at(key);
      compare(worst, wanted, loss, [&](const std::string& key) { return params.at(names.at(key)); });
    }
    return worst;
  }

  // A variable that crosses zero is as exact as it was.
  double scale_before(const std::string& key) const {
    double scale = 1e-6;
    if (const auto it = c_.before.find(key); it != c_.before.end())
      for (const double v : it->second.to_vector<double>()) scale = std::max(scale, std::abs(v));
    return scale;
  }
  void compare(Difference& worst, const NamedArrays& wanted, const Array& loss, const auto& variable) const {
    for (const auto& [key, value] : wanted) {
      if (key == "x" || key == "y") continue;
      const Variable got = key == "loss" ? Variable("the loss", loss) : variable(key);
      const Difference d = difference(key + ", which is " + got.name(), got, value, scale_before(key));
      if (d.error > worst.error) worst = d;
    }
  }

  void tell(const std::string& column, const std::string& value) const { emit_(column + "\t" + value); }
  void judge(const std::string& column, const Difference& d) const {
    const bool ok = d.error <= kTolerance;
    tell(column, fmt::format("{} {:.1e}", ok ? "ok" : "WRONG", d.error));
    if (!ok) tell("reason", column + ": " + d.what);
  }
  bool stage(const std::string& column, const std::function<void()>& f) const {
    try {
      f();
      return true;
    } catch (const std::exception& e) {
      tell("reason", column + ": " + e.what());
    }
    tell(column, "fail");
    return false;
  }

  const Training c_;
  const Emit& emit_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains models of real Keras and compares with what Keras computed. Prints a table.");
  std::string directory, only;
  Isolation isolation{.limit = 300, .per_process = 1, .gigabytes = 16};
  app.add_option("directory", directory, "What tests/oracle/tf_training.py made")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--only", only, "Models: a regular expression");
  CLI11_PARSE(app, argc, argv);
  std::vector<fs::path> folders;
  for (const fs::directory_entry& e : fs::directory_iterator(directory))
    if (fs::exists(e.path() / "case.json") && std::regex_search(e.path().filename().string(), std::regex(only)))
      folders.push_back(e.path());
  std::ranges::sort(folders);

  std::cout << "case";
  for (const std::string& column : kColumns) std::cout << '\t' << column;
  std::cout << std::endl;
  int bad = 0;
  for_each_isolated(
      folders.size(), isolation, [&](std::size_t i, const Emit& emit) { Run(folders[i], emit).run(); },
      [&](std::size_t i, const Isolated& left) {
        std::map<std::string, std::string> cells;
        for (const std::string& line : left.lines) {
          std::string value = line.substr(line.find('\t') + 1);
          std::ranges::replace(value, '\t', ' ');
          std::string& cell = cells[line.substr(0, line.find('\t'))];
          cell += (cell.empty() ? "" : " | ") + value;
        }
        if (!left.lost.empty()) cells["reason"] += " lost: " + left.lost;
        std::cout << folders[i].filename().string();
        for (const std::string& column : kColumns) std::cout << '\t' << (cells[column].empty() ? "-" : cells[column]);
        std::cout << std::endl;
        bad += cells["reason"].empty() ? 0 : 1;
      });
  std::cout << folders.size() - bad << " of " << folders.size() << " agree\n";
  return bad ? 1 : 0;
}
