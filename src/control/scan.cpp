// Rules of the scan primitive.
#include "tf2jax/control/scan.h"

#include <algorithm>
#include <cstring>

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/control/internal/carry.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/compiled.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

template <class T>
struct Parts {
  std::span<const T> consts, carry, xs;
};
template <class T>
Parts<T> parts(std::span<const T> x, const ScanParams& p) {
  const std::size_t c = p.num_consts, n = p.num_carry;
  return {x.first(c), x.subspan(c, n), x.subspan(c + n)};
}
ScanParams with_program(const ScanParams& p, Jaxpr jaxpr, std::size_t num_consts, std::size_t num_carry) {
  ScanParams q = p;
  q.jaxpr = std::move(jaxpr);
  q.num_consts = static_cast<std::int64_t>(num_consts);
  q.num_carry = static_cast<std::int64_t>(num_carry);
  return q;
}
Aval sliced(const Aval& a) {
  Aval out = a;
  out.shape.erase(out.shape.begin());
  return out;
}

// Slice i of a concrete array shares its memory.
Array slice_view(const Array& x, std::int64_t i) {
  const Dims d = x.dims();
  const Dims rest(d.begin() + 1, d.end());
  const std::size_t bytes = num_elements(rest) * itemsize(x.dtype());
  return detail::exact_view(x.dtype(), rest, x.bytes().data() + i * bytes, [keep = x] {});
}

Arrays scan_eval(std::span<const Array> x, const ScanParams& p) {
  const auto in = parts(x, p);
  const auto body = compiled(p.jaxpr);
  Arrays carry(in.carry.begin(), in.carry.end());
  const std::size_t num_ys = p.jaxpr.num_outputs() - carry.size();
  const Avals outs = p.jaxpr.output_avals();
  std::vector<detail::Ref<detail::ConcreteValue>> ys;
  for (std::size_t i = 0; i < num_ys; ++i) {
    Aval a = outs[carry.size() + i].strong();
    a.shape.insert(a.shape.begin(), Dim(p.length));
    ys.emplace_back(new detail::ConcreteValue(std::move(a)));
  }
  Arrays args;
  LoopBudget budget("scan");
  for (std::int64_t step = 0; step < p.length; ++step) {
    budget.step();
    const std::int64_t i = p.reverse ? p.length - 1 - step : step;
    args.assign(in.consts.begin(), in.consts.end());
    args.insert(args.end(), carry.begin(), carry.end());
    for (const Array& s : in.xs) args.push_back(slice_view(s, i));
    Arrays out = body->run(args);
    args.clear();
    for (std::size_t k = 0; k < num_ys; ++k) {
      const auto bytes = out[carry.size() + k].bytes();
      if (!bytes.empty()) std::memcpy(ys[k]->data + i * bytes.size(), bytes.data(), bytes.size());
    }
    out.resize(carry.size());
    carry = std::move(out);
  }
  for (auto& y : ys) carry.emplace_back(detail::Ref<const detail::Value>(y.get()));
  return carry;
}

Avals scan_aval(std::span<const Aval> x, const ScanParams& p) {
  check<ValueError>(p.length >= 0, "scan: the length must not be negative. Got {}.", p.length);
  check<TypeError>(
      p.num_consts >= 0 && p.num_carry >= 0 && p.num_consts + p.num_carry <= static_cast<std::int64_t>(x.size()) &&
          p.num_carry <= static_cast<std::int64_t>(p.jaxpr.num_outputs()),
      "scan: num_consts and num_carry do not fit. Got {} and {} with {} operands and {} results of the body.",
      p.num_consts, p.num_carry, x.size(), p.jaxpr.num_outputs());
  const auto in = parts(x, p);
  Avals operands(x.begin(), x.end() - static_cast<std::ptrdiff_t>(in.xs.size()));
  for (const Aval& a : in.xs) {
    check<TypeError>(!a.shape.empty() && identical(a.shape[0], Dim(p.length)),
                     "scan: each of xs needs a leading axis of the scan's length. Got {}; expected {}[{},...].", a,
                     short_name(a.dtype), p.length);
    operands.push_back(sliced(a));
  }
  check_operands("scan", "body", p.jaxpr, operands);
  Avals out = p.jaxpr.output_avals();
  for (std::size_t i = 0; i < in.carry.size(); ++i)
    check<TypeError>(out[i].matches(in.carry[i]), "scan: the body changes the type of carry {}. Got {}; expected {}.",
                     i, out[i], in.carry[i]);
  for (std::size_t i = p.num_carry; i < out.size(); ++i) out[i].shape.insert(out[i].shape.begin(), Dim(p.length));
  return out;
}

