// Cases of TensorFlow graphs: what the Python library computed on GraphDefs, op by op and compiled.
#include <fmt/format.h>

#include <regex>
#include <set>

#include "derivative_checks.h"
#include "execution.h"
#include "expected_error.h"
#include "graph_reader.h"
#include "graph_rules.h"
#include "open_results.h"
#include "rounding.h"
#include "runners.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;

namespace {

Tolerance graph_tolerance(const std::string& family) {
  // Long sums, decompositions and special functions near zeros of their results: 2e-4 in f32; the rest 6e-5.
  static const std::set<std::string> loose = {"linalg", "fft",  "net",  "resize", "matrix",
                                              "random", "loss", "conv", "norm",   "pool"};
  return {.scale = loose.contains(family) ? 10.0 : 3.0};
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}

Positions from(std::size_t begin, std::size_t count) {
  Positions out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(begin + i);
  return out;
}

// What the Python library cannot trace though the values are there.
bool is_limit_of_tracing(const json& error) {
  static const std::regex limit("JitTracer|Abstract tracer|must have static start|has no attribute 'at'");
  return std::regex_search(error.at("message").get<std::string>(), limit);
}
// An exception that no program of a user should see: a defect there.
bool is_own_fault(const json& error) {
  const std::string type = error.at("type").get<std::string>();
  return type == "AttributeError" || type == "OverflowError";
}

// What the Python library refuses and TensorFlow computes: ours does too, and tests/golden/tf judges it.
bool is_restriction(const json& error) {
  static const std::regex lifted(
      "OneHot does not support axis=|Only align_corners=False and half_pixel_centers=True is supported|"
      "does not support `align=|does not yet support num_rows=|resize_if_index_out_of_bounds=True in "
      "TensorListSetItem");
  return std::regex_search(error.at("message").get<std::string>(), lifted);
}
// What JAX's own rules refuse as well.
bool is_limit_of_jax(const Error& e) {
  const std::string text = e.what();
  return text.find("scatter_mul: its gradients need unique indices") != std::string::npos;
}
// Whether the serialized module of a graph rounds to fewer bits or sorts keys that are close to each other.
bool has_steps(const Golden& golden, const json& c) {
  const auto bytes = golden.bytes(c.at("graph"));
  const std::string_view graph(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return graph.find("reduce_precision") != graph.npos || graph.find("convert_v1") != graph.npos ||
         graph.find("sort_v1") != graph.npos;
}

class GraphRunner {
 public:
  GraphRunner(const Golden& golden, const json& c, const Options& options, CaseResult& result)
      : golden_(golden),
        c_(c),
        options_(options),
        result_(result),
        value_(graph_tolerance(golden.family)),
        g_(golden, c),
        rule_(graph_rule(golden, c)),
        rounds_or_sorts_(golden.family == "call_module" && has_steps(golden, c)) {}

  void outputs() {
    const json& want = c_.at("result");
    const std::vector<std::string> updated =
        !rule_ && want.contains("new_params") ? keys_of(want.at("new_params")) : std::vector<std::string>{};
    const Arrays expected = rule_ ? rule_->expected(g_.arguments()) : golden_.arrays(want.at("outputs"), g_.narrow());
    parts(options_, "outputs", result_, [&](Execution how, const std::string& name) {
      const Arrays got = run(g_.outputs_and_updates(updated), g_.arguments(), how);
      const Arrays values = in_recorded_phase(part_of(got, 0, got.size() - updated.size()), expected);
      result_.check_all(name, values, fits(values, expected) ? expected : rounded(values, expected), value_);
      for (std::size_t i = 0; i < updated.size(); ++i)
        result_.check(name, got[got.size() - updated.size() + i],
                      golden_.array(want.at("new_params").at(updated[i]), g_.narrow()), value_,
                      "variable " + updated[i]);
    });
  }

  void jvp() {
    const json& j = c_.at("jvp");
    if (j.contains("error")) return derivative_error("jvp", j.at("error"));
    if (reads_one_triangle()) return against_differences("jvp");
    const Differentiable d = g_.differentiable(j.at("wrt"), j.at("tangents_out"));
    const Arrays args = join(g_.arguments(), golden_.arrays(j.at("tangents"), g_.narrow()));
    const Arrays want = rule_ ? expected(d).jvp(args) : not_null(golden_, j.at("tangents_out"), g_.narrow());
    parts(options_, "jvp", result_, [&](Execution how, const std::string& name) {
      result_.check_all(name, run([&](const Arrays& xs) { return d.jvp(xs); }, args, how), want, times(value_, 5));
    });
  }

  void vjp() {
    const json& j = c_.at("vjp");
    if (j.contains("error")) return derivative_error("vjp", j.at("error"));
    if (reads_one_triangle()) return against_differences("vjp");
    const Differentiable d = g_.differentiable(j.at("wrt"), j.at("cotangents"));
    Arrays cotangents = not_null(golden_, j.at("cotangents"), g_.narrow());
    if (rule_) {  // the record's are of the shapes of its own results
      cotangents.clear();
      for (const Array& y : pick(rule_->expected(g_.arguments()), d.out)) cotangents.push_back(ones_like(y));
    }
    const Arrays args = join(g_.arguments(), cotangents);
    const Arrays want = rule_ ? expected(d).vjp(args) : golden_.arrays(j.at("grads"), g_.narrow());
    parts(options_, "vjp", result_, [&](Execution how, const std::string& name) {
      result_.check_all(name, run([&](const Arrays& xs) { return d.vjp(xs); }, args, how), want, times(value_, 5));
    });
    if (!rule_ && j.contains("param_grads"))
      of_variables(keys_of(j.at("param_grads")), d.out, cotangents, j.at("param_grads"));
  }

  void vmap() {
    const json& j = c_.at("vmap");
    const Arrays args = j.contains("error") ? two_examples() : g_.batched(j.at("inputs"));
    const FlatFn f = g_.outputs(), batched = [&](const Arrays& xs) { return vmapped(f, xs, g_.mapped(), 2); };
    // Where the Python library cannot batch: one example after the other.
    const Arrays want =
        j.contains("error") ? under(Execution::uncompiled, [&] { return stacked(f(one(args, 0)), f(one(args, 1))); })
        : rule_             ? under(Execution::uncompiled,
                                    [&] { return stacked(rule_->expected(one(args, 0)), rule_->expected(one(args, 1))); })
                            : golden_.arrays(j.at("outputs"), g_.narrow());
    parts(options_, "vmap", result_, [&](Execution how, const std::string& name) {
      result_.check_all(name, in_recorded_phase(run(batched, args, how), want), want, value_);
    });
  }

  /// That a serialized module is one operation: what the record says of derivatives and batching.
  void refused(const std::string& what) {
    const Differentiable d = everything();
    const FlatFn f = g_.outputs();
    parts(options_, what + " refused", result_, [&](Execution how, const std::string& name) {
      expect_error(c_.at(what).at("error"), name, result_, [&] {
        if (what == "vmap") run([&](const Arrays& xs) { return vmapped(f, xs, g_.mapped(), 2); }, two_examples(), how);
        else run([&](const Arrays& xs) { return what == "jvp" ? d.jvp(xs) : d.vjp(xs); }, seeds_of(d, what), how);
      });
    });
  }

 private:
  bool has_op(std::string_view op) const {
    return std::ranges::any_of(c_.at("ops"), [&](const json& o) { return o.get<std::string>() == op; });
  }
  // Eigenvectors are open up to their phase.
  Arrays in_recorded_phase(Arrays got, const Arrays& want) const {
    if ((has_op("Eig") || has_op("SelfAdjointEigV2")) && got.size() > 1 && want.size() == got.size())
      got[1] = in_phase_of(got[1], want[1]);
    return got;
  }
  // The Python library differentiates the mean of both triangles; the values are those of the one that is read.
  bool reads_one_triangle() const { return has_op("SelfAdjointEigV2"); }
  void against_differences(const std::string& what) {
    const Differentiable d = everything();
    parts(options_, what, result_, [&](Execution how, const std::string& name) { differences(d, what, name, how); });
  }
  void differences(const Differentiable& d, const std::string& what, const std::string& name, Execution how) {
    check_differences(
        [&](const Arrays& xs) {
          return run([&](const Arrays& ys) { return pick(g_.outputs()(with(d.in, ys)), d.out); }, xs, how);
        },
        pick(g_.arguments(), d.in), what == "vjp", name, result_);
  }

  bool fits(const Arrays& got, const Arrays& want) const {
    bool out = got.size() == want.size();
    for (std::size_t i = 0; i < want.size() && out; ++i) out = !compare(got[i], want[i], value_).message;
    return out;
  }
  // Of a serialized module every operation is off by a rounding, not the whole of it.
  Arrays rounded(const Arrays& got, const Arrays& want) const {
    const auto transparent = override_config(&Config::xlacallmodule_transparent, true);
    const GraphCase g(golden_, c_);
    return allowing_roundings(g.outputs(), g.arguments(), got, want);
  }
  Arrays seeds_of(const Differentiable& d, const std::string& what) const {
    Arrays all = g_.arguments();
    for (const Array& x : what == "jvp" ? pick(g_.arguments(), d.in) : pick(values_, d.out))
      all.push_back(ones_like(x));
    return all;
  }
  Differentiable expected(const Differentiable& d) const { return {rule_->expected, d.count, d.in, d.out}; }

  void of_variables(const std::vector<std::string>& variables, const Positions& out, const Arrays& cotangents,
                    const json& recorded) {
    const Arrays args = join(join(g_.arguments(), g_.values_of(variables)), cotangents);
    const Differentiable d{g_.of_variables(variables), args.size() - cotangents.size(),
                           from(g_.arguments().size(), variables.size()), out};
    Arrays want;
    for (const std::string& name : variables) want.push_back(golden_.array(recorded.at(name), g_.narrow()));
    parts(options_, "vjp of variables", result_, [&](Execution how, const std::string& name) {
      result_.check_all(name, run([&](const Arrays& xs) { return d.vjp(xs); }, args, how), want, times(value_, 5));
    });
  }

  // Derivatives that the Python library refuses. LookupErrors are the model's own (PreventGradient, a gradient that is
  // not registered): ours too. The rest are limits of that library: either ours refuses likewise, or its derivatives
  // agree with the recorded other mode, or with finite differences.
  void derivative_error(const std::string& what, const json& error) {
    const bool forward = what == "jvp";
    const Differentiable d = everything();
    Arrays seeds;
    for (const Array& x : forward ? pick(g_.arguments(), d.in) : pick(values_, d.out)) seeds.push_back(ones_like(x));
    const FlatFn derivative = [&](const Arrays& xs) { return forward ? d.jvp(xs) : d.vjp(xs); };
    const bool own = error.at("type") == "LookupError";
    parts(options_, what, result_, [&](Execution how, const std::string& name) {
      const auto body = [&] { run(derivative, join(g_.arguments(), seeds), how); };
      if (own) return expect_error(error, name, result_, body);
      try {
        body();
      } catch (const Error& e) {
        if (difference_of_errors(e, error).empty() || is_limit_of_jax(e)) return;
        throw;
      }
      if (forward && c_.contains("vjp") && c_.at("vjp").contains("grads")) return against_gradients(name, how);
      if (!c_.at("gradients").empty())
        throw Unsupported("the record has an error and no values, and a registered gradient is not the derivative");
      if (rounds_or_sorts_) return forward_against_reverse(d, name, how);
      if (!forward && golden_.family == "call_module")
        expect_numbers(run(derivative, join(g_.arguments(), seeds), how));
      differences(d, what, name, how);
    });
  }

  // A module writes functions such as erf_inv out, with branches for each range: where one that is not taken has an
  // infinite slope, reverse mode has no number.
  static void expect_numbers(const Arrays& derivatives) {
    for (const Array& g : derivatives)
      if (is_floating(g.dtype()) && !reduce_and(is_finite(ravel(g)), {0}).item<bool>())
        throw Unsupported("reverse mode through what the module writes out is not a number");
  }

  // Steps, where differences say nothing: forward mode against reverse mode.
  void forward_against_reverse(const Differentiable& d, const std::string& name, Execution how) {
    Arrays tangents, cotangents;
    for (const Array& x : pick(g_.arguments(), d.in)) tangents.push_back(ones_like(x));
    for (const Array& y : pick(values_, d.out)) cotangents.push_back(ones_like(y));
    const Arrays ahead = run([&](const Arrays& xs) { return d.jvp(xs); }, join(g_.arguments(), tangents), how);
    const Arrays back = run([&](const Arrays& xs) { return d.vjp(xs); }, join(g_.arguments(), cotangents), how);
    check_products(cotangents, ahead, back, tangents, 1e-4, name, result_);
  }

  // All that can be differentiated.
  Differentiable everything() {
    values_ = under(Execution::uncompiled, [&] { return g_.outputs()(g_.arguments()); });
    Differentiable d{g_.outputs(), g_.arguments().size(), {}, {}};
    for (std::size_t i = 0; i < g_.arguments().size(); ++i)
      if (is_inexact(g_.arguments()[i].dtype())) d.in.push_back(i);
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (is_inexact(values_[i].dtype())) d.out.push_back(i);
    return d;
  }

  // Forward mode against the recorded gradients.
  void against_gradients(const std::string& name, Execution how) {
    const json& recorded = c_.at("vjp");
    const Differentiable d = g_.differentiable(recorded.at("wrt"), recorded.at("cotangents"));
    const Arrays cotangents = not_null(golden_, recorded.at("cotangents"), g_.narrow()),
                 gradients = golden_.arrays(recorded.at("grads"), g_.narrow());
    Arrays tangents;
    for (const std::size_t i : d.in) tangents.push_back(ones_like(g_.arguments()[i]));
    const Arrays ahead = run([&](const Arrays& xs) { return d.jvp(xs); }, join(g_.arguments(), tangents), how);
    check_products(cotangents, ahead, gradients, tangents, 1e-4, name, result_);
  }
  Arrays with(const Positions& in, const Arrays& xs) const {
    Arrays all = g_.arguments();
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    return all;
  }

  Arrays two_examples() const {
    Arrays out;
    const std::vector<Axis> mapped = g_.mapped();
    for (std::size_t i = 0; i < mapped.size(); ++i) {
      const Array& x = g_.arguments()[i];
      out.push_back(mapped[i] ? stack({x, is_inexact(x.dtype()) ? mul(x, full({}, 0.5, x.dtype())) : x}) : x);
    }
    return out;
  }
  Arrays one(const Arrays& both, std::int64_t i) const {
    Arrays out = both;
    const std::vector<Axis> mapped = g_.mapped();
    for (std::size_t k = 0; k < out.size(); ++k)
      if (mapped[k]) out[k] = example({out[k]}, i)[0];
    return out;
  }

  const Golden& golden_;
  const json& c_;
  const Options& options_;
  CaseResult& result_;
  const Tolerance value_;
  const GraphCase g_;
  const std::optional<GraphRule> rule_;
  const bool rounds_or_sorts_;
  Arrays values_;
};

// A call that is recorded to fail. Ours may have values only where the Python library's limits say why: a rule of ours
// has them, or the same call has values there op by op, where nothing is traced.
void run_failing_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const json& error = c.at("result").at("error");
  if (graph_rule(golden, c)) return result.part("outputs", [&] { GraphRunner(golden, c, options, result).outputs(); });
  parts(options, "error", result, [&](Execution how, const std::string& name) {
    Arrays got;
    try {
      const GraphCase g(golden, c);
      got = run(g.outputs(), g.arguments(), how);
    } catch (const Error&) {
      return expect_error(error, name, result, [] { throw; });
    }
    const bool has_values = c.contains("eager") && c.at("eager").contains("outputs");
    if (is_limit_of_tracing(error) && has_values)
      return result.check_all(name, got, golden.arrays(c.at("eager").at("outputs"), !c.value("x64", false)),
                              graph_tolerance(golden.family));
    if (is_restriction(error)) throw Unsupported("what the Python library refuses has no recorded values");
    if (is_own_fault(error)) throw Unsupported("the record has an error of the Python library itself, and no values");
    expect_error(error, name, result, [] {});
  });
}

// What checkify found, which is an error here.
bool found_by_check(const json& c) { return c.contains("check") && !c.at("check").at("message").is_null(); }
void run_checked_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const json error{{"type", "ValueError"}, {"message", c.at("check").at("message")}};
  parts(options, "check", result, [&](Execution how, const std::string& name) {
    expect_error(error, name, result, [&] {
      const GraphCase g(golden, c);
      run(g.outputs(), g.arguments(), how);
    });
  });
}

}  // namespace

