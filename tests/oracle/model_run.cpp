// One model of the oracle, against what TensorFlow recorded.
#include "model_run.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <set>

#include "model_compare.h"
#include "tf2jax/tf2jax.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

const std::vector<std::string>& model_columns() {
  static const std::vector<std::string> columns{"opens", "load_ms",  "eager",     "first_ms", "steady_ms", "jit",
                                                "grad",  "jit_grad", "variables", "updated",  "vmap",      "reason"};
  return columns;
}

namespace {

using Inputs = Tree::Dict;  // arrays and texts

struct RecordedModel {
  explicit RecordedModel(const fs::path& f)
      : folder(f),
        facts(json::parse(read_file((f / "case.json").string()))),
        inputs(facts.at("inputs").get<std::vector<std::string>>()),
        outputs(facts.at("outputs").get<std::vector<std::string>>()) {}
  NamedArrays arrays(const std::string& file) const { return load_npz(folder / (file + ".npz")); }
  bool frozen() const { return facts.value("kind", "") == "frozen"; }
  ConvertedFunction convert(bool jit) const {
    if (frozen()) return tf2jax::convert(folder / "frozen.pb", {.inputs = inputs, .outputs = outputs, .jit = jit});
    return tf2jax::convert(folder / "model", {.signature = facts.value("signature", ""), .jit = jit});
  }
  Inputs texts_and_arrays(const std::string& file) const { return load_npz_tree(folder / (file + ".npz")).dict(); }
  CallArguments arguments(const Inputs& in) const {
    CallArguments a;
    for (const std::string& name : inputs) {
      if (frozen()) a.positional.push_back(in.at(name));
      else a.keywords.insert_or_assign(name, in.at(name));
    }
    a.key = random::key(0);
    return a;
  }
  /// The outputs by their recorded names.
  NamedArrays named(const Tree& tree) const {
    NamedArrays out;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string& name = outputs[i];
      if (tree.is_leaf()) out[name] = tree.array();
      else if (tree.kind() == Tree::Kind::list) out[name] = tree[static_cast<int>(i)].array();
      else out[name] = (tree.contains(name) || tree.size() != 1 ? tree[name] : tree[0]).array();
    }
    return out;
  }

  fs::path folder;
  json facts;
  std::vector<std::string> inputs, outputs;
};

double milliseconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

class ModelRun {
 public:
  ModelRun(const fs::path& folder, const Emit& emit) : c_(folder), emit_(emit) {}

  void run() {
    const auto x64 = override_config(&Config::enable_x64, c_.facts.value("x64", false));
    const auto compiler = override_config(&Config::require_compiler, true);
    if (!stage("opens", [&] {
          tell("load_ms", fmt::format("{:.0f}", milliseconds([&] { f_ = c_.convert(true); })));
          tell("opens", "ok");
        }))
      return;
    if (!stage("eager", [&] { read(); })) return;
    values();
    gradients_of_inputs();
    gradients_of_variables();
    updates();
    if (c_.facts.value("vmap", false)) batched();
  }

 private:
  void read() {
    in_ = c_.texts_and_arrays("inputs");
    out_ = c_.arrays("outputs");
    weights_ = c_.arrays("weights");
    gradients_ = c_.arrays("gradients");
    variables_ = c_.arrays("variables");
    updated_ = c_.arrays("updated");
    rtol_ = c_.facts.at("rtol").get<double>();
    gradient_rtol_ = c_.facts.at("gradient_rtol").get<double>();
  }
  NamedArrays call(const ConvertedFunction& g, const Inputs& x) const { return c_.named(g.call(c_.arguments(x))); }
  Array weighted(const NamedArrays& y) const {
    Array total = Array(0.f);
    for (const auto& [name, w] : weights_) total = total + sum(y.at(name) * w);
    return total;
  }

  void values() {
    // Of random results, unless they are to be TensorFlow's.
    const bool shapes = c_.facts.value("compare", "") == "shape" && !config().tf_exact_random;
    stage("eager",
          [&] { judge("eager", difference(call(c_.convert(false), in_), out_, {.only_shapes = shapes}), rtol_); });
    stage("jit", [&] {
      NamedArrays got;
      tell("first_ms", fmt::format("{:.0f}", milliseconds([&] { got = call(*f_, in_); })));
      judge("jit", difference(got, out_, {.only_shapes = shapes}), rtol_);
      double best = INFINITY;
      for (int i = 0; i < 5; ++i) best = std::min(best, milliseconds([&] { call(*f_, in_); }));
      tell("steady_ms", fmt::format("{:.2f}", best));
    });
  }

  void gradients_of_inputs() {
    NamedArrays points, want;
    for (const auto& [key, g] : gradients_)
      if (key.starts_with("input:")) {
        points[key.substr(6)] = in_.at(key.substr(6)).array();
        want[key.substr(6)] = g;
      }
    if (want.empty()) return;
    const auto loss = [&](const NamedArrays& p) {
      Inputs x = in_;
      for (const auto& [name, v] : p) x[name] = v;
      return weighted(call(*f_, x));
    };
    stage("grad", [&] { judge("grad", difference(grad(loss)(points), want, {.common_scale = true}), gradient_rtol_); });
    stage("jit_grad", [&] {
      judge("jit_grad", difference(jit(grad(loss))(points), want, {.common_scale = true}), gradient_rtol_);
    });
  }

