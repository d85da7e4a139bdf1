// Cases that carry the text of a program: evaluation, derivatives and batching, op by op and compiled.
#include <fmt/format.h>

#include <numeric>

#include "execution.h"
#include "module_reader.h"
#include "negative_padding.h"
#include "open_results.h"
#include "program_reader.h"
#include "rounding.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/parse.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;

namespace {

Positions positions(const json& c, const char* key, std::size_t count) {
  if (c.contains(key)) return c.at(key).get<Positions>();
  Positions all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

FlatFn function_of(const Jaxpr& program) {
  return [program](const Arrays& xs) { return eval_jaxpr(program, xs); };
}

bool is_exported(const json& c) { return c.contains("export") && c.at("export").contains("module"); }

// One program with its inputs, and how its results are compared.
class JaxprCase {
 public:
  JaxprCase(const Golden& golden, const json& c, const Options& options, CaseResult& result)
      : golden_(golden),
        c_(c),
        options_(options),
        result_(result),
        narrow_(!c.value("x64", false)),
        program_(recorded_program(golden, c)),
        inputs_(inputs_for(program_, golden.arrays(c.at("inputs"), narrow_))),
        value_(tolerance_of_values(golden, c)),
        open_(program_),
        f_(function_of(executed())),
        reference_(reference_program()) {
    d_ = {f_, inputs_.size(), positions(c, "diff_inputs", inputs_.size()),
          positions(c, "diff_outputs", program_.num_outputs())};
    expected_ = d_;
    if (reference_) expected_.f = *reference_;
    want_ = reference_ ? under(Execution::uncompiled, [&] { return (*reference_)(inputs_); })
                       : golden.arrays(c.at("outputs"), narrow_);
  }

  void outputs() {
    parts(options_, "outputs", result_, [&](Execution how, const std::string& name) {
      Arrays got = run(f_, inputs_, how), want = want_;
      open_.choose(got, want);
      got = open_.in_phase(got, all_outputs());
      open_.order(got, want);
      check(name, f_, inputs_, got, want, value_);
    });
  }
  void jvp() {
    const Arrays args = join(inputs_, golden_.arrays(c_.at("jvp").at("tangents_in"), narrow_));
    const Arrays recorded = recorded_or([&] { return expected_.jvp(args); }, c_.at("jvp").at("tangents_out"));
    parts(options_, "jvp", result_, [&](Execution how, const std::string& name) {
      // With the values in front: where their order is open, tangents move with them.
      const FlatFn both = [&](const Arrays& xs) { return join(f_(part_of(xs, 0, inputs_.size())), d_.jvp(xs)); };
      Arrays got = run(both, args, how), want = join(want_, recorded);
      got = join(part_of(got, 0, want_.size()), open_.in_phase(part_of(got, want_.size(), got.size()), d_.out));
      open_.order(got, want);
      const FlatFn tangents = [&](const Arrays& xs) { return d_.jvp(xs); };
      check(name, tangents, args, part_of(got, want_.size(), got.size()), part_of(want, want_.size(), want.size()),
            times(value_, 5));
    });
  }
  void vjp() {
    const Arrays args = join(inputs_, recorded_cotangents()),
                 recorded = recorded_or([&] { return expected_.vjp(args); }, c_.at("vjp").at("cotangents_out"));
    const FlatFn pulled = [&](const Arrays& xs) { return d_.vjp(xs); };
    parts(options_, "vjp", result_, [&](Execution how, const std::string& name) {
      check(name, pulled, args, run(pulled, args, how), recorded, times(value_, 5));
    });
  }
  void vmap() {
    const Arrays both =
        stacked(inputs_, inputs_for(program_, golden_.arrays(c_.at("vmap").at("second_inputs"), narrow_)));
    const FlatFn batched = [&](const Arrays& xs) { return vmapped(f_, xs); };
    const Arrays recorded = recorded_or([&] { return vmapped(*reference_, both); }, c_.at("vmap").at("outputs"));
    parts(options_, "vmap", result_, [&](Execution how, const std::string& name) {
      Arrays got = run(batched, both, how), want = recorded;
      OpenResults open(program_);
      open.choose(got, want);
      got = open.in_phase(got, all_outputs());
      open.order(got, want, 1);
      check(name, batched, both, got, want, value_);
    });
  }
  void text() {
    result_.part("text", [&] {
      const std::string once = to_string(program_), twice = to_string(parse_jaxpr(once));
      if (once != twice) result_.fail("text", "it changes when it is read again");
    });
  }
  /// Each example alone must give what vmap of vjp gives.
  void vmap_of_vjp() {
    const Arrays cotangents = recorded_cotangents(),
                 second = inputs_for(program_, golden_.arrays(c_.at("vmap").at("second_inputs"), narrow_));
    Arrays halves;
    for (const Array& ct : cotangents) halves.push_back(mul(ct, full({}, 0.5, ct.dtype())));
    const Arrays both = stacked(join(inputs_, cotangents), join(second, halves));
    const FlatFn pulled = [&](const Arrays& xs) { return d_.vjp(xs); },
                 batched = [&](const Arrays& xs) { return vmapped(pulled, xs); };
    const Arrays alone =
        under(Execution::uncompiled, [&] { return stacked(pulled(example(both, 0)), pulled(example(both, 1))); });
    parts(options_, "vmap(vjp)", result_, [&](Execution how, const std::string& name) {
      check(name, batched, both, run(batched, both, how), alone, times(value_, 5));
    });
  }
  /// Compiled as op by op.
  void jvp_of_vjp() {
    const Arrays args =
        join(join(inputs_, golden_.arrays(c_.at("jvp").at("tangents_in"), narrow_)), recorded_cotangents());
    const FlatFn second = [&](const Arrays& xs) { return d_.second(xs); };
    const Arrays want = under(Execution::uncompiled, [&] { return second(args); });
    parts(options_, "jvp(vjp)", result_, [&](Execution how, const std::string& name) {
      if (how == Execution::compiled) check(name, second, args, run(second, args, how), want, times(value_, 25));
    });
  }

 private:
  // The program as it was printed, or where that cannot be read, or where the text is too long, as it was exported.
  static Jaxpr recorded_program(const Golden& golden, const json& c) {
    try {
      if (c.contains("jaxpr")) return program_of(c, c.at("jaxpr").get<std::string>());
    } catch (const NotImplementedError&) {
      if (!is_exported(c)) throw;
    } catch (const Unsupported&) {
      if (!is_exported(c)) throw;
    }
    const Arrays inputs = golden.arrays(c.at("inputs"), !c.value("x64", false));
    return program_of_module(golden, c.at("export"), avals_of(inputs));
  }
  static Avals avals_of(const Arrays& xs) {
    Avals out;
    for (const Array& x : xs) out.push_back(x.aval());
    return out;
  }
  // In the mode `stablehlo` the exported module runs; the text still says what is open in it.
  Jaxpr executed() const {
    if (options_.mode == "rewrite" && !options_.write_to.empty())
      write_artifact(program_, inputs_, golden_.family + "/" + c_.value("name", ""), options_.write_to);
    if (options_.mode == "rewrite") return rewritten(program_);
    if (!runs_modules(options_)) return program_;
    return program_of_module(golden_, c_.at("export"), avals_of(inputs_), options_.mode == "mlir");
  }
  // Where the record is of something else than what runs.
  std::optional<FlatFn> reference_program() const {
    if (options_.mode == "run" || !promises_bounds(c_)) return without_negative_padding(program_);
    constexpr std::string_view kPromised = "PROMISE_IN_BOUNDS";
    std::string text = c_.at("jaxpr");
    for (auto at = text.find(kPromised); at != std::string::npos; at = text.find(kPromised, at))
      text.replace(at, kPromised.size(), "CLIP");
    try {
      return function_of(program_of(c_, text));
    } catch (const NotImplementedError&) {
      return std::nullopt;
    }
  }
  // What differs by more than the tolerance is put to a second test: whether rounding decides it.
  void check(const std::string& name, const FlatFn& f, const Arrays& args, const Arrays& got, const Arrays& want,
             const Tolerance& tolerance) {
    bool fits = got.size() == want.size();
    for (std::size_t i = 0; i < want.size() && fits; ++i) fits = !compare(got[i], want[i], tolerance).message;
    result_.check_all(name, got, fits || got.size() != want.size() ? want : allowing_roundings(f, args, got, want),
                      tolerance);
  }
  Arrays recorded_cotangents() const {
    return open_.cotangents(golden_.arrays(c_.at("vjp").at("cotangents_in"), narrow_), d_.out);
  }
  Positions all_outputs() const { return positions(json::object(), "", program_.num_outputs()); }
  template <class F>
  Arrays recorded_or(F&& reference, const json& record) const {
    return reference_ ? under(Execution::uncompiled, reference) : golden_.arrays(record, narrow_);
  }

  const Golden& golden_;
  const json& c_;
  const Options& options_;
  CaseResult& result_;
  const bool narrow_;
  const Jaxpr program_;
  const Arrays inputs_;
  const Tolerance value_;
  OpenResults open_;
  const FlatFn f_;
  const std::optional<FlatFn> reference_;  // where the record is wrong
  Differentiable d_, expected_;
  Arrays want_;
};

}  // namespace

void run_jaxpr_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  if (options.mode == "rewrite" && !c.contains("jaxpr")) return;
  if (runs_modules(options) && !is_exported(c)) return;
  if (options.mode == "mlir" && !c.at("export").contains("text")) return;
  const bool has_program = c.contains("jaxpr") || is_exported(c);
  if (!has_program || !c.contains("outputs")) return result.unsupported("outputs", "the case has no program to run");
  const auto scope = override_config(&Config::enable_x64, c.value("x64", false));
  std::optional<JaxprCase> one;
  result.part("program", [&] { one.emplace(golden, c, options, result); });
  if (!one) return;
  one->outputs();
  if (options.mode != "run" && has_lost_rules(c)) return;
  if (c.contains("jvp")) result.part("jvp", [&] { one->jvp(); });
  if (c.contains("vjp")) result.part("vjp", [&] { one->vjp(); });
  if (c.contains("vmap")) result.part("vmap", [&] { one->vmap(); });
  if (!options.compositions) return;
  one->text();
  if (c.contains("vjp") && c.contains("vmap")) result.part("vmap(vjp)", [&] { one->vmap_of_vjp(); });
  if (c.contains("vjp") && c.contains("jvp")) result.part("jvp(vjp)", [&] { one->jvp_of_vjp(); });
}

