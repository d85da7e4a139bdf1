// Vectorisation: a trace whose tracers carry a batched value and the axis it varies along.
#include "tf2jax/transforms/batch.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

namespace {

Aval unbatched(const Aval& a, std::int64_t axis) {
  Aval out = a;
  out.shape.erase(out.shape.begin() + axis);
  return out;
}

struct BatchTracer final : Tracer {
  BatchTracer(TracePtr t, Array v, std::int64_t a)
      : Tracer(std::move(t), unbatched(v.aval(), a)), value(std::move(v)), axis(a) {}
  Array value;
  std::int64_t axis;
};

class BatchTrace final : public TransformTrace {
 public:
  explicit BatchTrace(Dim size) : size_(size) {}

  Array wrap(const Array& value, Axis axis) const { return axis ? make<BatchTracer>(value, *axis) : value; }
  std::pair<Arrays, std::vector<Axis>> split(std::span<const Array> xs) const {
    return split_all(xs, [&](const Array& x) -> std::pair<Array, Axis> {
      if (const auto* t = mine<BatchTracer>(x)) return {t->value, t->axis};
      return {x, std::nullopt};
    });
  }

 private:
  Arrays apply(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    const auto [values, axes] = split(args);
    BatchResult out = primitive.require(primitive.rules().batch, "Batching rule")(values, axes, size_, params);
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = wrap(out.values[i], out.axes[i]);
    return std::move(out.values);
  }

  Dim size_;
};

}  // namespace

BatchResult vmap_flat(const FlatFn& f, std::span<const Array> args, std::span<const Axis> axes, Dim size) {
  const auto trace = std::make_shared<const BatchTrace>(size);
  Arrays in;
  for (std::size_t i = 0; i < args.size(); ++i) in.push_back(trace->wrap(args[i], axes[i]));
  auto [values, mapped_axes] = trace->split(trace->run(f, in));
  return {std::move(values), std::move(mapped_axes)};
}

namespace {
struct BatchKey {
  using Result = BatchedJaxpr;
  Dim size;
  Mask mapped_in, force;
  bool x64 = config().enable_x64;
  bool operator==(const BatchKey&) const = default;
};
}  // namespace

BatchedJaxpr batch_jaxpr(const Jaxpr& jaxpr, Dim size, const Mask& mapped_in, const Mask& force) {
  const auto make = [&] {
    BatchedJaxpr out;
    Avals avals = jaxpr.input_avals();
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < avals.size(); ++i) {
      axes.push_back(mapped_in[i] ? Axis(0) : std::nullopt);
      if (mapped_in[i]) avals[i].shape.insert(avals[i].shape.begin(), size);
    }
    out.jaxpr = stage(
        [&](const Arrays& args) {
          BatchResult r = vmap_flat([&](const Arrays& xs) { return eval_jaxpr(jaxpr, xs); }, args, axes, size);
          out.mapped_out.clear();
          for (std::size_t i = 0; i < r.values.size(); ++i) {
            const bool mapped = r.axes[i] || force[i];
            out.mapped_out.push_back(mapped);
            if (mapped) r.values[i] = rules::to_front(r.values[i], r.axes[i], size);
          }
          return r.values;
        },
        avals);
    return out;
  };
  return *jaxpr->memo->get(BatchKey{size, mapped_in, force}, make);
}

}  // namespace tf2jax
