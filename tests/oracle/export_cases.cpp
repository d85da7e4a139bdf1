// Recorded programs of JAX on their way to TensorFlow: written as graphs, read back, compared with what JAX recorded;
// and, with --out, saved for tests/oracle/export_check.py, which lets TensorFlow load, run and differentiate them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "compare.h"
#include "export_documents.h"
#include "export_limits.h"
#include "program_reader.h"
#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/tf2jax.h"
#include "tf2jax/transforms/linearize.h"
#include "tolerance.h"

using namespace tf2jax;
using namespace conformance;

namespace {

struct Settings {
  std::string dir, out;
  bool plain = false, native = false, verbose = false;
  std::string only;
  std::size_t per_model = 40;
};

struct Counts {
  std::map<std::string, std::pair<int, std::string>> problems;  // by kind, with the first case
  int passed = 0, saved = 0;
  std::set<std::string> primitives;
};

void note(Counts& counts, const Settings& s, const std::string& kind, const std::string& name,
          const std::string& message) {
  auto& entry = counts.problems[kind + ": " + message.substr(0, 160)];
  if (entry.first++ == 0) entry.second = name;
  if (s.verbose) std::cout << kind << "  " << name << "\n    " << message << "\n";
}

void collect(const Jaxpr& jaxpr, std::set<std::string>& names) {
  for (const Equation& e : jaxpr->eqns) {
    names.insert(e.primitive.name());
    for (const Jaxpr& nested : e.params.programs()) collect(nested, names);
  }
}

// Cotangents of ones of the inexact outputs, pulled back; empty where reverse mode has no rule.
Arrays gradients_of(const FlatFn& f, const Arrays& xs) {
  try {
    const Linearized l = linearize_flat(f, xs);
    Arrays cotangents;
    for (const Array& y : l.outs)
      cotangents.push_back(is_inexact(y.dtype()) ? ones_like(y) : zeros_of(y.aval().tangent()));
    return apply_pullback(l, cotangents);
  } catch (const Error&) {
    return {};
  }
}

// Functions of several cases and their data, as one SavedModel with arrays beside it.
class Batch {
 public:
  explicit Batch(const Settings& s) : settings_(s) {}
  void add(const std::string& name, const jax2tf::ExportedFunction& f, const Arrays& inputs, const Arrays& outputs,
           const Arrays& gradients) {
    const std::string id = fmt::format("f{}", functions_.size());
    functions_.emplace(id, f);
    const auto put = [&](const char* what, const Arrays& xs) {
      for (std::size_t i = 0; i < xs.size(); ++i)
        if (xs[i].dtype() != DType::float0) arrays_[fmt::format("{}/{}{}", id, what, i)] = xs[i];
    };
    put("in", inputs);
    put("out", outputs);
    put("grad", gradients);
    names_ += id + " " + name + "\n";
    if (functions_.size() >= settings_.per_model) flush();
  }
  void flush() {
    if (functions_.empty()) return;
    const std::filesystem::path directory = std::filesystem::path(settings_.out) / fmt::format("model_{}", models_++);
    jax2tf::save(directory / "model", functions_);
    save_npz(directory / "data.npz", arrays_);
    std::ofstream(directory / "names.txt") << names_;
    functions_.clear();
    arrays_.clear();
    names_.clear();
  }