namespace {

// The gradient of the sum of all inexact outputs with respect to the recorded arguments.
void check_gradient_of_sum(const Golden& golden, const json& c, const Jaxpr& fun, const Arrays& inputs,
                           const Options& options, CaseResult& result) {
  const Arrays want = golden.arrays(c.at("grad_of_sum"));
  Positions in = c.at("grad_argnums").get<Positions>();
  if (in.size() != want.size())
    in = positions(json::object(), "", want.size());  // an argument with several leaves: the leading inputs
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] >= inputs.size() || !identical(inputs[in[i]].shape(), want[i].shape()))
      throw Unsupported("which inputs are differentiated is not recorded");
  Differentiable d{function_of(fun), inputs.size(), in, {}};
  Arrays args = inputs;
  const Avals avals = fun.output_avals();
  for (std::size_t i = 0; i < avals.size(); ++i)
    if (is_inexact(avals[i].dtype)) {
      d.out.push_back(i);
      args.push_back(full(avals[i].shape, 1, avals[i].dtype));
    }
  const Tolerance tolerance = times(tolerance_of_values(golden, c), 5);
  parts(options, "vjp", result, [&](Execution how, const std::string& name) {
    result.check_all(name, run([&](const Arrays& xs) { return d.vjp(xs); }, args, how), want, tolerance);
  });
}

}  // namespace

