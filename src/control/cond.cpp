// Rules of the cond primitive.
#include "tf2jax/control/cond.h"

#include <algorithm>

#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

std::size_t clamped(const Array& index, std::size_t count) {
  const auto i = index.item<std::int64_t>();
  return to_size(std::clamp<std::int64_t>(i, 0, static_cast<std::int64_t>(count) - 1));
}

JvpResult cond_jvp(std::span<const Array> x, std::span<const Tangent> t, const CondParams& p) {
  Mask nonzero;
  Arrays args(x.begin(), x.end());
  for (const Tangent& d : t.subspan(1)) {
    nonzero.push_back(!d.is_zero());
    if (!d.is_zero()) args.push_back(d.value());
  }
  Mask joined(p.branches[0].num_outputs(), false);
  for (const Jaxpr& b : p.branches) {
    const Mask out = jvp_jaxpr(b, nonzero, Mask(joined.size(), false)).nonzero_out;
    for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = joined[i] || out[i];
  }
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(jvp_jaxpr(b, nonzero, joined).jaxpr);
  const Arrays flat = cond_p().bind(args, q);
  JvpResult out;
  std::size_t k = joined.size();
  for (std::size_t i = 0; i < joined.size(); ++i) {
    out.primals.push_back(flat[i]);
    out.tangents.push_back(joined[i] ? Tangent(flat[k++]) : Tangent::zero(flat[i].aval()));
  }
  return out;
}

Arrays cond_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const CondParams& p) {
  if (context.is_unknown(x[0])) return context.emit(cond_p(), x, p);
  Mask unknown;
  Arrays known_args{x[0]}, unknown_args;
  for (const Array& a : x.subspan(1)) {
    unknown.push_back(context.is_unknown(a));
    (unknown.back() ? unknown_args : known_args).push_back(a);
  }
  Mask joined(p.branches[0].num_outputs(), false);
  for (const Jaxpr& b : p.branches) {
    const Mask out = partial_eval_jaxpr(b, unknown, Mask(joined.size(), false)).unknown_out;
    for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = joined[i] || out[i];
  }
  // Every branch returns the residuals of all branches, zeros for those of the others.
  std::vector<PartialEvalJaxpr> parts;
  Avals residual_avals;
  for (const Jaxpr& b : p.branches) {
    parts.push_back(partial_eval_jaxpr(b, unknown, joined));
    const Avals outs = parts.back().known.output_avals();
    residual_avals.insert(residual_avals.end(), outs.end() - static_cast<std::ptrdiff_t>(parts.back().num_residuals), outs.end());
  }
  CondParams known, rest;
  std::size_t offset = 0;
  for (const PartialEvalJaxpr& part : parts) {
    const std::size_t first = offset, mine = part.num_residuals;
    known.branches.push_back(stage(
        [&](const Arrays& args) {
          const Arrays outs = eval_jaxpr(part.known, args);
          Arrays all(outs.begin(), outs.end() - static_cast<std::ptrdiff_t>(mine));
          for (std::size_t i = 0; i < residual_avals.size(); ++i)
            all.push_back(i >= first && i < first + mine ? outs[outs.size() - mine + i - first] : zeros_of(residual_avals[i]));
          return all;
        },
        part.known.input_avals()));
    const Avals ins = part.unknown.input_avals();
    Avals avals = residual_avals;
    avals.insert(avals.end(), ins.begin() + static_cast<std::ptrdiff_t>(mine), ins.end());
    rest.branches.push_back(stage(
        [&](const Arrays& args) {
          Arrays in(args.begin() + static_cast<std::ptrdiff_t>(first), args.begin() + static_cast<std::ptrdiff_t>(first + mine));
          in.insert(in.end(), args.begin() + static_cast<std::ptrdiff_t>(residual_avals.size()), args.end());
          return eval_jaxpr(part.unknown, in);
        },
        avals));
    offset += mine;
  }
  Arrays known_outs = cond_p().bind(known_args, known);
  Arrays operands{x[0]};
  operands.insert(operands.end(), known_outs.end() - static_cast<std::ptrdiff_t>(residual_avals.size()), known_outs.end());
  operands.insert(operands.end(), unknown_args.begin(), unknown_args.end());
  const Arrays staged = context.emit(cond_p(), operands, rest);
  Arrays out;
  std::size_t k = 0, s = 0;
  for (const bool is_unknown : joined) out.push_back(is_unknown ? staged[s++] : known_outs[k++]);
  return out;
}

