// Barriers, placements, uninitialised memory, collectives over positional axes.
#include "tf2jax/ops/misc.h"

#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

JvpResult each_linear(const Primitive& self, std::span<const Array> x, std::span<const Tangent> t,
                      const EquationParams& params) {
  JvpResult out{self.bind(x, params), {}};
  bool live = false;
  Arrays tangents;
  for (const Tangent& d : t) live = live || !d.is_zero();
  if (live)
    for (std::size_t i = 0; i < t.size(); ++i)
      tangents.push_back(t[i].is_zero() ? (is_inexact(x[i].dtype()) ? zeros_like(x[i]) : x[i]) : t[i].value());
  const Arrays moved = live ? self.bind(tangents, params) : Arrays{};
  for (std::size_t i = 0; i < t.size(); ++i)
    out.tangents.push_back(t[i].is_zero() ? Tangent::zero(out.primals[i].aval()) : Tangent(moved[i]));
  return out;
}

using Reduce = Array (*)(const Array&, const Axes&);

Primitive collective(const char* name, PrimitiveFn self, Reduce reduce) {
  return make_primitive<PositionalAxes>({
      .name = name,
      .operands = 1,
      .aval = [name](std::span<const Aval> x, const PositionalAxes& p) -> Avals {
        rules::check_axes(name, "axes", p.axes, x[0]);
        Aval out = x[0].strong();
        out.shape.clear();
        for (const auto a : other_axes(p.axes, x[0].rank())) out.shape.push_back(x[0].shape[a]);
        return {out};
      },
      .jvp = [reduce](std::span<const Array> x, std::span<const Tangent> t, const PositionalAxes& p) -> JvpResult {
        const auto& rules = (reduce == reduce_sum   ? reduce_sum_p()
                             : reduce == reduce_max ? reduce_max_p()
                                                    : reduce_min_p())
                                .rules();
        return rules.jvp(x, t, ReduceAxes{p.axes});
      },
      .batch = [self](std::span<const Array> x, std::span<const Axis> axes, Dim,
                      const PositionalAxes& p) -> BatchResult {
        PositionalAxes shifted = p;
        for (auto& a : shifted.axes) ++a;
        return {self().bind({rules::mapped_to_front(x[0], axes[0])}, shifted), {0}};
      },
      .impl = [name, reduce](std::span<const Array> x, const PositionalAxes& p) -> Arrays {
        rules::check_axes(name, "axes", p.axes, x[0].aval());
        return {reduce(x[0], p.axes)};
      },
  });
}

}  // namespace

void EmptyMemory::after_read(ParamReader& r) {
  if (!r.context().outputs.empty()) shape = r.context().outputs[0].second;
}

const Primitive& empty2_p() {
  static const Primitive p = make_primitive<EmptyMemory>({
      .name = "empty2",
      .operands = 0,
      .aval = [](std::span<const Aval>, const EmptyMemory& e) -> Avals {
        rules::check_sizes("empty2", "shape", e.shape);
        return {Aval{e.dtype, e.shape, false}};
      },
      .jvp = rules::jvp_zero(empty2_p),
      .batch = [](std::span<const Array>, std::span<const Axis>, Dim, const EmptyMemory& e) -> BatchResult {
        return {empty2_p().bind({}, e), {std::nullopt}};
      },
      .impl = [](std::span<const Array>, const EmptyMemory& e) -> Arrays {
        return {zeros_of({e.dtype, e.shape, false})};
      },
  });
  return p;
}

const Primitive& device_put_p() {
  static const Primitive p = make_primitive<DevicePut>({
      .name = "device_put",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const DevicePut&) -> Avals { return {x.begin(), x.end()}; },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t,
                const DevicePut& d) { return each_linear(device_put_p(), x, t, d); },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg>, const DevicePut&) -> Tangents {
        return {ct.begin(), ct.end()};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const DevicePut& d) -> BatchResult {
        return {device_put_p().bind(x, d), {axes.begin(), axes.end()}};
      },
      .impl = [](std::span<const Array> x, const DevicePut&) -> Arrays { return {x.begin(), x.end()}; },
  });
  return p;
}

const Primitive& optimization_barrier_p() {
  static const Primitive p = make_primitive({
      .name = "optimization_barrier",
      .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x.begin(), x.end()}; },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t,
                const NoParams& n) { return each_linear(optimization_barrier_p(), x, t, n); },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg>, const NoParams&) -> Tangents {
        return {ct.begin(), ct.end()};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const NoParams&) -> BatchResult {
        return {optimization_barrier_p().bind(x), {axes.begin(), axes.end()}};
      },
      .impl = [](std::span<const Array> x, const NoParams&) -> Arrays { return {x.begin(), x.end()}; },
  });
  return p;
}

const Primitive& psum_p() {
  static const Primitive p = collective("psum", psum_p, reduce_sum);
  return p;
}
const Primitive& pmax_p() {
  static const Primitive p = collective("pmax", pmax_p, reduce_max);
  return p;
}
const Primitive& pmin_p() {
  static const Primitive p = collective("pmin", pmin_p, reduce_min);
  return p;
}

Arrays optimization_barrier(std::span<const Array> operands) { return optimization_barrier_p().bind(operands); }

void append_misc_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p : {empty2_p, device_put_p, optimization_barrier_p, psum_p, pmax_p, pmin_p})
    out.push_back(p());
}

}  // namespace tf2jax
