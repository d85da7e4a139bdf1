// The adjoint of while loops.
#include "tf2jax/control/internal/while_adjoint.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/control/internal/carry.h"
#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/masks.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {

namespace {

constexpr std::int64_t kFewestSlots = 16, kMostSlots = 1024, kSlotsOfUnknownSize = 64;
constexpr std::int64_t kManySlots = 256;  // two levels of as many count 65,536 steps

struct LoopParts {
  std::span<const LinearArg> cond_consts, body_consts, carry;
};

// Arrays that loops carry together, one group behind the other.
Arrays grouped(std::initializer_list<std::span<const Array>> groups) {
  Arrays out;
  for (const auto& g : groups) out.insert(out.end(), g.begin(), g.end());
  return out;
}

class WhileAdjoint {
 public:
  WhileAdjoint(std::span<const LinearArg> x, const WhileParams& p)
      : p_(p),
        in_{x.first(p.cond_nconsts), x.subspan(p.cond_nconsts, p.body_nconsts),
            x.subspan(p.cond_nconsts + p.body_nconsts)},
        body_avals_(p.body_jaxpr.input_avals()),
        const_linear_(masks::linear(in_.body_consts)),
        carry_linear_(masks::linear(in_.carry)) {
    const auto split = [&] {
      return partial_eval_jaxpr(p.body_jaxpr, masks::join(const_linear_, carry_linear_), carry_linear_);
    };
    body_ = split();
    while (masks::grow(carry_linear_, body_.unknown_out)) body_ = split();
    Order outs;
    append_range(outs, 0, body_.known.num_outputs() - body_.num_residuals);
    step_ = reorder(body_.known, all_of(body_.known.num_inputs()), outs);
    test_ = known_part(p.cond_jaxpr, masks::join(Mask(in_.cond_consts.size(), false), carry_linear_));
    for (std::size_t i = 0; i < in_.carry.size(); ++i)
      if (!carry_linear_[i]) initial_.push_back(*in_.carry[i].known);
    set_slots();
  }

  Tangents operator()(std::span<const Tangent> ct) const {
    // Cotangents of the linear carries, then sums for the linear constants.
    Arrays state;
    for (std::size_t i = 0; i < carry_linear_.size(); ++i)
      if (carry_linear_[i]) state.push_back(rules::instantiate(ct[i]));
    const std::size_t num_carry = state.size();
    for (std::size_t i = 0; i < const_linear_.size(); ++i)
      if (const_linear_[i]) state.push_back(zeros_of(body_avals_[i].strong()));
    Arrays buffers;
    for (std::int64_t level = 0; level < levels_; ++level)
      for (const Array& c : initial_) buffers.push_back(slots_of(c));
    const Arrays out = backwards(levels_, initial_, count(), grouped({state, buffers}), state.size());
    return spread(out, num_carry);
  }

 private:
  static Jaxpr known_part(const Jaxpr& jaxpr, const Mask& unknown) {
    const PartialEvalJaxpr parts = partial_eval_jaxpr(jaxpr, unknown, Mask(jaxpr.num_outputs(), false));
    check<NotImplementedError>(std::ranges::none_of(parts.unknown_out, [](bool u) { return u; }),
                               "while_loop: reverse mode needs a condition that does not depend on tangents. Got one "
                               "that does.");
    Order outs;
    append_range(outs, 0, jaxpr.num_outputs());
    return reorder(parts.known, all_of(parts.known.num_inputs()), outs);
  }

  void set_slots() {
    std::int64_t bytes = 1;
    slots_ = kSlotsOfUnknownSize;
    for (const Array& c : initial_) {
      const Dim size = num_elements(c.shape());
      if (!size.is_constant()) return;
      bytes += size.value() * itemsize(c.dtype());
    }
    slots_ = std::clamp(config().while_checkpoint_bytes / bytes, kFewestSlots, kMostSlots);
    levels_ = slots_ >= kManySlots ? 2 : 3;
  }