JvpResult scan_jvp(std::span<const Array> x, std::span<const Tangent> t, const ScanParams& p) {
  const auto primal = parts(x, p);
  const auto tangent = parts(t, p);
  const Mask consts = masks::nonzero(tangent.consts), xs = masks::nonzero(tangent.xs);
  Mask carry = masks::nonzero(tangent.carry);
  const std::size_t num_ys = p.jaxpr.num_outputs() - carry.size();
  const auto differentiate = [&] {
    return jvp_jaxpr(p.jaxpr, masks::join(consts, carry, xs), masks::join(carry, Mask(num_ys, false)));
  };
  JvpJaxpr body = differentiate();
  while (masks::grow(carry, body.nonzero_out)) body = differentiate();

  const std::size_t c = consts.size(), n = carry.size(), s = xs.size(), cd = masks::count(consts),
                    nd = masks::count(carry), sd = masks::count(xs);
  Order in, out;
  append_range(in, 0, c);
  append_range(in, c + n + s, cd);
  append_range(in, c, n);
  append_range(in, c + n + s + cd, nd);
  append_range(in, c + n, s);
  append_range(in, c + n + s + cd + nd, sd);
  append_range(out, 0, n);
  append_range(out, n + num_ys, nd);
  append_range(out, n, num_ys);
  append_range(out, n + num_ys + nd, body.jaxpr.num_outputs() - n - num_ys - nd);
  Arrays operands;
  const auto add = [&](std::span<const Array> primals, std::span<const Tangent> tangents, const Mask& live) {
    operands.insert(operands.end(), primals.begin(), primals.end());
    for (std::size_t i = 0; i < tangents.size(); ++i)
      if (live[i]) operands.push_back(rules::instantiate(tangents[i]));
  };
  add(primal.consts, tangent.consts, consts);
  add(primal.carry, tangent.carry, carry);
  add(primal.xs, tangent.xs, xs);
  const Arrays flat = scan_p().bind(operands, with_program(p, reorder(body.jaxpr, in, out), c + cd, n + nd));
  JvpResult result;
  std::size_t k = n, y = n + nd, yd = n + nd + num_ys;
  for (std::size_t i = 0; i < n; ++i) {
    result.primals.push_back(flat[i]);
    result.tangents.push_back(carry[i] ? Tangent(flat[k++]) : Tangent::zero(flat[i].aval()));
  }
  for (std::size_t i = 0; i < num_ys; ++i, ++y) {
    result.primals.push_back(flat[y]);
    result.tangents.push_back(body.nonzero_out[n + i] ? Tangent(flat[yd++]) : Tangent::zero(flat[y].aval()));
  }
  return result;
}

Arrays scan_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const ScanParams& p) {
  const auto in = parts(x, p);
  const Mask consts = context.unknown(in.consts), xs = context.unknown(in.xs);
  Mask carry = context.unknown(in.carry);
  const std::size_t num_ys = p.jaxpr.num_outputs() - carry.size();
  const auto split = [&] {
    return partial_eval_jaxpr(p.jaxpr, masks::join(consts, carry, xs), masks::join(carry, Mask(num_ys, false)));
  };
  PartialEvalJaxpr body = split();
  while (masks::grow(carry, body.unknown_out)) body = split();

  const Arrays known_args = masks::drop(x, masks::join(consts, carry, xs));
  const Arrays unknown_consts = masks::pick(in.consts, consts), unknown_carry = masks::pick(in.carry, carry),
               unknown_xs = masks::pick(in.xs, xs);
  const std::size_t known_consts = consts.size() - unknown_consts.size(),
                    known_carry = carry.size() - unknown_carry.size();

  // A residual that is one of the constants does not change from step to step: it is passed on, not stacked.
  const std::size_t first_residual = body.known.num_outputs() - body.num_residuals;
  Order known_outs, invariant, varying;
  append_range(known_outs, 0, first_residual);
  Arrays invariant_values;
  for (std::size_t r = 0; r < body.num_residuals; ++r) {
    const Atom& a = body.known->outs[first_residual + r];
    const auto& ins = body.known->invars;
    const auto end = ins.begin() + static_cast<std::ptrdiff_t>(known_consts);
    const auto it = a.is_literal() ? end : std::find(ins.begin(), end, a.var);
    if (a.is_literal() || it != end) {
      invariant.push_back(r);
      invariant_values.push_back(a.is_literal() ? a.literal : known_args[it - ins.begin()]);
    } else {
      varying.push_back(r);
      known_outs.push_back(first_residual + r);
    }
  }
  const Arrays known = scan_p().bind(
      known_args,
      with_program(p, reorder(body.known, all_of(body.known.num_inputs()), known_outs), known_consts, known_carry));

  Order order;
  order.insert(order.end(), invariant.begin(), invariant.end());
  append_range(order, body.num_residuals, unknown_consts.size() + unknown_carry.size());
  order.insert(order.end(), varying.begin(), varying.end());
  append_range(order, body.num_residuals + unknown_consts.size() + unknown_carry.size(), unknown_xs.size());
  Arrays operands = invariant_values;
  operands.insert(operands.end(), unknown_consts.begin(), unknown_consts.end());
  operands.insert(operands.end(), unknown_carry.begin(), unknown_carry.end());
  operands.insert(operands.end(), known.begin() + static_cast<std::ptrdiff_t>(first_residual), known.end());
  operands.insert(operands.end(), unknown_xs.begin(), unknown_xs.end());
  const Jaxpr rest = reorder(body.unknown, order, all_of(body.unknown.num_outputs()));
  const Arrays staged = context.emit(
      scan_p(), operands, with_program(p, rest, invariant.size() + unknown_consts.size(), unknown_carry.size()));
  return masks::merge(body.unknown_out, staged, known);
}