void run_autodiff_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  if (c.contains("error")) return run_error_case(golden, c, result);
  // The recorded programs have 64-bit literals; inputs come as they are.
  const auto scope = override_config(&Config::enable_x64, c.value("x64", true));
  const Tolerance tolerance = tolerance_of_values(golden, c);
  const Arrays inputs = golden.arrays(c.at("inputs"));
  const auto check = [&](const char* text, const char* outputs) {
    std::optional<Jaxpr> program;
    result.part("program", [&] { program = program_of(c, c.at(text).get<std::string>()); });
    if (!program) return program;
    parts(options, "outputs", result, [&](Execution how, const std::string& name) {
      result.check_all(name, run(function_of(*program), inputs_for(*program, inputs), how),
                       golden.arrays(c.at(outputs)), tolerance);
    });
    return program;
  };
  if (c.contains("jaxpr")) check("jaxpr", "outputs");
  else result.unsupported("outputs", "the case has no program to run");
  if (!c.contains("fun_jaxpr")) return;
  const auto fun = check("fun_jaxpr", "fun_outputs");
  if (fun && c.contains("grad_of_sum"))
    result.part("vjp", [&] { check_gradient_of_sum(golden, c, *fun, inputs_for(*fun, inputs), options, result); });
}

}  // namespace conformance