 private:
  const Settings& settings_;
  std::map<std::string, jax2tf::ExportedFunction> functions_;
  std::map<std::string, Array> arrays_;
  std::string names_;
  int models_ = 0;
};

bool is_plain_type(const Array& x) {
  return x.dtype() != DType::key && x.dtype() != DType::float0 && x.dtype() != DType::bf16;
}

void run_case(const Golden& golden, const json& c, const Settings& s, Counts& counts, Batch* batch) {
  const std::string name = golden.family + "/" + c.at("name").get<std::string>();
  const auto text = c.at("jaxpr").get<std::string>();
  const bool narrow = !c.value("x64", false) && text.find("f64[") == text.npos && text.find("i64[") == text.npos;
  Config configuration = config();
  configuration.enable_x64 = !narrow;
  const ConfigScope scope(configuration);
  Jaxpr program;
  Arrays inputs, want;
  try {
    program = program_of(c, text);
    inputs = inputs_for(program, golden.arrays(c.at("inputs"), narrow));
    want = golden.arrays(c.at("outputs"), narrow);
  } catch (const std::exception& e) {
    return note(counts, s, "unread", name, e.what());
  }
  const auto f = jax2tf::convert([program](const Arrays& xs) { return eval_jaxpr(program, xs); },
                                 {.with_gradient = false, .enable_xla = !s.plain, .native_serialization = s.native});
  try {
    const Arrays got = f(inputs);
    std::string message;
    for (std::size_t i = 0; i < want.size() && message.empty(); ++i) {
      if (want[i].dtype() == DType::key) continue;
      const Comparison cmp = compare(got.at(i), want[i], times(tolerance_of_values(golden, c), 4));
      if (cmp.message) message = *cmp.message;
    }
    if (!message.empty()) return note(counts, s, "differs", name, message);
  } catch (const NotImplementedError& e) {
    return note(counts, s, "refused", name, e.what());
  } catch (const std::exception& e) {
    note(counts, s, "error", name, e.what());
    if (!batch) return;
    --counts.passed;
  }
  ++counts.passed;
  collect(program, counts.primitives);
  if (!batch || !std::ranges::all_of(inputs, is_plain_type) || !std::ranges::all_of(want, is_plain_type)) return;
  try {
    const FlatFn flat = [program](const Arrays& xs) { return eval_jaxpr(program, xs); };
    const Arrays gradients = gradients_of(flat, inputs);
    const auto g = jax2tf::convert(
        [program](const Arrays& xs) { return eval_jaxpr(program, xs); },
        {.with_gradient = !gradients.empty(), .enable_xla = !s.plain, .native_serialization = s.native});
    g.trace(inputs);
    g.graph();  // what cannot be written must not end the batch
    batch->add(name, g, inputs, want, gradients);
    ++counts.saved;
  } catch (const std::exception& e) {
    note(counts, s, "unsaved", name, e.what());
  }
}

void add_limits(const json& c, ExportLimits& limits) {
  const auto x64 = override_config(&Config::enable_x64, true);
  try {
    limits.add(program_of(c, c.at("jaxpr").get<std::string>()));
  } catch (const std::exception&) {  // programs that are not read
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  bool only_limits = false;
  CLI::App app("Recorded programs through TensorFlow's graph and back");
  app.add_option("--dir", s.dir, "Folder of families (*.json); without one, --out gets the documents' examples");
  app.add_option("--out", s.out, "Where SavedModels go");
  app.add_option("--only", s.only, "Families or cases whose name contains this");
  app.add_flag("--plain", s.plain, "Without Xla operations");
  app.add_flag("--native", s.native, "As StableHLO modules inside XlaCallModule");
  app.add_flag("--limits", only_limits, "Print the table of docs/limitations.md instead");
  app.add_flag("--verbose", s.verbose, "Every problem");
  CLI11_PARSE(app, argc, argv);
  if (s.dir.empty()) {
    save_documents(s.out);
    return 0;
  }
  Counts counts;
  ExportLimits limits;
  Batch batch(s);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(s.dir))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) {
    const Golden golden = load_golden(file.string());
    for (const json& c : golden.cases()) {
      if (!c.contains("jaxpr") || !c.contains("outputs")) continue;
      const std::string name = golden.family + "/" + c.at("name").get<std::string>();
      if (!s.only.empty() && name.find(s.only) == std::string::npos) continue;
      if (only_limits) add_limits(c, limits);
      else run_case(golden, c, s, counts, s.out.empty() ? nullptr : &batch);
    }
  }
  if (only_limits) {
    std::cout << limits.table();
    return 0;
  }
  batch.flush();
  for (const auto& [kind, entry] : counts.problems)
    std::cout << fmt::format("{:4} {}   (first: {})\n", entry.first, kind, entry.second);
  std::cout << fmt::format("{} passed with {} primitives, {} saved\n", counts.passed, counts.primitives.size(),
                           counts.saved);
  return 0;
}