// The adjoint runs in the other direction. Its carry holds the cotangents of the linear constants, summed over steps,
// and of the carry; it consumes the ys' cotangents and the known slices.
class ScanAdjoint {
 public:
  ScanAdjoint(std::span<const LinearArg> x, const ScanParams& p)
      : p_(p), in_(parts(x, p)), body_avals_(p.jaxpr.input_avals()), n_(in_.carry.size()) {}

  Tangents operator()(std::span<const Tangent> ct) const {
    const std::size_t num_ys = p_.jaxpr.num_outputs() - n_;
    Arrays operands, initial, sequences;
    for (std::size_t i = 0; i < in_.consts.size(); ++i) {
      if (in_.consts[i].known) operands.push_back(*in_.consts[i].known);
      else initial.push_back(zeros_of(body_avals_[i].strong()));
    }
    for (std::size_t i = 0; i < n_ + num_ys; ++i) (i < n_ ? initial : sequences).push_back(rules::instantiate(ct[i]));
    for (const LinearArg& a : in_.xs)
      if (a.known) sequences.push_back(*a.known);

    Avals avals;
    for (const Array& a : operands) avals.push_back(a.aval());
    for (const Array& a : initial) avals.push_back(a.aval());
    for (const Array& a : sequences) avals.push_back(sliced(a.aval()));
    const auto [program, captured] = hoist_constants(stage([&](const Arrays& v) { return step(v); }, avals));
    Arrays all = captured;
    all.insert(all.end(), operands.begin(), operands.end());
    all.insert(all.end(), initial.begin(), initial.end());
    all.insert(all.end(), sequences.begin(), sequences.end());
    ScanParams q = with_program(p_, program, captured.size() + operands.size(), initial.size());
    q.reverse = !p_.reverse;
    return spread(scan_p().bind(all, q), initial.size());
  }

 private:
  // One step: known constants, sums, the carry's cotangents, the ys' cotangents and known slices become new sums, the
  // carry's cotangents and those of the linear slices.
  Arrays step(const Arrays& v) const {
    std::size_t k = 0;
    const auto take = [&] { return v[k++]; };
    std::vector<LinearArg> args;
    for (std::size_t i = 0; i < in_.consts.size(); ++i)
      args.push_back({in_.consts[i].known ? std::optional(take()) : std::nullopt, body_avals_[i]});
    Arrays sums;
    for (const LinearArg& a : in_.consts)
      if (!a.known) sums.push_back(take());
    for (std::size_t i = 0; i < n_; ++i) args.push_back({std::nullopt, body_avals_[args.size()]});
    Tangents cts;
    for (const Aval& out : p_.jaxpr.output_avals()) {
      const Array ct = take();
      cts.push_back(is_inexact(out.dtype) ? Tangent(ct) : Tangent::zero(out));
    }
    for (const LinearArg& a : in_.xs)
      args.push_back({a.known ? std::optional(take()) : std::nullopt, body_avals_[args.size()]});

    const Tangents result = backward_pass(p_.jaxpr, args, cts);
    Arrays out;
    std::size_t s = 0;
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (args[i].known) continue;
      if (i < in_.consts.size()) out.push_back(rules::add_tangents(Tangent(sums[s++]), result[i]).value());
      else out.push_back(rules::instantiate(result[i]));
    }
    return out;
  }

  // The scan's results to the operands that they are the cotangents of.
  Tangents spread(const Arrays& flat, std::size_t num_carry) const {
    Tangents out;
    std::size_t s = 0, y = num_carry;
    for (const LinearArg& a : in_.consts) out.push_back(a.known ? Tangent::zero(a.aval) : Tangent(flat[s++]));
    for (const LinearArg& a : in_.carry) {
      const Array& value = flat[s++];
      out.push_back(a.known || !is_inexact(a.aval.dtype) ? Tangent::zero(a.aval) : Tangent(value));
    }
    for (const LinearArg& a : in_.xs) out.push_back(a.known ? Tangent::zero(a.aval) : Tangent(flat[y++]));
    return out;
  }

  const ScanParams& p_;
  const Parts<LinearArg> in_;
  const Avals body_avals_;
  const std::size_t n_;
};

