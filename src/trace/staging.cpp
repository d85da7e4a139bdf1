// Staging: a trace that records operations into a program.
#include "tf2jax/trace/staging.h"

#include "tf2jax/trace/name_scope.h"

namespace tf2jax {

VarId JaxprBuilder::add_var(const Aval& aval) {
  data_.vars.push_back(aval);
  return static_cast<VarId>(data_.vars.size() - 1);
}

VarId JaxprBuilder::add_input(const Aval& aval) {
  const VarId v = add_var(aval);
  data_.invars.push_back(v);
  return v;
}

Atom JaxprBuilder::constant(const Array& value) {
  if (value.is_concrete() && value.rank() == 0 && value.dtype() != DType::key) return Atom::of(value);
  const auto [it, inserted] = constants_.try_emplace(value.get(), 0);
  if (inserted) {
    it->second = add_var(value.aval());
    data_.constvars.push_back(it->second);
    data_.consts.push_back(value);
  }
  return Atom::of(it->second);
}

Jaxpr JaxprBuilder::finish(std::vector<Atom> outs) {
  data_.outs = std::move(outs);
  return Jaxpr(std::move(data_));
}

namespace {

struct StagingTracer final : Tracer {
  StagingTracer(TracePtr t, const Aval& a, VarId v) : Tracer(std::move(t), a), var(v) {}
  VarId var;
};

class StagingTrace final : public Trace {
 public:
  Array input(const Aval& aval) const { return tracer(builder.add_input(aval)); }

  Array tracer(VarId v) const { return make<StagingTracer>(builder.aval(v), v); }

  Atom atom(const Array& x) const {
    if (const auto* t = mine<StagingTracer>(x)) return Atom::of(t->var);
    return builder.constant(x);
  }

  Arrays process(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    check<UnexpectedTracerError>(
        !ended, "{}: a value of a finished trace was used. Return it from the traced function instead of storing it.",
        primitive.name());
    Avals avals;
    for (const Array& x : args) avals.push_back(x.aval());
    Equation eqn{primitive, params, {}, {}, current_name_scope()};
    Arrays out;
    for (const Aval& a : primitive.output_avals(avals, params)) {
      eqn.outputs.push_back(builder.add_var(a));
      out.push_back(tracer(eqn.outputs.back()));
    }
    for (const Array& x : args) eqn.inputs.push_back(atom(x));
    builder.add(std::move(eqn));
    return out;
  }

  mutable JaxprBuilder builder;  // a trace runs on one thread
  mutable bool ended = false;
};

}  // namespace

Jaxpr stage(const FlatFn& f, const Avals& inputs) {
  const auto trace = std::make_shared<const StagingTrace>();
  Arrays args;
  for (const Aval& a : inputs) args.push_back(trace->input(a));
  const Arrays outputs = trace->run(f, args);
  std::vector<Atom> outs;
  for (const Array& y : outputs) outs.push_back(trace->atom(y));
  trace->ended = true;
  return trace->builder.finish(std::move(outs));
}

std::pair<Jaxpr, Arrays> hoist_constants(const Jaxpr& jaxpr, bool all_constants) {
  const JaxprData& j = *jaxpr;
  JaxprData out;
  out.vars = j.vars;
  Arrays operands;
  for (std::size_t i = 0; i < j.consts.size(); ++i) {
    if (all_constants || j.consts[i].tracer()) {
      out.invars.push_back(j.constvars[i]);
      operands.push_back(j.consts[i]);
    } else {
      out.constvars.push_back(j.constvars[i]);
      out.consts.push_back(j.consts[i]);
    }
  }
  if (operands.empty()) return {jaxpr, {}};
  out.invars.insert(out.invars.end(), j.invars.begin(), j.invars.end());
  out.eqns = j.eqns;
  out.outs = j.outs;
  return {Jaxpr(std::move(out)), std::move(operands)};
}

}  // namespace tf2jax
