// Partial evaluation as a trace: unknown tracers are variables of the program being staged.
#include "tf2jax/transforms/partial_eval.h"

#include "tf2jax/base/config.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/trace/name_scope.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

namespace {

struct UnknownTracer final : Tracer {
  UnknownTracer(TracePtr t, const Aval& a, VarId v) : Tracer(std::move(t), a), var(v) {}
  VarId var;
};

class PartialEvalTrace final : public TransformTrace, public PartialEvalContext {
 public:
  Array input(const Aval& aval) const { return tracer(builder.add_input(aval)); }
  Atom atom(const Array& x) const {
    if (const auto* t = mine<UnknownTracer>(x)) return Atom::of(t->var);
    return builder.constant(x);
  }
  bool is_unknown(const Array& x) const override { return owns(x); }

  Arrays emit(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    Avals avals;
    Equation eqn{primitive, params, {}, {}, current_name_scope()};
    for (const Array& x : args) {
      avals.push_back(x.aval());
      eqn.inputs.push_back(atom(x));
    }
    Arrays out;
    for (const Aval& a : primitive.output_avals(avals, params)) {
      eqn.outputs.push_back(builder.add_var(a));
      out.push_back(tracer(eqn.outputs.back()));
    }
    builder.add(std::move(eqn));
    return out;
  }

  mutable JaxprBuilder builder;  // a trace runs on one thread

 private:
  Arrays apply(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    if (primitive.rules().partial_eval) return primitive.rules().partial_eval(*this, args, params);
    return emit(primitive, args, params);
  }
  Array tracer(VarId v) const { return make<UnknownTracer>(builder.aval(v), v); }
};

}  // namespace

Mask PartialEvalContext::unknown(std::span<const Array> xs) const {
  Mask out;
  for (const Array& x : xs) out.push_back(is_unknown(x));
  return out;
}

PartialEvalFlat partial_eval_flat(const FlatFn& f, const Arrays& args, const Avals& avals, const Mask& instantiate) {
  const auto trace = std::make_shared<const PartialEvalTrace>();
  Arrays in;
  for (std::size_t i = 0; i < args.size(); ++i) in.push_back(args[i].has_value() ? args[i] : trace->input(avals[i]));
  Arrays outs = trace->run(f, in);
  PartialEvalFlat out;
  std::vector<Atom> atoms;
  for (std::size_t i = 0; i < outs.size(); ++i) {
    const bool unknown = trace->is_unknown(outs[i]) || (!instantiate.empty() && instantiate[i]);
    out.unknown_out.push_back(unknown);
    if (unknown) atoms.push_back(trace->atom(outs[i]));
    out.known_outs.push_back(unknown ? Array() : std::move(outs[i]));
  }
  out.unknown = dce(trace->builder.finish(std::move(atoms)));
  return out;
}

namespace {
struct PartialEvalKey {
  using Result = PartialEvalJaxpr;
  Mask unknown_in, instantiate;
  bool x64 = config().enable_x64;
  bool operator==(const PartialEvalKey&) const = default;
};
}  // namespace

PartialEvalJaxpr partial_eval_jaxpr(const Jaxpr& jaxpr, const Mask& unknown_in, const Mask& instantiate) {
  const auto make = [&] {
    PartialEvalJaxpr out;
    const Avals avals = jaxpr.input_avals();
    Avals known_avals;
    for (std::size_t i = 0; i < avals.size(); ++i)
      if (!unknown_in[i]) known_avals.push_back(avals[i]);
    out.known = stage(
        [&](const Arrays& known_args) {
          Arrays args;
          for (std::size_t i = 0, k = 0; i < avals.size(); ++i)
            args.push_back(unknown_in[i] ? Array() : known_args[k++]);
          PartialEvalFlat r =
              partial_eval_flat([&](const Arrays& xs) { return eval_jaxpr(jaxpr, xs); }, args, avals, instantiate);
          auto [unknown, residuals] = hoist_constants(r.unknown);
          Arrays outs;
          for (Array& y : r.known_outs)
            if (y.has_value()) outs.push_back(std::move(y));
          outs.insert(outs.end(), residuals.begin(), residuals.end());
          out.unknown = unknown;
          out.unknown_out = r.unknown_out;
          out.num_residuals = residuals.size();
          return outs;
        },
        known_avals);
    out.known = dce(out.known);
    return out;
  };
  return *jaxpr->memo->get(PartialEvalKey{unknown_in, instantiate}, make);
}

}  // namespace tf2jax
