// Forward mode: a trace whose tracers carry a primal and a tangent.
#include "tf2jax/transforms/jvp.h"

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

namespace {

struct JvpTracer final : Tracer {
  JvpTracer(TracePtr t, Array p, Tangent d)
      : Tracer(std::move(t), p.aval()), primal(std::move(p)), tangent(std::move(d)) {}
  Array primal;
  Tangent tangent;
};

class JvpTrace final : public TransformTrace {
 public:
  Array wrap(const Array& primal, const Tangent& tangent) const {
    if (tangent.is_zero()) return primal;  // a constant here
    return make<JvpTracer>(primal, tangent);
  }
  std::pair<Arrays, Tangents> split(std::span<const Array> xs) const {
    return split_all(xs, [&](const Array& x) -> std::pair<Array, Tangent> {
      if (const auto* t = mine<JvpTracer>(x)) return {t->primal, t->tangent};
      return {x, Tangent::zero(x.aval())};
    });
  }

 private:
  Arrays apply(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    const auto [primals, tangents] = split(args);
    JvpResult out = primitive.require(primitive.rules().jvp, "Differentiation rule")(primals, tangents, params);
    for (std::size_t i = 0; i < out.primals.size(); ++i) out.primals[i] = wrap(out.primals[i], out.tangents[i]);
    return std::move(out.primals);
  }
};

}  // namespace

JvpResult jvp_flat(const FlatFn& f, std::span<const Array> primals, std::span<const Tangent> tangents) {
  const auto trace = std::make_shared<const JvpTrace>();
  Arrays in;
  for (std::size_t i = 0; i < primals.size(); ++i) in.push_back(trace->wrap(primals[i], tangents[i]));
  auto [values, directions] = trace->split(trace->run(f, in));
  return {std::move(values), std::move(directions)};
}

namespace {
struct JvpKey {
  using Result = JvpJaxpr;
  Mask nonzero_in, instantiate;
  bool x64 = config().enable_x64;
  bool operator==(const JvpKey&) const = default;
};
}  // namespace

JvpJaxpr jvp_jaxpr(const Jaxpr& jaxpr, const Mask& nonzero_in, const Mask& instantiate) {
  const auto make = [&] {
    JvpJaxpr out;
    Avals inputs = jaxpr.input_avals();
    const std::size_t n = inputs.size();
    for (std::size_t i = 0; i < n; ++i)
      if (nonzero_in[i]) inputs.push_back(inputs[i].strong());
    out.jaxpr = stage(
        [&](const Arrays& args) {
          Tangents tangents;
          std::size_t k = n;
          for (std::size_t i = 0; i < n; ++i)
            tangents.push_back(nonzero_in[i] ? Tangent(args[k++]) : Tangent::zero(args[i].aval()));
          JvpResult r =
              jvp_flat([&](const Arrays& xs) { return eval_jaxpr(jaxpr, xs); }, std::span(args).first(n), tangents);
          out.nonzero_out.clear();
          for (std::size_t i = 0; i < r.tangents.size(); ++i) {
            const bool live = !r.tangents[i].is_zero() || (instantiate[i] && is_inexact(r.primals[i].dtype()));
            out.nonzero_out.push_back(live);
            if (live) r.primals.push_back(rules::instantiate(r.tangents[i]));
          }
          return r.primals;
        },
        inputs);
    return out;
  };
  return *jaxpr->memo->get(JvpKey{nonzero_in, instantiate}, make);
}

}  // namespace tf2jax
