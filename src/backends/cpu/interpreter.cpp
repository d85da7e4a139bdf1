// The jaxpr interpreter.
#include "tf2jax/backends/cpu/interpreter.h"

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/passes/simplify.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::cpu {

namespace {

class Interpreter final : public Executable {
 public:
  Interpreter(const Jaxpr& jaxpr, const Backend& backend) : jaxpr_(simplify(jaxpr)) {
    const JaxprData& j = *jaxpr_;
    for (const Array& c : j.consts)
      check<UnexpectedTracerError>(c.is_concrete(),
                                   "compile: the program captures a traced {}. Pass it as an argument.", c.aval());
    std::vector<std::ptrdiff_t> last(j.vars.size(), -1);
    for (std::size_t e = 0; e < j.eqns.size(); ++e)
      for (const Atom& a : j.eqns[e].inputs)
        if (!a.is_literal()) last[index(a.var)] = static_cast<std::ptrdiff_t>(e);
    for (const Atom& a : j.outs)
      if (!a.is_literal()) last[index(a.var)] = static_cast<std::ptrdiff_t>(j.eqns.size());
    for (VarId v : j.constvars) last[index(v)] = static_cast<std::ptrdiff_t>(j.eqns.size());
    for (std::size_t e = 0; e < j.eqns.size(); ++e) {
      const Equation& eqn = j.eqns[e];
      Step step{&eqn, nullptr, {}, {}};
      if (!eqn.primitive.rules().impl) {
        step.kernel = eqn.primitive.rules().kernel.load(std::memory_order_acquire);
        if (!step.kernel) step.kernel = backend.kernel(eqn.primitive);
        if (!step.kernel)
          raise<MissingRule>("Evaluation rule for '{}' not implemented. Give it a kernel with set_kernel.",
                             eqn.primitive.name());
      }
      for (VarId v : eqn.outputs) step.outputs.push_back(j.vars[index(v)]);
      for (const Atom& a : eqn.inputs)
        if (!a.is_literal() && last[index(a.var)] == static_cast<std::ptrdiff_t>(e)) {
          step.dead.push_back(a.var);
          last[index(a.var)] = -2;  // named once
        }
      steps_.push_back(std::move(step));
    }
  }

  std::string explain() const override { return "interpreted, equation by equation\n" + to_string(jaxpr_) + "\n"; }
  CostAnalysis cost() const override { return {0, 0, static_cast<std::int64_t>(steps_.size())}; }
  MemoryAnalysis memory() const override { return {}; }
  Arrays run(std::span<const Array> args) const override {
    const JaxprData& j = *jaxpr_;
    check(args.size() == j.invars.size(), "executable: the number of arguments is wrong. Got {}; expected {}.",
          args.size(), j.invars.size());
    for (std::size_t i = 0; i < args.size(); ++i)
      if (!args[i].aval().matches(jaxpr_.input(i)))
        raise<TypeError>("executable: argument {} does not match. Got {}; expected {}.", i, args[i].aval(),
                         jaxpr_.input(i));
    LoopBudget budget("program");  // one that programs call again and again takes the time of a loop
    budget.step();
    const TraceScope scope(eval_trace());
    Arrays values(j.vars.size());
    for (std::size_t i = 0; i < args.size(); ++i) values[index(j.invars[i])] = args[i];
    for (std::size_t i = 0; i < j.constvars.size(); ++i) values[index(j.constvars[i])] = j.consts[i];
    Arrays in;
    for (const Step& step : steps_) {
      const Equation& eqn = *step.eqn;
      in.clear();
      for (const Atom& a : eqn.inputs) in.push_back(a.is_literal() ? a.literal : values[index(a.var)]);
      for (VarId v : step.dead) values[index(v)] = Array();
      Arrays out =
          step.kernel ? (*step.kernel)({in, eqn.params, step.outputs}) : eqn.primitive.rules().impl(in, eqn.params);
      for (std::size_t i = 0; i < out.size(); ++i) values[index(eqn.outputs[i])] = std::move(out[i]);
    }
    Arrays out;
    for (const Atom& a : j.outs) out.push_back(a.is_literal() ? a.literal : values[index(a.var)]);
    return out;
  }

 private:
  struct Step {
    const Equation* eqn;
    const Kernel* kernel;  // null: the primitive evaluates itself
    Avals outputs;
    std::vector<VarId> dead;  // variables this step uses last
  };
  static std::size_t index(VarId v) { return static_cast<std::size_t>(v); }
  Jaxpr jaxpr_;
  std::vector<Step> steps_;
};

}  // namespace

std::shared_ptr<const Executable> make_interpreter(const Jaxpr& jaxpr, const Backend& backend) {
  return std::make_shared<const Interpreter>(jaxpr, backend);
}

}  // namespace tf2jax::cpu