Tangents cond_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const CondParams& p) {
  Mask linear, nonzero;
  Arrays args{*x[0].known};
  for (const LinearArg& a : x.subspan(1)) {
    linear.push_back(a.is_linear());
    if (a.known) args.push_back(*a.known);
  }
  for (const Tangent& c : ct) {
    nonzero.push_back(!c.is_zero());
    if (!c.is_zero()) args.push_back(c.value());
  }
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(transpose_jaxpr(b, linear, nonzero, true).jaxpr);
  const Arrays flat = cond_p().bind(args, q);
  Tangents out{Tangent::zero(x[0].aval)};
  std::size_t k = 0;
  for (const LinearArg& a : x.subspan(1)) out.push_back(a.is_linear() ? Tangent(flat[k++]) : Tangent::zero(a.aval));
  return out;
}

BatchResult cond_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CondParams& p) {
  const std::size_t outs = p.branches[0].num_outputs();
  Arrays args;
  Mask mapped;
  for (std::size_t i = 1; i < x.size(); ++i) {
    mapped.push_back(axes[i].has_value());
    args.push_back(rules::mapped_to_front(x[i], axes[i]));
  }
  if (axes[0]) {   // a predicate per example: compute every branch, then select
    for (const Jaxpr& b : p.branches)
      check<NotImplementedError>(!has_effects(b), "cond: a batched predicate needs every branch to run, and a branch has effects.");
    std::vector<Arrays> results;
    for (const Jaxpr& b : p.branches) results.push_back(eval_jaxpr(batch_jaxpr(b, size, mapped, Mask(outs, true)).jaxpr, args));
    const Array index = clamp(0, rules::mapped_to_front(x[0], axes[0]), static_cast<int>(p.branches.size()) - 1);
    BatchResult out;
    for (std::size_t i = 0; i < outs; ++i) {
      Arrays cases;
      for (const Arrays& r : results) cases.push_back(r[i]);
      const Array which = p.branches.size() == 2 ? not_equal(index, 0) : index;
      const Array wide = cases[0].rank() == 1 ? which : broadcast_in_dim(which, cases[0].shape(), {0});
      out.values.push_back(cases.size() == 1 ? cases[0] : select_n(wide, cases));
      out.axes.push_back(0);
    }
    return out;
  }
  Mask joined(outs, false);
  for (const Jaxpr& b : p.branches) {
    const Mask m = batch_jaxpr(b, size, mapped, Mask(outs, false)).mapped_out;
    for (std::size_t i = 0; i < outs; ++i) joined[i] = joined[i] || m[i];
  }
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(batch_jaxpr(b, size, mapped, joined).jaxpr);
  args.insert(args.begin(), x[0]);
  BatchResult out{cond_p().bind(args, q), {}};
  for (const bool m : joined) out.axes.push_back(m ? Axis(0) : std::nullopt);
  return out;
}

}  // namespace

const Primitive& cond_p() {
  static const Primitive p = make_primitive<CondParams>({
      .name = "cond", .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const CondParams& p) -> Avals {
        check<ValueError>(!p.branches.empty(), "cond: Empty branch sequence. Got 0 branches; expected at least one.");
        check<TypeError>(!x.empty(), "cond: the index is missing. Got no operands; expected an i32 scalar and those of the branches.");
        check<DtypeError>(x[0].dtype == DType::i32 && x[0].shape.empty(), "cond: the index must be an i32 scalar. Got {}.", x[0]);
        const Avals results = p.branches[0].output_avals();
        for (const Jaxpr& b : p.branches) {
          check_operands("cond", "branch", b, x.subspan(1));
          check_results("cond", "branch", b, results);
        }
        return results;
      },
      .jvp = cond_jvp,
      .transpose = cond_transpose,
      .batch = cond_batch,
      .partial_eval = cond_partial_eval,
      .impl = [](std::span<const Array> x, const CondParams& p) { return compiled(p.branches[clamped(x[0], p.branches.size())])->run(x.subspan(1)); },
  });
  return p;
}

