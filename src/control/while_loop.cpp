// Rules of the while primitive.
#include "tf2jax/control/while_loop.h"

#include <algorithm>

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/control/internal/carry.h"
#include "tf2jax/control/internal/while_adjoint.h"
#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/compiled.h"
#include "tf2jax/transforms/internal/operands.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

// Operands by role.
template <class T>
struct Parts {
  std::span<const T> cond_consts, body_consts, carry;
};
template <class T>
Parts<T> parts(std::span<const T> x, const WhileParams& p) {
  const std::size_t c = p.cond_nconsts, b = p.body_nconsts;
  return {x.first(c), x.subspan(c, b), x.subspan(c + b)};
}

Arrays while_eval(std::span<const Array> x, const WhileParams& p) {
  const auto in = parts(x, p);
  const auto condition = compiled(p.cond_jaxpr), body = compiled(p.body_jaxpr);
  Arrays carry(in.carry.begin(), in.carry.end());
  LoopBudget budget("while");
  for (;; budget.step()) {
    const Array running = condition->run(joined(in.cond_consts, carry))[0];
    if (running.rank() == 0) {
      if (!running.item<bool>()) return carry;
      carry = body->run(joined(in.body_consts, carry));
      continue;
    }
    // A predicate per example, as JAX prints batched loops: run while any continues, the others keep their carry.
    if (!reduce_or(running, iota_axes(running.rank())).item<bool>()) return carry;
    const Arrays next = body->run(joined(in.body_consts, carry));
    for (std::size_t i = 0; i < carry.size(); ++i)
      carry[i] = select(broadcast_in_dim(running, carry[i].shape(), iota_axes(running.rank())), next[i], carry[i]);
  }
}

// A predicate may also hold one value per example, as JAX prints batched loops: axes that every carry has in front.
Avals while_aval(std::span<const Aval> x, const WhileParams& p) {
  check<TypeError>(p.cond_nconsts >= 0 && p.body_nconsts >= 0 &&
                       p.cond_nconsts + p.body_nconsts <= static_cast<std::int64_t>(x.size()),
                   "while: cond_nconsts and body_nconsts do not fit. Got {} and {} with {} operands.", p.cond_nconsts,
                   p.body_nconsts, x.size());
  const auto in = parts(x, p);
  const auto with_carry = [&](std::span<const Aval> consts) {
    Avals out(consts.begin(), consts.end());
    out.insert(out.end(), in.carry.begin(), in.carry.end());
    return out;
  };
  check_operands("while", "condition", p.cond_jaxpr, with_carry(in.cond_consts));
  check_operands("while", "body", p.body_jaxpr, with_carry(in.body_consts));
  check_results("while", "body", p.body_jaxpr, in.carry);
  const Avals test = p.cond_jaxpr.output_avals();
  check<TypeError>(test.size() == 1 && test[0].dtype == DType::bool_,
                   "while: the condition must return one boolean. Got ({}).", to_string(test));
  const Shape& examples = test[0].shape;
  for (const Aval& c : in.carry)
    check<TypeError>(
        c.shape.size() >= examples.size() &&
            std::equal(examples.begin(), examples.end(), c.shape.begin(), [](Dim a, Dim b) { return identical(a, b); }),
        "while: a predicate per example needs carries with its axes in front. Got predicate {} and carry {}.", test[0],
        c);
  return p.body_jaxpr.output_avals();
}