  Array slots_of(const Array& x) const {
    Shape shape = x.shape();
    shape.insert(shape.begin(), Dim(slots_));
    return broadcast_to(expand_dims(x, {0}), shape);
  }

  Array runs(const Arrays& carry) const {
    Arrays all;
    for (const LinearArg& a : in_.cond_consts) all.push_back(*a.known);
    return eval_jaxpr(test_, joined(all, carry))[0];
  }
  Arrays with_consts(const Arrays& carry) const {
    Arrays all;
    for (const LinearArg& a : in_.body_consts)
      if (a.known) all.push_back(*a.known);
    return joined(all, carry);
  }
  Arrays step(const Arrays& carry) const { return eval_jaxpr(step_, with_consts(carry)); }

  Array count() const {
    const Arrays last = while_flat(
        [&](const Arrays& v) { return Arrays{runs(Arrays(v.begin() + 1, v.end()))}; },
        [&](const Arrays& v) { return grouped({Arrays{add(v[0], Array(1))}, step(Arrays(v.begin() + 1, v.end()))}); },
        grouped({Arrays{Array(0)}, initial_}));
    return last[0];
  }

  /// `steps` times body(i, state), from the last to the first.
  static Arrays repeat_down(const Array& steps, const Arrays& state, const FlatFn& body) {
    Arrays out = while_flat([](const Arrays& v) { return Arrays{greater(v[0], Array(0))}; },
                            [&](const Arrays& v) {
                              Arrays in = v;
                              in[0] = sub(v[0], Array(1));
                              return grouped({Arrays{in[0]}, body(in)});
                            },
                            grouped({Arrays{steps}, state}));
    out.erase(out.begin());
    return out;
  }

  Arrays advanced(const Arrays& carry, const Array& steps) const {
    return repeat_down(steps, carry, [&](const Arrays& v) { return step(Arrays(v.begin() + 1, v.end())); });
  }

  // Through `length` steps that begin at `carry`. The state is followed by the levels' buffers.
  Arrays backwards(std::int64_t level, const Arrays& carry, const Array& length, const Arrays& state,
                   std::size_t num_state) const {
    if (level == 0)
      return repeat_down(length, state, [&](const Arrays& v) {
        const Arrays all(v.begin() + 1, v.end()),
            now(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(num_state));
        const Arrays next = pulled_back(advanced(carry, v[0]), now);
        return grouped({next, std::span(all).subspan(num_state)});
      });
    const Array per_slot = maximum(div(add(length, Array(slots_i32() - 1)), Array(slots_i32())), Array(1));
    const Array segments = div(add(length, sub(per_slot, Array(1))), per_slot);
    const std::size_t first = num_state + (level - 1) * carry.size();
    const Arrays filled = recorded(carry, per_slot, segments,
                                   {state.begin() + static_cast<std::ptrdiff_t>(first),
                                    state.begin() + static_cast<std::ptrdiff_t>(first + carry.size())});
    Arrays with = state;
    std::ranges::copy(filled, with.begin() + static_cast<std::ptrdiff_t>(first));
    return repeat_down(segments, with, [&](const Arrays& v) {
      const Arrays all(v.begin() + 1, v.end());
      Arrays begin;
      for (std::size_t i = 0; i < carry.size(); ++i)
        begin.push_back(dynamic_index_in_dim(all[first + i], v[0], 0, false, false));
      const Array steps = minimum(per_slot, sub(length, mul(v[0], per_slot)));
      return backwards(level - 1, begin, steps, all, num_state);
    });
  }