void run_graph_case(const Golden& golden, const json& recorded, const Options& options, CaseResult& result) {
  const json c = with_declared_dtypes(golden, recorded);
  const Config config = config_of(c);
  const ConfigScope scope(config);
  if (c.contains("structure")) return run_structured_case(golden, c, options, result);
  if (c.at("result").contains("error")) return run_failing_case(golden, c, options, result);
  if (found_by_check(c)) return run_checked_case(golden, c, options, result);
  std::optional<GraphRunner> runner;
  result.part("convert", [&] { runner.emplace(golden, c, options, result); });
  if (!runner) return;
  result.part("outputs", [&] { runner->outputs(); });
  // The Python library cannot see through serialized modules; ours can when it is told to.
  const bool is_module = config.xlacallmodule_transparent == false && golden.family == "call_module";
  const auto opaque = [&](const char* what) {
    return is_module && c.contains(what) && c.at(what).contains("error") &&
           c.at(what).at("error").at("type") == "NotImplementedError";
  };
  for (const char* what : {"jvp", "vjp", "vmap"})
    if (opaque(what)) result.part(what, [&] { runner->refused(what); });
  const auto transparent = override_config(&Config::xlacallmodule_transparent, true);
  if (is_module) result.part("convert", [&] { runner.emplace(golden, c, options, result); });
  if (c.contains("jvp")) result.part("jvp", [&] { runner->jvp(); });
  if (c.contains("vjp")) result.part("vjp", [&] { runner->vjp(); });
  if (c.contains("vmap")) result.part("vmap", [&] { runner->vmap(); });
}

}  // namespace conformance