  void gradients_of_variables() {
    NamedArrays want;
    for (const auto& [key, g] : gradients_)
      if (key.starts_with("variable:")) want[key.substr(9)] = g;
    if (want.empty()) return;
    stage("variables", [&] {
      const auto names = match_variables(want, nullptr);
      std::erase_if(want, [&](const auto& v) {
        return !f_->params().at(names.at(v.first)).trainable();
      });  // TensorFlow's own rule: none
      NamedArrays at;
      for (const auto& [key, g] : want) at[key] = variables_.at(key);
      const auto fit = [&](const NamedArrays& p) {
        Variables params = f_->params();
        for (const auto& [key, v] : p) {
          Variable changed = params.at(names.at(key));
          changed.value() = v;
          params.set(std::move(changed));
        }
        return weighted(c_.named(f_->apply().call(params, c_.arguments(in_)).first));
      };
      judge("variables", difference(jit(grad(fit))(at), want, {.common_scale = true}), gradient_rtol_);
    });
  }

  void updates() {
    if (updated_.empty()) return;
    stage("updated", [&] {
      const Variables after = f_->apply().call(f_->params(), c_.arguments(in_)).second;
      const auto names = match_variables(updated_, &after);
      NamedArrays got;
      for (const auto& [key, v] : updated_) got[key] = after.at(names.at(key)).value();
      judge("updated", difference(got, updated_, {}), rtol_);
    });
  }

  // Texts are the same for all of a batch.
  void batched() {
    stage("vmap", [&] {
      NamedArrays both, first, second;
      Inputs half = in_;
      for (auto& [name, v] : half)
        if (v.is_leaf() && is_inexact(v.array().dtype())) v = v.array() * 0.5f;
      for (const auto& [name, v] : in_)
        if (v.is_leaf()) both[name] = stack({v.array(), half.at(name).array()});
      const auto with_texts = [&](const NamedArrays& arrays) {
        Inputs x = in_;
        for (const auto& [name, v] : arrays) x[name] = v;
        return x;
      };
      const NamedArrays got = vmap([&](const NamedArrays& x) { return call(*f_, with_texts(x)); })(both);
      for (const auto& [name, v] : got) first[name] = v[0], second[name] = v[1];
      const Difference a = difference(first, out_, {}), b = difference(second, call(*f_, half), {});
      judge("vmap", a.error > b.error ? a : b, rtol_);
    });
  }

  // Our names of recorded variables, found by value; among equal ones that which changes as recorded.
  std::map<std::string, std::string> match_variables(const NamedArrays& recorded, const Variables* after) const {
    std::map<std::string, std::string> names;
    std::set<std::string> taken;
    for (const auto& [key, want] : recorded) {
      const Array& value = variables_.at(key);
      double best = INFINITY;
      for (const auto& [name, ours] : f_->params()) {
        if (taken.contains(name) || ours.value().shape() != value.shape() ||
            ours.value().to_vector<double>() != value.to_vector<double>())
          continue;
        const double error = after ? std::min(1e30, difference(name, after->at(name).value(), want, 0).error) : 0;
        if (error < best) best = error, names[key] = name;
      }
      check<LookupError>(names.contains(key), "no variable has the value of recorded variable {}", key);
      taken.insert(names[key]);
    }
    return names;
  }

  void tell(const std::string& column, const std::string& value) const { emit_(column + " " + value); }
  void judge(const std::string& column, const Difference& d, double limit) const {
    const bool ok = d.error <= limit;
    tell(column, fmt::format("{} {:.1e}", ok ? "ok" : "WRONG", d.error));
    if (!ok) tell("reason", column + ": " + d.what);
  }
  bool stage(const std::string& column, const std::function<void()>& f) const {
    tell("stage", column);
    try {
      f();
      return true;
    } catch (const Error& e) {
      tell("reason", column + ": " + e.what());
    } catch (const std::exception& e) {
      tell("reason", column + ": not an error of the library: " + e.what());
    }
    tell(column, "fail");
    return false;
  }

  const RecordedModel c_;
  const Emit& emit_;
  std::optional<ConvertedFunction> f_;
  Inputs in_;
  NamedArrays out_, weights_, gradients_, variables_, updated_;
  double rtol_ = 0, gradient_rtol_ = 0;
};

}  // namespace

void run_model(const fs::path& folder, const Emit& emit) { ModelRun(folder, emit).run(); }

std::map<std::string, std::string> cells_of(const Isolated& left) {
  std::map<std::string, std::string> cells;
  const auto add_reason = [&](const std::string& why) {
    std::string& cell = cells["reason"];
    cell += (cell.empty() ? "" : " | ") + why;
  };
  for (std::string line : left.lines) {
    std::ranges::replace(line, '\t', ' ');
    const std::size_t space = line.find(' ');
    const std::string column = line.substr(0, space), value = line.substr(space + 1);
    if (column == "reason") add_reason(value);
    else cells[column] = value;
  }
  if (!left.lost.empty()) {
    cells[cells["stage"]] = left.lost.starts_with("takes longer") ? "timeout" : "CRASH";
    add_reason(cells["stage"] + ": " + left.lost);
  }
  return cells;
}

}  // namespace conformance
