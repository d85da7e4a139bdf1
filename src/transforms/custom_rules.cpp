// Rules of custom_jvp_call, custom_vjp_call and custom_lin.
#include "tf2jax/transforms/custom_rules.h"

#include <algorithm>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/internal/named_rules.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

namespace {

Arrays all_to_front(std::span<const Array> x, std::span<const Axis> axes) {
  Arrays out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(rules::mapped_to_front(x[i], axes[i]));
  return out;
}
// Runs f over mapped inputs and gives every output a leading mapped axis.
Arrays vmap_all(const FlatFn& f, const Arrays& args, const Mask& mapped, Dim size) {
  const std::vector<Axis> axes = masks::front_axes(mapped);
  BatchResult r = vmap_flat(f, args, axes, size);
  for (std::size_t i = 0; i < r.values.size(); ++i) r.values[i] = rules::to_front(r.values[i], r.axes[i], size);
  return std::move(r.values);
}
// Rules may leave the cotangents of integers empty; nobody reads them.
Arrays filled(Arrays cotangents) {
  for (Array& c : cotangents)
    if (!c.has_value()) c = Array(0.f);
  return cotangents;
}
Arrays part(const Arrays& a, std::size_t begin, std::size_t end) {
  return Arrays(a.begin() + static_cast<std::ptrdiff_t>(begin), a.begin() + static_cast<std::ptrdiff_t>(end));
}

std::shared_ptr<const JvpRule> rule_of(const CustomJvpParams& p) {
  return p.jvp.function ? p.jvp.function : named_rule(p);
}

JvpResult custom_jvp_jvp(std::span<const Array> x, std::span<const Tangent> t, const CustomJvpParams& p) {
  const std::size_t n = p.num_consts;
  for (std::size_t i = 0; i < n; ++i)
    check<UnexpectedTracerError>(
        t[i].is_zero(),
        "custom_jvp '{}': the derivative with respect to a captured value is asked for. Pass the value as an argument.",
        p.name);
  Arrays primals(x.begin() + p.num_consts, x.end()), tangents;
  for (const Tangent& d : t.subspan(n)) tangents.push_back(rules::instantiate(d));
  const Arrays flat = (*rule_of(p))(primals, tangents);
  const std::size_t outs = p.call_jaxpr.num_outputs();
  check<TreeError>(
      flat.size() == 2 * outs,
      "custom_jvp '{}': the rule gave the wrong number of values. Got {}; expected {} outputs and as many tangents.",
      p.name, flat.size(), outs);
  JvpResult out;
  for (std::size_t i = 0; i < outs; ++i) {
    out.primals.push_back(flat[i]);
    const Aval want = flat[i].aval().strong().tangent();
    if (want.dtype == DType::float0) {
      out.tangents.push_back(Tangent::zero(flat[i].aval()));
      continue;
    }
    const Array tangent = rules::as_dtype(flat[outs + i], want.dtype);
    check<ShapeError>(identical(tangent.shape(), want.shape),
                      "custom_jvp '{}': a tangent must have the type of its output. Got tangent {} for output {}.",
                      p.name, tangent.aval(), flat[i].aval());
    out.tangents.push_back(Tangent(tangent));
  }
  return out;
}

BatchResult custom_jvp_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CustomJvpParams& p) {
  const Mask mapped = masks::mapped(axes);
  const BatchedJaxpr j = batch_jaxpr(p.call_jaxpr, size, mapped, Mask(p.call_jaxpr.num_outputs(), true));
  CustomJvpParams out = p;
  out.call_jaxpr = j.jaxpr;
  const Mask inner(mapped.begin() + p.num_consts, mapped.end());
  const Mask both = masks::join(inner, inner);
  if (p.jvp.function)
    out.jvp.function = std::make_shared<const JvpRule>(
        [rule = p.jvp.function, both, size](const Arrays& primals, const Arrays& tangents) {
          const std::size_t n = primals.size();
          return vmap_all([&](const Arrays& v) { return (*rule)(part(v, 0, n), part(v, n, v.size())); },
                          joined(primals, tangents), both, size);
        });
  return {custom_jvp_call_p().bind(all_to_front(x, axes), out), std::vector<Axis>(p.call_jaxpr.num_outputs(), 0)};
}

