// Models of the corpus: outputs and derivatives against recorded values, op by op and compiled.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "derivative_checks.h"
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
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "unrecorded_models.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

Tolerance as_tolerance(CaseTolerance t) { return {.rtol = t.rtol, .atol = t.atol}; }

// Another order of summation changes an entry that cancels by the rounding of its largest terms: f32 has 6e-8, and sums
// of thousands of terms lose three digits of it. The floor is for gradients that are zero but for rounding, such as
// that of the sum of a softmax (1 by definition), where entries of 1e-9 stand against 0.
Tolerance gradient_tolerance(const Array& gradient) {
  const double largest = gradient.size() ? tf2jax::max(abs(gradient)).item<double>() : 0;
  return {.rtol = 1e-3, .atol = std::max(1e-6, 1e-3 * largest)};
}

// One signature with its recorded outputs.
class ModelRunner {
 public:
  ModelRunner(Model m, const json& c, const fs::path& folder, std::vector<std::string> output_keys,
              const Options& options, CaseResult& result)
      : m_(std::move(m)),
        c_(c),
        folder_(folder),
        output_keys_(std::move(output_keys)),
        options_(options),
        result_(result) {
    for (const std::string& key : output_keys_)
      want_.push_back(load_npy(folder / c.at("outputs").at(key).get<std::string>()));
  }

  void outputs() {
    parts(options_, "outputs", result_, [&](Execution how, const std::string& name) {
      const Arrays got = run(m_.function(), m_.inputs, how);
      if (got.size() != want_.size())
        throw std::runtime_error(fmt::format("got {} outputs, expected {}", got.size(), want_.size()));
      for (std::size_t i = 0; i < got.size(); ++i) check_output(name, got[i], want_[i], output_keys_[i]);
    });
  }

  void derivatives() {
    m_.part.reset();  // only outputs were cut
    for (std::size_t i = 0; i < want_.size(); ++i)
      if (is_inexact(want_[i].dtype())) out_.push_back(i);
    in_ = m_.inexact_inputs();
    if (in_.empty() || out_.empty()) return;
    choose_direction();
    const Differentiable d{m_.function(), m_.inputs.size(), in_, out_};
    const Arrays values = under(Execution::uncompiled, [&] { return pick(d.f(m_.inputs), out_); });
    Arrays cotangents;
    for (const Array& y : values) cotangents.push_back(ones_like(y));
    if (lacks_gradient_function(d, join(m_.inputs, cotangents))) return;
    parts(options_, "derivatives", result_, [&](Execution how, const std::string& name) {
      const Arrays back = run([&](const Arrays& xs) { return d.vjp(xs); }, join(m_.inputs, cotangents), how);
      const Arrays ahead = run([&](const Arrays& xs) { return d.jvp(xs); }, join(m_.inputs, direction_), how);
      if (is_recorded()) check_recorded_jvp(part_name("jvp", how), ahead);
      check_products(cotangents, ahead, back, direction_, 1e-3, name, result_);
      check_batched(part_name("vmap(grad)", how), d, cotangents, back, how);
    });
    // Finite differences where none are recorded; not for the suite of small graphs, whose floors and moduli jump.
    if (!is_recorded() && c_.contains("format"))
      result_.part("differences", [&] {
        check_differences([&](const Arrays& xs) { return pick(d.f(with(xs)), out_); }, pick(m_.inputs, in_), true,
                          "differences", result_);
      });
  }

 private:
  // A custom gradient whose function the file does not have: the error that the documents give, under jit too.
  bool lacks_gradient_function(const Differentiable& d, const Arrays& args) {
    constexpr std::string_view kText = "was expected but not found for the node";
    const auto refusal = [&](Execution how) -> std::string {
      try {
        run([&](const Arrays& xs) { return d.vjp(xs); }, args, how);
      } catch (const LookupError& e) {
        return e.what();
      }
      return "";
    };
    const std::string message = refusal(Execution::uncompiled);
    if (message.find(kText) == message.npos) return false;
    parts(options_, "derivatives refused", result_, [&](Execution how, const std::string& name) {
      if (refusal(how) != message) result_.fail(name, fmt::format("got '{}', expected '{}'", refusal(how), message));
    });
    return true;
  }

  bool is_recorded() const { return c_.contains("jvp") && c_.at("jvp").is_object(); }

  void check_output(const std::string& part, const Array& got, Array want, const std::string& key) {
    // Recorded files may hold 64-bit values where the library, as JAX, computes with 32 bits.
    if (want.dtype() != got.dtype() && canonical_dtype(want.dtype()) == got.dtype())
      want = convert_element_type(want, got.dtype());
    if (c_.contains("deterministic") &&
        !c_.at("deterministic").get<bool>()) {  // the record's own word: shapes and dtypes only
      if (!got.aval().matches(want.aval()))
        result_.fail(part,
                     fmt::format("{}: got {}, expected {}", key, got.aval().to_string(), want.aval().to_string()));
      return;
    }
    Tolerance t = as_tolerance(tolerance_of_model(c_));
    if (is_integer(want.dtype()) && itemsize(want.dtype()) == 8 &&
        got.dtype() == want.dtype())  // recorded as decimal text that went through a double
      return result_.check(part, convert_element_type(got, DType::f64), convert_element_type(want, DType::f64),
                           {.scale = 0.01}, key);
    if (c_.value("notes", "").find("order of the k entries is unspecified") != std::string::npos)
      return result_.check(part, sort(got), sort(want), t, key);
    if (itemsize(real_dtype(want.dtype())) <= 2) t.rtol = std::max(*t.rtol, 1e-2);
    result_.check(part, got, want, t, key);
  }

