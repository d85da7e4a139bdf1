// Exported functions: modules of several conventions, models, functions of open sizes, and their derivatives.
#include <fmt/format.h>

#include <numeric>

#include "differentiable.h"
#include "execution.h"
#include "expected_error.h"
#include "expression.h"
#include "module_reader.h"
#include "open_results.h"
#include "rounding.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/parse.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;

namespace {

Avals avals_of(const Arrays& xs) {
  Avals out;
  for (const Array& x : xs) out.push_back(x.aval());
  return out;
}

// A module, its arguments and what it is expected to give.
class ModuleCase {
 public:
  ModuleCase(const Golden& golden, const Options& options, CaseResult& result, const Tolerance& tolerance)
      : golden_(golden), options_(options), result_(result), tolerance_(tolerance) {}

  FlatFn function(const json& exported, const Arrays& inputs) const {
    const Jaxpr program = program_of_module(golden_, exported, avals_of(inputs), options_.mode == "mlir");
    return [program](const Arrays& xs) { return eval_jaxpr(program, xs); };
  }
  void outputs(const std::string& what, const json& exported, const Arrays& inputs, const Arrays& want,
               const std::string& jaxpr = "") {
    result_.part(what, [&] {
      const FlatFn f = function(exported, inputs);
      Positions all(want.size());
      std::iota(all.begin(), all.end(), std::size_t{0});
      parts(options_, what, result_, [&](Execution how, const std::string& name) {
        Arrays got = run(f, inputs, how);
        if (!jaxpr.empty()) {  // eigenvectors are unique up to their phase
          OpenResults open(parse_jaxpr(jaxpr));
          open.choose(got, want);
          got = open.in_phase(got, all);
        }
        check(name, f, inputs, got, want);
      });
    });
  }
  /// The file of jax.export: its program, and that of its derivative where there is one.
  void serialized(const json& bytes_of, const Arrays& inputs, const Arrays& want) {
    const auto bytes = golden_.bytes(bytes_of);
    const std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const stablehlo::Exported e = stablehlo::read_exported(file);
    if (e.platforms.empty() || std::ranges::find(e.platforms, "cpu") == e.platforms.end())
      throw Unsupported("the program is not for this platform");
    const Jaxpr program = stablehlo::program_of(e, avals_of(inputs));
    const FlatFn f = [&](const Arrays& xs) { return eval_jaxpr(program, xs); };
    check("serialized", f, inputs, run(f, inputs, Execution::uncompiled), want);
    // Written by us, it is the same again.
    const stablehlo::Exported again = stablehlo::read_exported(stablehlo::write_exported(e));
    if (again.module != e.module || !(again.in_avals == e.in_avals) || !(again.out_tree == e.out_tree) ||
        !(again.in_tree == e.in_tree) || again.platforms != e.platforms)
      result_.fail("serialized", "it is another one when it is written and read again");
    if (!e.vjp) return;
    Avals all;
    for (const auto& a : e.vjp->in_avals) {
      Aval aval{a.dtype == "f0" ? DType::float0 : parse_dtype(a.dtype).value(), {}, false};
      for (const std::string& size : a.shape) aval.shape.push_back(Dim::parse(size));
      all.push_back(std::move(aval));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) all[i] = inputs[i].aval();
    for (const Aval& a : all)
      if (!is_concrete(a.shape)) return;
    (void)stablehlo::program_of(*e.vjp, all);
  }
  /// The serialized derivative against ours, seen through the module.
  void derivative(const std::string& what, const json& exported, const json& exported_vjp, const Arrays& inputs) {
    result_.part(what, [&] {
      const FlatFn f = function(exported, inputs);
      const Arrays values = under(Execution::uncompiled, [&] { return f(inputs); });
      Differentiable d{f, inputs.size(), {}, {}};
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (is_inexact(inputs[i].dtype())) d.in.push_back(i);
      Arrays seeds, all = inputs;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool inexact = is_inexact(values[i].dtype());
        if (inexact) d.out.push_back(i);
        const Array seed = inexact ? ones_like(values[i]) : zeros_of({DType::bool_, values[i].shape(), false});
        all.push_back(seed);
        if (inexact) seeds.push_back(seed);
      }
      const FlatFn pulled = [&](const Arrays& xs) { return d.vjp(xs); };
      const Arrays want = under(Execution::uncompiled, [&] { return pulled(join(inputs, seeds)); });
      const FlatFn g = function(exported_vjp, all);
      parts(options_, what, result_, [&](Execution how, const std::string& name) {
        check(name, pulled, join(inputs, seeds), pick(run(g, all, how), d.in), want);
      });
    });
  }

 private:
  void check(const std::string& name, const FlatFn& f, const Arrays& args, const Arrays& got, const Arrays& want) {
    bool fits = got.size() == want.size();
    for (std::size_t i = 0; i < want.size() && fits; ++i) fits = !compare(got[i], want[i], tolerance_).message;
    result_.check_all(name, got, fits || got.size() != want.size() ? want : allowing_roundings(f, args, got, want),
                      tolerance_);
  }

  const Golden& golden_;
  const Options& options_;
  CaseResult& result_;
  const Tolerance tolerance_;
};

Shape shape_of(const std::string& text) {
  Shape out;
  std::size_t depth = 0, begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] == '(' || text[i] == ')')) depth += text[i] == '(' ? 1 : -1;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    const std::string part = text.substr(begin, i - begin);
    if (part.find_first_not_of(' ') != std::string::npos) out.push_back(Dim::parse(part));
    begin = i + 1;
  }
  return out;
}

// "float32" and "b, 3", with the names of sizes as they are.
Aval symbolic_aval(const json& spec) {
  const auto dtype = parse_dtype(spec.at(0).get<std::string>());
  if (!dtype) throw Unsupported("dtype " + spec.at(0).get<std::string>());
  return {*dtype, shape_of(spec.at(1).get<std::string>()), false};
}