Tangents scan_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const ScanParams& p) {
  return ScanAdjoint(x, p)(ct);
}

BatchResult scan_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const ScanParams& p) {
  const auto in = parts(x, p);
  const auto ax = parts(axes, p);
  const Mask consts = masks::mapped(ax.consts), xs = masks::mapped(ax.xs);
  Mask carry = masks::mapped(ax.carry);
  const std::size_t num_ys = p.jaxpr.num_outputs() - carry.size();
  const auto vectorise = [&] {
    return batch_jaxpr(p.jaxpr, size, masks::join(consts, carry, xs), masks::join(carry, Mask(num_ys, false)));
  };
  BatchedJaxpr body = vectorise();
  while (masks::grow(carry, body.mapped_out)) body = vectorise();
  Arrays operands;
  for (std::size_t i = 0; i < in.consts.size(); ++i)
    operands.push_back(rules::mapped_to_front(in.consts[i], ax.consts[i]));
  for (std::size_t i = 0; i < in.carry.size(); ++i)
    operands.push_back(carry[i] ? rules::to_front(in.carry[i], ax.carry[i], size) : in.carry[i]);
  for (std::size_t i = 0; i < in.xs.size(); ++i)
    operands.push_back(ax.xs[i] ? moveaxis(in.xs[i], *ax.xs[i], 1) : in.xs[i]);
  BatchResult out{scan_p().bind(operands, with_program(p, body.jaxpr, consts.size(), carry.size())), {}};
  for (std::size_t i = 0; i < body.mapped_out.size(); ++i)
    out.axes.push_back(body.mapped_out[i] ? Axis(i < carry.size() ? 0 : 1) : std::nullopt);
  return out;
}

}  // namespace

void ScanParams::after_read(ParamReader& reader) {
  if (reader.has("ft_in")) {
    const std::vector<std::int64_t> leaves = count_group_leaves(reader.take("ft_in"));
    check<ParseError>(leaves.size() == 3, "scan: ft_in must have three groups: constants, carry, xs. Got {}.",
                      leaves.size());
    num_consts = leaves[0];
    num_carry = leaves[1];
  }
  check<ParseError>(num_consts != kNotGiven && num_carry != kNotGiven,
                    "parse_jaxpr: scan has neither 'num_consts' and 'num_carry' nor 'ft_in'. Add them.");
}

std::string ScanParams::linear_text() const {
  std::string out = "(";
  const std::size_t n = jaxpr.num_inputs();
  for (std::size_t i = 0; i < n; ++i) out += i ? ", False" : "False";
  return out + (n == 1 ? ",)" : ")");
}

const Primitive& scan_p() {
  static const Primitive p = make_primitive<ScanParams>({
      .name = "scan",
      .operands = OperandCount::at_least(0),
      .aval = scan_aval,
      .jvp = scan_jvp,
      .transpose = scan_transpose,
      .batch = scan_batch,
      .partial_eval = scan_partial_eval,
      .impl = scan_eval,
  });
  return p;
}

Arrays scan_flat(const FlatFn& body, const Arrays& init, const Arrays& xs, std::optional<std::int64_t> length,
                 bool reverse, std::int64_t unroll) {
  std::optional<std::int64_t> n = length;
  Avals slices;
  for (const Array& x : xs) {
    check<ShapeError>(x.rank() > 0, "scan: xs must have a leading axis. Got {}.", x.aval());
    const std::int64_t mine = x.shape()[0].value();
    check(!n || *n == mine,
          "scan: the leading axes of xs differ in size. Got {} and {}, the latter of {}; expected one size.",
          n.value_or(0), mine, x.aval());
    n = mine;
    slices.push_back(sliced(x.aval()));
  }
  check(n.has_value(), "scan: without xs, give the length.");
  const auto [carry, staged] = stage_carry("scan", body, init, slices, init.size());
  const auto [program, consts] = hoist_constants(staged, true);
  Arrays operands = consts;
  operands.insert(operands.end(), carry.begin(), carry.end());
  operands.insert(operands.end(), xs.begin(), xs.end());
  ScanParams p;
  p.jaxpr = program;
  p.length = *n;
  p.num_consts = static_cast<std::int64_t>(consts.size());
  p.num_carry = static_cast<std::int64_t>(carry.size());
  p.reverse = reverse;
  p.unroll = unroll;
  return scan_p().bind(operands, p);
}

}  // namespace tf2jax
