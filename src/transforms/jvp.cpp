// Forward mode: a trace whose tracers carry a primal and a tangent.
#include "tf2jax/transforms/jvp.h"

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

namespace {

struct JvpTracer final : Tracer {
  JvpTracer(TracePtr t, Array p, Tangent d) : Tracer(std::move(t), p.aval()), primal(std::move(p)), tangent(std::move(d)) {}
  Array primal;
  Tangent tangent;
};

class JvpTrace final : public Trace {
 public:
  explicit JvpTrace(TracePtr parent) : parent_(std::move(parent)) {}

  Array wrap(const Array& primal, const Tangent& tangent) const {
    if (tangent.is_zero()) return primal;   // a constant here
    return Array(detail::Ref<const detail::Value>(new JvpTracer(shared_from_this(), primal, tangent)));
  }
  std::pair<Array, Tangent> split(const Array& x) const {
    if (const auto* t = mine<JvpTracer>(x)) return {t->primal, t->tangent};
    return {x, Tangent::zero(x.aval())};
  }

  Arrays process(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    Arrays primals;
    Tangents tangents;
    bool live = false;
    for (const Array& x : args) {
      auto [p, t] = split(x);
      live = live || !t.is_zero();
      primals.push_back(std::move(p));
      tangents.push_back(std::move(t));
    }
    const TraceScope scope(parent_);
    if (!live) return primitive.bind(primals, params);
    JvpResult out = primitive.require(primitive.rules().jvp, "Differentiation rule")(primals, tangents, params);
    for (std::size_t i = 0; i < out.primals.size(); ++i) out.primals[i] = wrap(out.primals[i], out.tangents[i]);
    return std::move(out.primals);
  }

 private:
  TracePtr parent_;
};

}  // namespace

std::string mask_key(const Mask& mask) {
  std::string out;
  for (const bool b : mask) out += b ? '1' : '0';
  return out;
}

JvpResult jvp_flat(const FlatFn& f, std::span<const Array> primals, std::span<const Tangent> tangents) {
  const auto trace = std::make_shared<const JvpTrace>(current_trace());
  Arrays in;
  for (std::size_t i = 0; i < primals.size(); ++i) in.push_back(trace->wrap(primals[i], tangents[i]));
  const Arrays outs = [&] {
    const TraceScope scope(trace);
    return f(in);
  }();
  JvpResult out;
  for (const Array& y : outs) {
    auto [p, t] = trace->split(y);
    out.primals.push_back(std::move(p));
    out.tangents.push_back(std::move(t));
  }
  return out;
}

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
          for (std::size_t i = 0; i < n; ++i) tangents.push_back(nonzero_in[i] ? Tangent(args[k++]) : Tangent::zero(args[i].aval()));
          JvpResult r = jvp_flat([&](const Arrays& xs) { return eval_jaxpr(jaxpr, xs); }, std::span(args).first(n), tangents);
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
  return *jaxpr->memo->get<JvpJaxpr>("jvp:" + mask_key(nonzero_in) + ":" + mask_key(instantiate) + (config().enable_x64 ? ":x64" : ""), make);
}

}  // namespace tf2jax