namespace {

// One program per branch, with its constants: all must give the same types.
std::vector<std::pair<Jaxpr, Arrays>> stage_branches(const std::vector<FlatFn>& branches, std::span<const Array> operands, std::string_view where) {
  Avals avals;
  for (const Array& x : operands) avals.push_back(x.aval());
  std::vector<std::pair<Jaxpr, Arrays>> closed;
  for (const FlatFn& b : branches) closed.push_back(hoist_constants(stage(b, avals), true));
  const Avals wanted = closed[0].first.output_avals();
  for (std::size_t i = 1; i < closed.size(); ++i) {
    const Avals got = closed[i].first.output_avals();
    bool same = got.size() == wanted.size();
    for (std::size_t k = 0; same && k < got.size(); ++k) same = got[k].matches(wanted[k]);
    check<TypeError>(same, "{} branches must have equal output types but they differ. Got {} from branch 0 and {} from branch {}. Convert with astype or reshape in a branch.", where,
                     to_string(wanted), to_string(got), i);
  }
  return closed;
}

// With an index known now one branch runs, op by op; the others are traced all the same, so that their mistakes show.
Arrays run_branch(std::size_t index, const std::vector<FlatFn>& branches, std::span<const Array> operands, std::string_view where) {
  stage_branches(branches, operands, where);
  return branches[index](Arrays(operands.begin(), operands.end()));
}

Arrays bind_branches(const Array& index, const std::vector<FlatFn>& branches, std::span<const Array> operands, std::string_view where) {
  // Constants of all branches become operands of the equation, each branch ignoring those of the others.
  std::vector<Jaxpr> programs;
  Arrays consts;
  std::vector<std::pair<Jaxpr, std::size_t>> closed;
  for (const auto& [program, mine] : stage_branches(branches, operands, where)) {
    closed.emplace_back(program, mine.size());
    consts.insert(consts.end(), mine.begin(), mine.end());
  }
  const Avals wanted = closed[0].first.output_avals();
  Avals const_avals;
  for (const Array& c : consts) const_avals.push_back(c.aval());
  std::size_t first = 0;
  for (const auto& [program, count] : closed) {
    Avals others(const_avals.begin(), const_avals.begin() + static_cast<std::ptrdiff_t>(first));
    others.insert(others.end(), const_avals.begin() + static_cast<std::ptrdiff_t>(first + count), const_avals.end());
    const Jaxpr wide = ignore_inputs(program, others);
    Order order;
    const std::size_t real = count + operands.size();
    for (std::size_t i = 0; i < consts.size(); ++i) order.push_back(i < first ? real + i : i < first + count ? i - first : real + i - count);
    for (std::size_t i = 0; i < operands.size(); ++i) order.push_back(count + i);
    programs.push_back(reorder(wide, order, [&] {
      Order all;
      for (std::size_t i = 0; i < wanted.size(); ++i) all.push_back(i);
      return all;
    }()));
    first += count;
  }
  Arrays args{index};
  args.insert(args.end(), consts.begin(), consts.end());
  args.insert(args.end(), operands.begin(), operands.end());
  return cond_p().bind(args, CondParams{std::move(programs)});
}

}  // namespace

Arrays switch_flat(const Array& index, const std::vector<FlatFn>& branches, std::span<const Array> operands) {
  check(!branches.empty(), "switch_case: no branches given.");
  check<TypeError>(is_integer(index.dtype()) && index.rank() == 0, "switch_case: the index must be an integer scalar. Got {}.", index.aval());
  if (branches.size() == 1) return branches[0](Arrays(operands.begin(), operands.end()));
  if (current_trace()->is_eval() && index.is_concrete()) return run_branch(clamped(index, branches.size()), branches, operands, "switch_case");
  const Array i = clamp(0, astype(index, DType::i32), static_cast<int>(branches.size()) - 1);
  return bind_branches(i, branches, operands, "switch_case");
}

Arrays cond_flat(const Array& predicate, const FlatFn& on_true, const FlatFn& on_false, std::span<const Array> operands) {
  check<TypeError>(predicate.rank() == 0, "cond: Pred must be a scalar, got {}. Use where for an elementwise choice.", predicate.aval());
  const Array p = predicate.dtype() == DType::bool_ ? predicate : not_equal(predicate, 0);
  if (current_trace()->is_eval() && p.is_concrete()) return run_branch(p.item<bool>() ? 1 : 0, {on_false, on_true}, operands, "cond");
  return bind_branches(convert_element_type(p, DType::i32), {on_false, on_true}, operands, "cond");
}

void append_control_primitives(std::vector<Primitive>& out) {
  out.push_back(cond_p());
  out.push_back(while_p());
  out.push_back(scan_p());
}

}  // namespace tf2jax