void run_failing_export(const json& c, CaseResult& result) {
  const Value program = evaluate(c.at("source").get<std::string>(), program_module);
  Avals specs;
  for (const json& s : c.at("arg_specs")) specs.push_back(symbolic_aval(s));
  expect_error(c.at("error"), "error", result, [&] {
    stage(
        [&](const Arrays& xs) {
          Arguments arguments;
          for (const Array& x : xs) arguments.positional.push_back({x});
          function_of(program)(arguments);
          return Arrays{};
        },
        specs);
  });
}

// "float32[b,3]" as an export has it.
stablehlo::ExportedAval exported_aval(const std::string& text) {
  stablehlo::ExportedAval out;
  const auto open = text.find('[');
  if (const auto dtype = parse_dtype(text.substr(0, open))) out.dtype = short_name(*dtype);
  for (const Dim& d : shape_of(text.substr(open + 1, text.size() - open - 2))) out.shape.push_back(d.to_string());
  return out;
}

// A module called with sizes that may contradict its own.
void run_call(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  Arrays inputs;
  for (const json& dims : c.at("shapes")) inputs.push_back(ones(symbolic(dims.get<Dims>()), DType::f32));
  ModuleCase one(golden, options, result, tolerance_of_values(golden, c));
  if (c.at("ok").get<bool>()) return one.outputs("outputs", c.at("export"), inputs, golden.arrays(c.at("outputs")));
  result.part("error", [&] {
    stablehlo::Exported e;
    const json& record = c.at("export");
    for (const json& a : record.at("in_avals")) e.in_avals.push_back(exported_aval(a));
    e.platforms = record.at("platforms").get<std::vector<std::string>>();
    e.kept_arguments = record.at("module_kept_var_idx").get<std::vector<std::uint16_t>>();
    const auto bytes = golden.bytes(record.at("module"));
    e.module.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    expect_error(c.at("error"), "error", result, [&] { (void)stablehlo::program_of(e, avals_of(inputs)); });
  });
}

}  // namespace

void run_exports_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const bool narrow = !c.value("x64", false);
  const auto scope = override_config(&Config::enable_x64, !narrow);
  ModuleCase one(golden, options, result, tolerance_of_values(golden, c));
  const Arrays inputs = golden.arrays(c.at("inputs"), narrow);
  if (!c.contains("outputs")) {  // for another platform: it must be read all the same
    result.part("read", [&] { module_of(golden, c.at("export"), options.mode == "mlir"); });
    return;
  }
  const std::string jaxpr = c.value("jaxpr", "");
  one.outputs("outputs", c.at("export"), inputs, golden.arrays(c.at("outputs"), narrow),
              jaxpr.find("= eigh") != std::string::npos ? jaxpr : "");
  if (c.contains("serialized"))
    result.part("serialized",
                [&] { one.serialized(c.at("serialized"), inputs, golden.arrays(c.at("outputs"), narrow)); });
  const bool differs = has_lost_rules(c) || promises_bounds(c);
  if (c.contains("export_vjp") && !differs) one.derivative("vjp", c.at("export"), c.at("export_vjp"), inputs);
  if (c.contains("vjp_outputs"))
    one.outputs("recorded vjp", c.at("export_vjp"), golden.arrays(c.at("vjp_inputs"), narrow),
                golden.arrays(c.at("vjp_outputs"), narrow));
}

void run_poly_export_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const auto scope = override_config(&Config::enable_x64, true);  // as the records were made
  if (c.value("kind", "") == "call") return run_call(golden, c, options, result);
  if (c.contains("error")) return result.part("error", [&] { run_failing_export(c, result); });
  ModuleCase one(golden, options, result, times(tolerance_of_values(golden, c), 2));
  for (const json& r : c.at("runs")) {
    const Arrays inputs = golden.arrays(r.at("inputs"));
    const std::string env = r.at("env").dump();
    one.outputs("outputs " + env, c.at("export"), inputs, golden.arrays(r.at("outputs")));
    if (c.contains("export_vjp")) one.derivative("vjp " + env, c.at("export"), c.at("export_vjp"), inputs);
  }
}

void run_models_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  ModuleCase one(golden, options, result, times(tolerance_of_values(golden, c), 5));
  const Arrays params = golden.arrays(c.at("params"), true), inputs = golden.arrays(c.at("inputs"), true);
  const Arrays args = join(params, inputs);
  const Arrays outputs = golden.arrays(c.at("outputs"), true), loss{golden.array(c.at("loss"), true)};
  const Arrays extra = c.contains("loss_extra_inputs") ? golden.arrays(c.at("loss_extra_inputs"), true) : Arrays{};
  for (const char* sizes : {"static", "poly"}) {
    const auto at = [&](const char* what) { return fmt::format("{}_{}", sizes, what); };
    one.outputs(at("forward"), c.at(at("forward")), args, outputs);
    one.derivative(at("forward_vjp"), c.at(at("forward")), c.at(at("forward_vjp")), args);
    one.outputs(at("loss"), c.at(at("loss")), join(args, extra), loss);
    one.derivative(at("loss_vjp"), c.at(at("loss")), c.at(at("loss_vjp")), join(args, extra));
    if (c.contains(at("frozen"))) one.outputs(at("frozen"), c.at(at("frozen")), inputs, outputs);
  }
  if (c.contains("second_shape"))
    one.outputs("second shape", c.at("poly_forward"),
                join(params, golden.arrays(c.at("second_shape").at("inputs"), true)),
                golden.arrays(c.at("second_shape").at("outputs"), true));
}

}  // namespace conformance
