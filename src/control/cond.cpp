// Rules of the cond primitive.
#include "tf2jax/control/cond.h"

#include <algorithm>

#include "tf2jax/control/jaxpr_edit.h"
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

std::size_t clamped(const Array& index, std::size_t count) {
  const auto i = index.item<std::int64_t>();
  return (std::clamp<std::int64_t>(i, 0, static_cast<std::int64_t>(count) - 1));
}

JvpResult cond_jvp(std::span<const Array> x, std::span<const Tangent> t, const CondParams& p) {
  const Mask nonzero = masks::nonzero(t.subspan(1)), none(p.branches[0].num_outputs(), false);
  Mask any = none;  // the outputs that have a tangent in some branch
  for (const Jaxpr& b : p.branches) masks::grow(any, jvp_jaxpr(b, nonzero, none).nonzero_out);
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(jvp_jaxpr(b, nonzero, any).jaxpr);
  const Arrays flat = cond_p().bind(joined(x, masks::nonzero_values(t.subspan(1))), q);
  JvpResult out;
  std::size_t k = any.size();
  for (std::size_t i = 0; i < any.size(); ++i) {
    out.primals.push_back(flat[i]);
    out.tangents.push_back(any[i] ? Tangent(flat[k++]) : Tangent::zero(flat[i].aval()));
  }
  return out;
}

Arrays cond_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const CondParams& p) {
  if (context.is_unknown(x[0])) return context.emit(cond_p(), x, p);
  const Mask unknown = context.unknown(x.subspan(1)), none(p.branches[0].num_outputs(), false);
  const Arrays known_args = joined(x.first(1), masks::drop(x.subspan(1), unknown));
  Mask any = none;  // the outputs that are unknown in some branch
  for (const Jaxpr& b : p.branches) masks::grow(any, partial_eval_jaxpr(b, unknown, none).unknown_out);
  // Every branch returns the residuals of all branches, zeros for those of the others.
  std::vector<PartialEvalJaxpr> parts;
  Avals residual_avals;
  for (const Jaxpr& b : p.branches) {
    parts.push_back(partial_eval_jaxpr(b, unknown, any));
    const Avals outs = parts.back().known.output_avals();
    residual_avals.insert(residual_avals.end(), outs.end() - static_cast<std::ptrdiff_t>(parts.back().num_residuals),
                          outs.end());
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
            all.push_back(i >= first && i < first + mine ? outs[outs.size() - mine + i - first]
                                                         : zeros_of(residual_avals[i]));
          return all;
        },
        part.known.input_avals()));
    const Avals ins = part.unknown.input_avals();
    Avals avals = residual_avals;
    avals.insert(avals.end(), ins.begin() + static_cast<std::ptrdiff_t>(mine), ins.end());
    rest.branches.push_back(stage(
        [&](const Arrays& args) {
          Arrays in(args.begin() + static_cast<std::ptrdiff_t>(first),
                    args.begin() + static_cast<std::ptrdiff_t>(first + mine));
          in.insert(in.end(), args.begin() + static_cast<std::ptrdiff_t>(residual_avals.size()), args.end());
          return eval_jaxpr(part.unknown, in);
        },
        avals));
    offset += mine;
  }
  const Arrays known_outs = cond_p().bind(known_args, known);
  const auto residuals = std::span(known_outs).last(residual_avals.size());
  const Arrays operands = joined(joined(x.first(1), residuals), masks::pick(x.subspan(1), unknown));
  return masks::merge(any, context.emit(cond_p(), operands, rest), known_outs);
}

Tangents cond_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const CondParams& p) {
  const Mask linear = masks::linear(x.subspan(1)), nonzero = masks::nonzero(ct);
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(transpose_jaxpr(b, linear, nonzero, true).jaxpr);
  const Arrays flat = cond_p().bind(joined(masks::known_values(x), masks::nonzero_values(ct)), q);
  Tangents out{Tangent::zero(x[0].aval)};
  std::size_t k = 0;
  for (const LinearArg& a : x.subspan(1)) out.push_back(a.is_linear() ? Tangent(flat[k++]) : Tangent::zero(a.aval));
  return out;
}