JvpResult while_jvp(std::span<const Array> x, std::span<const Tangent> t, const WhileParams& p) {
  const auto primal = parts(x, p);
  const auto tangent = parts(t, p);
  const Mask const_nonzero = masks::nonzero(tangent.body_consts);
  Mask carry_nonzero = masks::nonzero(tangent.carry);
  const auto body_jvp = [&] {
    return jvp_jaxpr(p.body_jaxpr, masks::join(const_nonzero, carry_nonzero), carry_nonzero);
  };
  JvpJaxpr body = body_jvp();
  while (masks::grow(carry_nonzero, body.nonzero_out)) body = body_jvp();

  // The differentiated body takes (consts, carry, const tangents, carry tangents); the loop wants both consts first.
  const std::size_t nc = const_nonzero.size(), nx = carry_nonzero.size(), ncd = masks::count(const_nonzero),
                    nxd = masks::count(carry_nonzero);
  Order order;
  append_range(order, 0, nc);
  append_range(order, nc + nx, ncd);
  append_range(order, nc, nx);
  append_range(order, nc + nx + ncd, nxd);
  // order[i] lists where input i of the loop's body sits among the inputs of the differentiated body.
  WhileParams q = p;
  q.body_jaxpr = reorder(body.jaxpr, order, all_of(nx + nxd));
  q.body_nconsts = static_cast<std::int64_t>(nc + ncd);
  Arrays operands(primal.cond_consts.begin(), primal.cond_consts.end());
  operands.insert(operands.end(), primal.body_consts.begin(), primal.body_consts.end());
  for (const Tangent& d : tangent.body_consts)
    if (!d.is_zero()) operands.push_back(d.value());
  operands.insert(operands.end(), primal.carry.begin(), primal.carry.end());
  Avals tangent_avals;
  for (std::size_t i = 0; i < nx; ++i) {
    if (!carry_nonzero[i]) continue;
    operands.push_back(rules::instantiate(tangent.carry[i]));
    tangent_avals.push_back(operands.back().aval().strong());
  }
  q.cond_jaxpr = ignore_inputs(p.cond_jaxpr, tangent_avals);
  const Arrays flat = while_p().bind(operands, q);
  JvpResult out;
  std::size_t k = nx;
  for (std::size_t i = 0; i < nx; ++i) {
    out.primals.push_back(flat[i]);
    out.tangents.push_back(carry_nonzero[i] ? Tangent(flat[k++]) : Tangent::zero(flat[i].aval()));
  }
  return out;
}

// Known carries are looped now; the unknown ones need the whole loop again, staged.
Arrays while_partial_eval(const PartialEvalContext& context, std::span<const Array> x, const WhileParams& p) {
  const auto in = parts(x, p);
  const Mask cond_unknown = context.unknown(in.cond_consts), const_unknown = context.unknown(in.body_consts);
  Mask carry_unknown = context.unknown(in.carry);
  const auto split = [&] {
    return partial_eval_jaxpr(p.body_jaxpr, masks::join(const_unknown, carry_unknown), carry_unknown);
  };
  PartialEvalJaxpr body = split();
  while (masks::grow(carry_unknown, body.unknown_out)) body = split();
  const Mask cond_in = masks::join(cond_unknown, carry_unknown);
  const bool cond_is_unknown = partial_eval_jaxpr(p.cond_jaxpr, cond_in, {false}).unknown_out[0];
  if (cond_is_unknown || masks::count(carry_unknown) == std::ssize(carry_unknown)) return context.emit(while_p(), x, p);

  WhileParams known = p;
  Order outs;
  append_range(outs, 0, body.known.num_outputs() - body.num_residuals);
  known.body_jaxpr = reorder(body.known, all_of(body.known.num_inputs()), outs);
  known.body_nconsts = std::ssize(const_unknown) - masks::count(const_unknown);
  const PartialEvalJaxpr condition = partial_eval_jaxpr(p.cond_jaxpr, cond_in, {false});
  known.cond_jaxpr = reorder(condition.known, all_of(condition.known.num_inputs()), Order{0});
  known.cond_nconsts = std::ssize(cond_unknown) - masks::count(cond_unknown);
  const Arrays operands = masks::drop(x, masks::join(cond_unknown, const_unknown, carry_unknown));
  const Arrays values = while_p().bind(operands, known);
  const Arrays staged = context.emit(while_p(), x, p);
  Arrays out;
  for (std::size_t i = 0, k = 0; i < carry_unknown.size(); ++i) {
    if (carry_unknown[i]) out.push_back(staged[i]);
    else out.push_back(values[k++]);
  }
  return out;
}

// A loop that runs while any of its examples continues; the finished ones keep their carry. The predicate has
// `examples` axes, which are those of carry i from `first[i]` on. The body takes the condition's constants before its
// own.
WhileParams while_any(const Jaxpr& condition, const Jaxpr& body, const WhileParams& p, std::int64_t examples,
                      const std::vector<std::int64_t>& first) {
  const std::size_t nc = p.cond_nconsts, nb = p.body_nconsts;
  WhileParams out{{}, {}, p.cond_nconsts, p.cond_nconsts + p.body_nconsts};
  out.cond_jaxpr =
      stage([&](const Arrays& v) { return Arrays{reduce_or(eval_jaxpr(condition, v)[0], iota_axes(examples))}; },
            condition.input_avals());
  Avals avals = condition.input_avals();
  avals.resize(nc);
  for (const Aval& a : body.input_avals()) avals.push_back(a);
  out.body_jaxpr = stage(
      [&](const Arrays& v) {
        const std::span<const Array> all(v), carry = all.subspan(nc + nb);
        Arrays cond_in(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(nc));
        cond_in.insert(cond_in.end(), carry.begin(), carry.end());
        const Array running = eval_jaxpr(condition, cond_in)[0];
        Arrays next = eval_jaxpr(body, all.subspan(nc));
        for (std::size_t i = 0; i < next.size(); ++i) {
          const Array which = next[i].rank() == examples
                                  ? running
                                  : broadcast_in_dim(running, next[i].shape(), iota_axes(examples, first[i]));
          next[i] = select(which, next[i], carry[i]);
        }
        return next;
      },
      avals);
  return out;
}

