// shrink: the smallest part of a recorded program that is computed otherwise compiled than op by op.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <regex>

#include "../fuzz/shrink.h"
#include "differentiable.h"
#include "execution.h"
#include "isolate.h"
#include "program_reader.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/trace/backend.h"
#include "tf2jax/trace/staging.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;
using fuzz::Example;

namespace {

class Shrinker {
 public:
  explicit Shrinker(const Tolerance& tolerance) : tolerance_(tolerance) {}

  /// Prints the smallest part of `program` that fails as the whole does.
  void run(const Jaxpr& program, const Arrays& args) const {
    const std::string aim = verdict({program, args});
    std::cout << fmt::format("  {} equations: {}\n", program->eqns.size(),
                             aim.empty() ? "compiled and op by op agree" : aim);
    if (!aim.empty()) print(fuzz::shrink({program, args}, [&](const Example& e) { return verdict(e) == aim; }));
  }

 private:
  // Empty when compiled and op by op agree. In a process of its own, which may die.
  std::string verdict(const Example& e) const {
    std::string said;
    for_each_case(
        1, {.limit = 30},
        [&](std::size_t, CaseResult& result) {
          result.part("program", [&] {
            const Arrays want = under(Execution::uncompiled, [&] { return eval_jaxpr(e.program, e.inputs); });
            result.check_all("wrong", default_backend().compile(e.program, {})->run(e.inputs), want, tolerance_);
          });
        },
        [&](std::size_t, const CaseResult& result) {
          if (result.failures().empty()) return;
          const auto& [what, message] = result.failures()[0];
          said = what == "wrong" ? what : message.substr(0, 60);
        });
    return said;
  }

  void print(const Example& least) const {
    std::cout << to_string(least.program) << "\n";
    const auto show = [](const std::string& what, const Arrays& values) {
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i].size() <= 64) std::cout << "  " << what << " " << i << " = " << values[i] << "\n";
    };
    show("input", least.inputs);
    show("op by op", under(Execution::uncompiled, [&] { return eval_jaxpr(least.program, least.inputs); }));
    if (verdict(least) == "wrong") show("compiled", default_backend().compile(least.program, {})->run(least.inputs));
  }

  const Tolerance tolerance_;
};

// The function of a part by name, and its arguments.
std::pair<FlatFn, Arrays> part_of_case(const std::string& part, const Differentiable& d, const Arrays& inputs,
                                       const std::function<Arrays(const char*, const char*)>& record) {
  if (part == "outputs") return {d.f, inputs};
  if (part == "jvp") return {[&](const Arrays& xs) { return d.jvp(xs); }, join(inputs, record("jvp", "tangents_in"))};
  if (part == "vjp") return {[&](const Arrays& xs) { return d.vjp(xs); }, join(inputs, record("vjp", "cotangents_in"))};
  if (part == "vmap")
    return {[&](const Arrays& xs) { return vmapped(d.f, xs); }, stacked(inputs, record("vmap", "second_inputs"))};
  if (part == "vmap(vjp)") {
    const Arrays cotangents = record("vjp", "cotangents_in");
    return {[&](const Arrays& xs) { return vmapped([&](const Arrays& ys) { return d.vjp(ys); }, xs); },
            stacked(join(inputs, cotangents), join(record("vmap", "second_inputs"), cotangents))};
  }
  if (part == "jvp(vjp)")
    return {[&](const Arrays& xs) { return d.second(xs); },
            join(join(inputs, record("jvp", "tangents_in")), record("vjp", "cotangents_in"))};
  throw std::runtime_error("no part named " + part + "; known: outputs, jvp, vjp, vmap, vmap(vjp), jvp(vjp)");
}

void shrink_case(const Golden& golden, const json& c, const std::string& part) {
  const bool narrow = !c.value("x64", false);
  const auto scope = override_config(&Config::enable_x64, !narrow);
  const Jaxpr program = program_of(c, c.at("jaxpr").get<std::string>());
  const Arrays inputs = inputs_for(program, golden.arrays(c.at("inputs"), narrow));
  const Differentiable d{[&](const Arrays& xs) { return eval_jaxpr(program, xs); }, inputs.size(),
                         c.value("diff_inputs", Positions{}), c.value("diff_outputs", Positions{})};
  const auto [f, args] = part_of_case(
      part, d, inputs, [&](const char* what, const char* key) { return golden.arrays(c.at(what).at(key), narrow); });
  Avals avals;
  for (const Array& x : args) avals.push_back(x.aval());
  Shrinker(times(tolerance_of_values(golden, c), 25)).run(stage(f, avals), args);
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
  using namespace conformance;
  CLI::App app("Finds the smallest part of recorded programs that is computed otherwise compiled than op by op.");
  std::string directory, family, names, part = "outputs";
  app.add_option("directory", directory, "Folder of golden files")->required()->check(CLI::ExistingDirectory);
  app.add_option("family", family, "Files: a regular expression")->required();
  app.add_option("cases", names, "Cases: a regular expression")->required();
  app.add_option("part", part, "outputs, jvp, vjp, vmap, vmap(vjp) or jvp(vjp)");
  CLI11_PARSE(app, argc, argv);
  tf2jax::update_config("require_compiler", true);
  setenv("TF2JAX_NUM_THREADS", "1", 0);  // this process evaluates too, and its threads would be missing in the children
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() != ".json" || !std::regex_search(file.path().stem().string(), std::regex(family)))
      continue;
    const Golden golden = load_golden(file.path().string());
    for (const json& c : golden.cases()) {
      if (!std::regex_search(c.value("name", ""), std::regex(names))) continue;
      std::cout << "== " << part << " of " << c.value("name", "") << std::endl;
      try {
        shrink_case(golden, c, part);
      } catch (const std::exception& e) {
        std::cout << "  " << e.what() << "\n";
      }
    }
  }
}