  // The recorded direction, else the inputs themselves. A record may be taken at the first rows only.
  void choose_direction() {
    for (const std::size_t i : in_) {
      std::optional<Array> t;
      if (is_recorded())
        for (const auto& [key, file] : c_.at("jvp").at("tangents").items())
          if (key == m_.input_names[i] || key.ends_with("/" + m_.input_names[i]))
            t = load_npy(folder_ / file.get<std::string>());
      Array& x = m_.inputs[i];
      if (t && !identical(t->shape(), x.shape())) x = slice_in_dim(x, 0, t->shape()[0].value(), 1, 0);
      direction_.push_back(t               ? convert_element_type(*t, x.dtype())
                           : is_recorded() ? zeros_like(x)
                                           : add(x, full({}, 0.5, x.dtype())));
    }
  }

  void check_recorded_jvp(const std::string& part, const Arrays& ahead) {
    const json& j = c_.at("jvp");
    for (const auto& [key, file] : j.at("outputs").items())
      for (std::size_t i = 0; i < out_.size(); ++i)
        if (key == output_keys_[out_[i]])
          result_.check(part, ahead[i],
                        convert_element_type(load_npy(folder_ / file.get<std::string>()), ahead[i].dtype()),
                        as_tolerance(tolerance_of_model(j)), key);
  }

  // vmap(grad) over a batch of two equals the loop.
  void check_batched(const std::string& part, const Differentiable& d, const Arrays& cotangents, const Arrays& gradient,
                     Execution how) {
    const FlatFn pulled = [&](const Arrays& xs) { return d.vjp(join(with(xs), cotangents)); };
    Arrays other;
    for (const std::size_t i : in_) other.push_back(mul(m_.inputs[i], full({}, 0.9, m_.inputs[i].dtype())));
    const Arrays batched =
        run([&](const Arrays& xs) { return vmapped(pulled, xs); }, stacked(pick(m_.inputs, in_), other), how);
    const Arrays loop = stacked(gradient, under(Execution::uncompiled, [&] { return pulled(other); }));
    for (std::size_t i = 0; i < batched.size(); ++i)
      result_.check(part, batched[i], loop[i], gradient_tolerance(loop[i]), fmt::format("input {}", i));
  }

  Arrays with(const Arrays& xs) const {
    Arrays all = m_.inputs;
    for (std::size_t i = 0; i < in_.size(); ++i) all[in_[i]] = xs[i];
    return all;
  }

  Model m_;
  const json& c_;
  const fs::path folder_;
  const std::vector<std::string> output_keys_;
  const Options& options_;
  CaseResult& result_;
  Arrays want_, direction_;
  Positions in_, out_;
};

bool has_wide_arrays(const json& c, const fs::path& folder) {
  const auto as_written = override_config(&Config::enable_x64, true);  // arrays are narrowed as they are read otherwise
  for (const char* side : {"inputs", "outputs"}) {
    const json files = c.value(side, json::object());
    for (const auto& [key, file] : files.items())
      if (itemsize(real_dtype(load_npy(folder / file.get<std::string>()).dtype())) == 8) return true;
  }
  return false;
}

}  // namespace

void run_model_case(const json& c, const std::string& folder, const std::string& model, const Options& options,
                    CaseResult& result) {
  if (!c.contains("outputs") || c.at("outputs").empty()) return run_unrecorded_model(c, folder, model, options, result);
  if (c.at("outputs").contains(kRegisteredGradient)) return run_registered_gradient(c, folder, options, result);
  const auto scope = override_config(&Config::enable_x64, has_wide_arrays(c, folder));
  const auto shapes = override_config(&Config::strict_shape_check, false);
  for (const auto& [signature, keys] : keys_by_signature(c)) {
    if (keys.outputs.empty()) continue;
    std::vector<std::string> names;
    for (const std::string& key : keys.outputs) names.push_back(without_signature(key));
    std::optional<ModelRunner> runner;
    result.part("convert", [&, &signature = signature, &keys = keys] {
      runner.emplace(open_model(c, folder, model, signature, keys.inputs, names), c, folder, keys.outputs, options,
                     result);
    });
    if (!runner) continue;
    const std::size_t failures = result.failures().size();
    result.part("outputs", [&] { runner->outputs(); });
    if (result.failures().size() == failures) result.part("derivatives", [&] { runner->derivatives(); });
  }
}

}  // namespace conformance