JvpResult custom_vjp_jvp(std::span<const Array> x, std::span<const Tangent> t, const CustomVjpParams& p) {
  if (!p.fwd.function)
    raise<NotImplementedError>(
        "custom_vjp_call '{}': the program was read from text, which does not carry the rules '{}' and '{}'.", p.name,
        p.fwd.name, p.bwd.name);
  for (std::int64_t i = 0; i < p.num_consts; ++i)
    check<UnexpectedTracerError>(
        t[i].is_zero(),
        "custom_vjp '{}': the derivative with respect to a captured value is asked for. Pass the value as an argument.",
        p.name);
  const Arrays primals(x.begin() + p.num_consts, x.end());
  const Arrays flat = (*p.fwd.function)(primals);
  const std::size_t outs = p.call_jaxpr.num_outputs();
  check<TreeError>(flat.size() >= outs,
                   "custom_vjp '{}': fwd gave too few values. Got {}; expected the {} outputs and the residuals.",
                   p.name, flat.size(), outs);
  JvpResult out;
  out.primals = part(flat, 0, outs);
  Arrays operands = part(flat, outs, flat.size());
  CustomLinParams lin{p.bwd, static_cast<std::int64_t>(operands.size()), {}};
  for (const Tangent& d : t.subspan(p.num_consts)) operands.push_back(rules::instantiate(d));
  for (const Array& y : out.primals) lin.outputs.push_back(y.aval().strong().tangent());
  for (Array& d : custom_lin_p().bind(operands, lin)) {
    if (d.dtype() == DType::float0) out.tangents.push_back(Tangent::zero(out.primals[out.tangents.size()].aval()));
    else out.tangents.emplace_back(std::move(d));
  }
  return out;
}

BatchResult custom_vjp_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CustomVjpParams& p) {
  const Mask mapped = masks::mapped(axes);
  const BatchedJaxpr j = batch_jaxpr(p.call_jaxpr, size, mapped, Mask(p.call_jaxpr.num_outputs(), true));
  CustomVjpParams out = p;
  out.call_jaxpr = j.jaxpr;
  const Mask inner(mapped.begin() + p.num_consts, mapped.end());
  if (p.fwd.function) {
    out.fwd.function = std::make_shared<const FwdRule>(
        [fwd = p.fwd.function, inner, size](const Arrays& v) { return vmap_all(*fwd, v, inner, size); });
    out.bwd.function = std::make_shared<const BwdRule>([bwd = p.bwd.function, inner, size](const Arrays& residuals,
                                                                                           const Arrays& cts) {
      const std::size_t n = residuals.size();
      const Mask everything(n + cts.size(), true);
      Arrays out_cts = vmap_all([&](const Arrays& v) { return filled((*bwd)(part(v, 0, n), part(v, n, v.size()))); },
                                joined(residuals, cts), everything, size);
      for (std::size_t i = 0; i < out_cts.size(); ++i)
        if (!inner[i] && out_cts[i].dtype() != DType::float0) out_cts[i] = reduce_sum(out_cts[i], {0});
      return out_cts;
    });
  }
  return {custom_vjp_call_p().bind(all_to_front(x, axes), out), std::vector<Axis>(p.call_jaxpr.num_outputs(), 0)};
}

Tangents custom_lin_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const CustomLinParams& p) {
  const std::size_t n = p.num_residuals;
  Arrays residuals, cts;
  for (const LinearArg& a : x.first(n)) residuals.push_back(*a.known);
  for (const Tangent& c : ct) cts.push_back(rules::instantiate(c));
  if (!p.bwd.function)
    raise<NotImplementedError>(
        "custom_lin: the program was read from text, which does not carry the rule '{}'. Take the gradient of the "
        "function itself.",
        p.bwd.name);
  const Arrays in = (*p.bwd.function)(residuals, cts);
  check<TreeError>(in.size() == x.size() - n,
                   "custom_vjp: the bwd rule must give one cotangent per argument. Got {}; expected {}.", in.size(),
                   x.size() - n);
  Tangents out;
  for (const LinearArg& a : x.first(n)) out.push_back(Tangent::zero(a.aval));
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Aval& want = x[n + i].aval;
    // An array without value: the rule gives no cotangent.
    if (!is_inexact(want.dtype) || !x[n + i].is_linear() || !in[i].has_value()) {
      out.push_back(Tangent::zero(want));
      continue;
    }
    if (!identical(in[i].shape(), want.shape))
      raise<ShapeError>(
          "custom_vjp: a cotangent of the bwd rule must have the type of its argument. Got {} for argument {} of type "
          "{}.",
          in[i].aval(), i, want);
    out.push_back(Tangent(rules::as_dtype(in[i], want.dtype)));
  }
  return out;
}