BatchResult cond_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const CondParams& p) {
  const std::size_t outs = p.branches[0].num_outputs();
  const Mask mapped = masks::mapped(axes.subspan(1));
  Arrays args;
  for (std::size_t i = 1; i < x.size(); ++i) args.push_back(rules::mapped_to_front(x[i], axes[i]));
  if (axes[0]) {  // a predicate per example: compute every branch, then select
    for (const Jaxpr& b : p.branches)
      check<NotImplementedError>(!has_effects(b),
                                 "cond: a batched predicate needs every branch to run, and a branch has effects. Leave "
                                 "the predicate unbatched.");
    std::vector<Arrays> results;
    for (const Jaxpr& b : p.branches)
      results.push_back(eval_jaxpr(batch_jaxpr(b, size, mapped, Mask(outs, true)).jaxpr, args));
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
  Mask any(outs, false);  // the outputs that vary in some branch
  for (const Jaxpr& b : p.branches) masks::grow(any, batch_jaxpr(b, size, mapped, Mask(outs, false)).mapped_out);
  CondParams q;
  for (const Jaxpr& b : p.branches) q.branches.push_back(batch_jaxpr(b, size, mapped, any).jaxpr);
  return {cond_p().bind(joined(x.first(1), args), q), masks::front_axes(any)};
}

}  // namespace

const Primitive& cond_p() {
  static const Primitive p = make_primitive<CondParams>({
      .name = "cond",
      .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const CondParams& p) -> Avals {
        check<ValueError>(!p.branches.empty(), "cond: Empty branch sequence. Got 0 branches; expected at least one.");
        check<TypeError>(
            !x.empty(),
            "cond: the index is missing. Got no operands; expected an i32 scalar and those of the branches.");
        check<DtypeError>(x[0].dtype == DType::i32 && x[0].shape.empty(),
                          "cond: the index must be an i32 scalar. Got {}.", x[0]);
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
      .impl =
          [](std::span<const Array> x, const CondParams& p) {
            return compiled(p.branches[clamped(x[0], p.branches.size())])->run(x.subspan(1));
          },
  });
  return p;
}

namespace {

// One program per branch, with its constants: all must give the same types.
std::vector<std::pair<Jaxpr, Arrays>> stage_branches(const std::vector<FlatFn>& branches,
                                                     std::span<const Array> operands, std::string_view where) {
  Avals avals;
  for (const Array& x : operands) avals.push_back(x.aval());
  std::vector<std::pair<Jaxpr, Arrays>> closed;
  for (const FlatFn& b : branches) closed.push_back(hoist_constants(stage(b, avals), true));
  const Avals wanted = closed[0].first.output_avals();
  for (std::size_t i = 1; i < closed.size(); ++i) {
    const Avals got = closed[i].first.output_avals();
    bool same = got.size() == wanted.size();
    for (std::size_t k = 0; same && k < got.size(); ++k) same = got[k].matches(wanted[k]);
    check<TypeError>(same,
                     "{}: the branches return different types. Got {} from branch 0 and {} from branch {}; expected "
                     "equal types. Convert with astype or reshape in a branch.",
                     where, to_string(wanted), to_string(got), i);
  }
  return closed;
}

// With an index known now one branch runs, op by op; the others are traced all the same, so that their mistakes show.
Arrays run_branch(std::size_t index, const std::vector<FlatFn>& branches, std::span<const Array> operands,
                  std::string_view where) {
  stage_branches(branches, operands, where);
  return branches[index](Arrays(operands.begin(), operands.end()));
}

Arrays bind_branches(const Array& index, const std::vector<FlatFn>& branches, std::span<const Array> operands,
                     std::string_view where) {
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
    for (std::size_t i = 0; i < consts.size(); ++i)
      order.push_back(i < first ? real + i : i < first + count ? i - first : real + i - count);
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
  check(!branches.empty(), "switch_case: there are no branches. Expected at least one.");
  check<TypeError>(is_integer(index.dtype()) && index.rank() == 0,
                   "switch_case: the index must be an integer scalar. Got {}.", index.aval());
  if (branches.size() == 1) return branches[0](Arrays(operands.begin(), operands.end()));
  if (current_trace()->is_eval() && index.is_concrete())
    return run_branch(clamped(index, branches.size()), branches, operands, "switch_case");
  const Array i = clamp(0, astype(index, DType::i32), static_cast<int>(branches.size()) - 1);
  return bind_branches(i, branches, operands, "switch_case");
}

Arrays cond_flat(const Array& predicate, const FlatFn& on_true, const FlatFn& on_false,
                 std::span<const Array> operands) {
  check<TypeError>(predicate.rank() == 0,
                   "cond: the predicate must be a scalar. Got {}. Use where for an elementwise choice.",
                   predicate.aval());
  const Array p = predicate.dtype() == DType::bool_ ? predicate : not_equal(predicate, 0);
  if (current_trace()->is_eval() && p.is_concrete())
    return run_branch(p.item<bool>() ? 1 : 0, {on_false, on_true}, operands, "cond");
  return bind_branches(convert_element_type(p, DType::i32), {on_false, on_true}, operands, "cond");
}

}  // namespace tf2jax