  // The slots, filled with the carries at the beginning of each segment.
  Arrays recorded(const Arrays& carry, const Array& per_slot, const Array& segments, const Arrays& slots) const {
    const std::size_t n = carry.size();
    const Arrays out =
        while_flat([&](const Arrays& v) { return Arrays{less(v[0], segments)}; },
                   [&](const Arrays& v) {
                     const Arrays now(v.begin() + 1, v.begin() + 1 + static_cast<std::ptrdiff_t>(n));
                     Arrays kept;
                     for (std::size_t i = 0; i < n; ++i) {
                       Arrays at(v[1 + n + i].rank(), Array(0));
                       at[0] = v[0];
                       kept.push_back(dynamic_update_slice(v[1 + n + i], expand_dims(now[i], {0}), at, false));
                     }
                     // The last segment's end is nobody's beginning.
                     const Array steps = where(less(add(v[0], Array(1)), segments), per_slot, Array(0));
                     return grouped({Arrays{add(v[0], Array(1))}, advanced(now, steps), kept});
                   },
                   grouped({Arrays{Array(0)}, carry, slots}));
    return {out.begin() + 1 + static_cast<std::ptrdiff_t>(n), out.end()};
  }

  // One step: cotangents of the next linear carries and sums become those of the present ones and new sums.
  Arrays pulled_back(const Arrays& carry, const Arrays& state) const {
    const Arrays known = eval_jaxpr(body_.known, with_consts(carry));
    const Avals ins = body_.unknown.input_avals(), outs = body_.unknown.output_avals();
    std::vector<LinearArg> args;
    for (std::size_t i = 0; i < ins.size(); ++i) {
      const bool is_residual = i < body_.num_residuals;
      args.push_back(
          {is_residual ? std::optional(known[known.size() - body_.num_residuals + i]) : std::nullopt, ins[i]});
    }
    Tangents cts;
    for (std::size_t i = 0; i < outs.size(); ++i)
      cts.push_back(is_inexact(outs[i].dtype) ? Tangent(state[i]) : Tangent::zero(outs[i]));
    const Tangents result = backward_pass(body_.unknown, args, cts);
    const std::size_t first = body_.num_residuals, num_consts = ins.size() - first - outs.size();
    Arrays out;
    for (std::size_t i = first + num_consts; i < ins.size(); ++i) out.push_back(rules::instantiate(result[i]));
    for (std::size_t i = 0; i < num_consts; ++i)
      out.push_back(rules::add_tangents(Tangent(state[outs.size() + i]), result[first + i]).value());
    return out;
  }

  Tangents spread(const Arrays& state, std::size_t num_carry) const {
    Tangents out;
    for (const LinearArg& a : in_.cond_consts) out.push_back(Tangent::zero(a.aval));
    for (std::size_t i = 0, s = num_carry; i < const_linear_.size(); ++i)
      out.push_back(const_linear_[i] ? Tangent(state[s++]) : Tangent::zero(in_.body_consts[i].aval));
    for (std::size_t i = 0, s = 0; i < carry_linear_.size(); ++i) {
      const LinearArg& a = in_.carry[i];
      const std::size_t at = s;
      s += carry_linear_[i];
      const bool wanted = carry_linear_[i] && !a.known && is_inexact(a.aval.dtype);
      out.push_back(wanted ? Tangent(state[at]) : Tangent::zero(a.aval));
    }
    return out;
  }

  std::int32_t slots_i32() const { return static_cast<std::int32_t>(slots_); }

  const WhileParams& p_;
  const LoopParts in_;
  const Avals body_avals_;
  const Mask const_linear_;
  Mask carry_linear_;
  PartialEvalJaxpr body_;
  Jaxpr step_, test_;  // of the known carries
  Arrays initial_;     // known carries
  std::int64_t slots_ = kFewestSlots, levels_ = 3;
};

}  // namespace

Tangents while_transpose(std::span<const Tangent> cotangents, std::span<const LinearArg> operands,
                         const WhileParams& p) {
  if (config().while_checkpoint_bytes <= 0)
    raise<ValueError>(
        "while_loop: Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with dynamic "
        "start/stop values. Try using lax.scan, or using fori_loop with static start/stop.");
  check<NotImplementedError>(p.cond_jaxpr.output_avals()[0].shape.empty(),
                             "while_loop: reverse mode through a loop with a predicate for each example is not "
                             "implemented. Got {}. Differentiate before mapping: vmap(grad(f)).",
                             p.cond_jaxpr.output_avals()[0]);
  return WhileAdjoint(operands, p)(cotangents);
}

}  // namespace tf2jax