BatchResult custom_lin_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CustomLinParams& p) {
  const Mask mapped = masks::mapped(axes);
  const std::size_t n = p.num_residuals;
  CustomLinParams out = p;
  for (Aval& a : out.outputs) a.shape.insert(a.shape.begin(), size);
  out.bwd.function = std::make_shared<const BwdRule>(
      [bwd = p.bwd.function, mapped, n, size](const Arrays& residuals, const Arrays& cts) {
        Mask in(mapped.begin(), mapped.begin() + static_cast<std::ptrdiff_t>(n));
        in.insert(in.end(), cts.size(), true);
        Arrays result = vmap_all([&](const Arrays& v) { return filled((*bwd)(part(v, 0, n), part(v, n, v.size()))); },
                                 joined(residuals, cts), in, size);
        for (std::size_t i = 0; i < result.size(); ++i)
          if (!mapped[n + i] && result[i].dtype() != DType::float0) result[i] = reduce_sum(result[i], {0});
        return result;
      });
  return {custom_lin_p().bind(all_to_front(x, axes), out), std::vector<Axis>(p.outputs.size(), 0)};
}

}  // namespace

void CustomLinParams::after_read(ParamReader& reader) {
  for (const auto& [dtype, shape] : reader.context().outputs) outputs.push_back({dtype, shape, false});
}

const Primitive& custom_jvp_call_p() {
  static const Primitive p = make_primitive<CustomJvpParams>({
      .name = "custom_jvp_call",
      .operands = OperandCount::at_least(0),
      .aval =
          [](std::span<const Aval> x, const CustomJvpParams& p) {
            check_operands("custom_jvp_call", "program", p.call_jaxpr, x);
            return p.call_jaxpr.output_avals();
          },
      .jvp = custom_jvp_jvp,
      .transpose =
          [](std::span<const Tangent> ct, std::span<const LinearArg> x, const CustomJvpParams& p) {
            return jit_p().rules().transpose(ct, x, JitParams{p.name, p.call_jaxpr});
          },
      .batch = custom_jvp_batch,
      .impl = [](std::span<const Array> x, const CustomJvpParams& p) { return compiled(p.call_jaxpr)->run(x); },
      .called = [](const CustomJvpParams& p) { return &p.call_jaxpr; },
  });
  return p;
}

const Primitive& custom_vjp_call_p() {
  static const Primitive p = make_primitive<CustomVjpParams>({
      .name = "custom_vjp_call",
      .operands = OperandCount::at_least(0),
      .aval =
          [](std::span<const Aval> x, const CustomVjpParams& p) {
            check_operands("custom_vjp_call", "program", p.call_jaxpr, x);
            return p.call_jaxpr.output_avals();
          },
      .jvp = custom_vjp_jvp,
      .batch = custom_vjp_batch,
      .impl = [](std::span<const Array> x, const CustomVjpParams& p) { return compiled(p.call_jaxpr)->run(x); },
      .called = [](const CustomVjpParams& p) { return &p.call_jaxpr; },
  });
  return p;
}

const Primitive& custom_lin_p() {
  static const Primitive p = make_primitive<CustomLinParams>({
      .name = "custom_lin",
      .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval>, const CustomLinParams& p) { return p.outputs; },
      .transpose = custom_lin_transpose,
      .batch = custom_lin_batch,
      .impl = [](std::span<const Array>, const CustomLinParams&) -> Arrays {
        raise<TypeError>(
            "custom_vjp: can't apply forward-mode autodiff (jvp) to a custom_vjp function. Use reverse mode (grad, "
            "vjp), or define the function with custom_jvp.");
      },
  });
  return p;
}

namespace {
Avals avals_of(std::span<const Array> args) {
  Avals out;
  for (const Array& x : args) out.push_back(x.aval());
  return out;
}
}  // namespace

Arrays custom_jvp_flat(const std::string& name, const FlatFn& f, std::shared_ptr<const JvpRule> rule,
                       std::span<const Array> args) {
  if (current_trace()->is_eval()) return f(Arrays(args.begin(), args.end()));
  const auto [closed, consts] = hoist_constants(stage(f, avals_of(args)));
  Arrays operands = joined(consts, args);
  return custom_jvp_call_p().bind(
      operands,
      CustomJvpParams{name, closed, {name + "_jvp", std::move(rule)}, static_cast<std::int64_t>(consts.size()), false});
}

Arrays custom_vjp_flat(const std::string& name, const FlatFn& f, std::shared_ptr<const FwdRule> fwd,
                       std::shared_ptr<const BwdRule> bwd, std::span<const Array> args) {
  if (current_trace()->is_eval()) return f(Arrays(args.begin(), args.end()));
  const auto [closed, consts] = hoist_constants(stage(f, avals_of(args)));
  Arrays operands = joined(consts, args);
  return custom_vjp_call_p().bind(operands, CustomVjpParams{name,
                                                            closed,
                                                            {"fwd", std::move(fwd)},
                                                            {"bwd", std::move(bwd)},
                                                            static_cast<std::int64_t>(consts.size()),
                                                            false});
}

}  // namespace tf2jax