BatchResult while_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const WhileParams& p) {
  const auto in = parts(x, p);
  const auto ax = parts(axes, p);
  const Mask cond_mapped = masks::mapped(ax.cond_consts), const_mapped = masks::mapped(ax.body_consts);
  Mask carry_mapped = masks::mapped(ax.carry);
  const auto with_carry = [&](const Mask& m) { return masks::join(m, carry_mapped); };
  BatchedJaxpr body = batch_jaxpr(p.body_jaxpr, size, with_carry(const_mapped), carry_mapped);
  while (masks::grow(carry_mapped, body.mapped_out))
    body = batch_jaxpr(p.body_jaxpr, size, with_carry(const_mapped), carry_mapped);
  BatchedJaxpr condition = batch_jaxpr(p.cond_jaxpr, size, with_carry(cond_mapped), {false});
  const bool per_example = condition.mapped_out[0];
  if (per_example) {  // examples stop at different times: all carries vary
    carry_mapped.assign(carry_mapped.size(), true);
    body = batch_jaxpr(p.body_jaxpr, size, with_carry(const_mapped), carry_mapped);
    condition = batch_jaxpr(p.cond_jaxpr, size, with_carry(cond_mapped), {true});
  }
  Arrays operands;
  const auto add = [&](std::span<const Array> v, std::span<const Axis> a) {
    for (std::size_t i = 0; i < v.size(); ++i) operands.push_back(rules::mapped_to_front(v[i], a[i]));
  };
  add(in.cond_consts, ax.cond_consts);
  add(in.body_consts, ax.body_consts);
  for (std::size_t i = 0; i < in.carry.size(); ++i)
    operands.push_back(carry_mapped[i] ? rules::to_front(in.carry[i], ax.carry[i], size) : in.carry[i]);

  WhileParams q{condition.jaxpr, body.jaxpr, p.cond_nconsts, p.body_nconsts};
  const std::int64_t examples =
      static_cast<std::int64_t>(condition.jaxpr.output_avals()[0].shape.size());  // axes of the predicate
  if (examples > 0) {
    // A predicate that had examples before, and does not vary now, lies behind the axis that some carries gain.
    std::vector<std::int64_t> first(carry_mapped.size(), 0);
    if (!per_example) first.assign(carry_mapped.begin(), carry_mapped.end());
    q = while_any(condition.jaxpr, body.jaxpr, p, examples, first);
    Arrays again(operands.begin(), operands.begin() + p.cond_nconsts);
    operands.insert(operands.begin() + p.cond_nconsts, again.begin(), again.end());
  }
  return {while_p().bind(operands, q), masks::front_axes(carry_mapped)};
}

}  // namespace

const Primitive& while_p() {
  static const Primitive p = make_primitive<WhileParams>({
      .name = "while",
      .operands = OperandCount::at_least(0),
      .aval = while_aval,
      .jvp = while_jvp,
      .transpose = while_transpose,
      .batch = while_batch,
      .partial_eval = while_partial_eval,
      .impl = while_eval,
  });
  return p;
}

Arrays while_flat(const FlatFn& condition, const FlatFn& body, const Arrays& init) {
  const auto [carry, staged] = stage_carry("while_loop", body, init, {}, init.size());
  Avals avals;
  for (const Array& x : carry) avals.push_back(x.aval());
  const Jaxpr test = stage(condition, avals);
  check<TypeError>(
      test.num_outputs() == 1 && test.output_avals()[0].dtype == DType::bool_ && test.output_avals()[0].shape.empty(),
      "while_loop: the condition must return a boolean scalar. Got {}.", to_string(test.output_avals()));
  const auto [cond_program, cond_consts] = hoist_constants(test, true);
  const auto [body_program, body_consts] = hoist_constants(staged, true);
  Arrays operands = cond_consts;
  operands.insert(operands.end(), body_consts.begin(), body_consts.end());
  operands.insert(operands.end(), carry.begin(), carry.end());
  return while_p().bind(operands, WhileParams{cond_program, body_program, static_cast<std::int64_t>(cond_consts.size()),
                                              static_cast<std::int64_t>(body_consts.size())});
}

}  // namespace tf2jax
