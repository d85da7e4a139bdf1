// Walks a linear program backwards, accumulating cotangents.
#include "tf2jax/transforms/backward.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/name_scope.h"

namespace tf2jax {

namespace {

// What a backward pass knows of the variables: the values of those that are not linear, cotangents of the others.
class Backward {
 public:
  Backward(const Jaxpr& jaxpr, std::span<const LinearArg> args)
      : jaxpr_(jaxpr), j_(*jaxpr), linear_(j_.vars.size(), false), known_(j_.vars.size()), ct_(j_.vars.size()) {
    for (std::size_t i = 0; i < j_.constvars.size(); ++i) known_[j_.constvars[i]] = j_.consts[i];
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (args[i].is_linear()) linear_[j_.invars[i]] = true;
      else known_[j_.invars[i]] = *args[i].known;
    }
    for (std::size_t v = 0; v < j_.vars.size(); ++v) ct_[v] = Tangent::zero(j_.vars[v]);
  }

  // Evaluates what is not linear.
  void forward() {
    for (const Equation& e : j_.eqns) {
      if (touches_linear(e)) {
        for (VarId v : e.outputs) linear_[v] = true;
        continue;
      }
      Arrays in;
      for (const Atom& a : e.inputs) in.push_back(read(a));
      Arrays out = e.primitive.bind(in, e.params);
      for (std::size_t i = 0; i < out.size(); ++i) known_[e.outputs[i]] = std::move(out[i]);
    }
  }
  void accumulate(const Atom& a, const Tangent& t) {
    if (is_linear(a) && !t.is_zero()) ct_[a.var] = rules::add_tangents(ct_[a.var], t);
  }
  void transpose(const Equation& e) {
    Tangents cts;
    bool live = false;
    for (VarId v : e.outputs) {
      cts.push_back(ct_[v]);
      ct_[v] = Tangent::zero(j_.vars[v]);
      live = live || !cts.back().is_zero();
    }
    if (!live || !touches_linear(e)) return;
    std::vector<LinearArg> in;
    for (const Atom& a : e.inputs) {
      if (is_linear(a)) in.push_back({std::nullopt, jaxpr_.aval(a)});
      else in.push_back({read(a), jaxpr_.aval(a)});
    }
    const Tangents out = [&] {
      std::optional<NameScope> scope;
      if (e.name_scope) scope.emplace(*e.name_scope);
      return e.primitive.require(e.primitive.rules().transpose, "Transpose rule (for reverse-mode differentiation)")(
          cts, in, e.params);
    }();
    check<InternalError>(out.size() == e.inputs.size(), "transpose of {}: got {} cotangents for {} operands.",
                         e.primitive.name(), out.size(), e.inputs.size());
    for (std::size_t i = 0; i < out.size(); ++i) accumulate(e.inputs[i], out[i]);
  }
  const Tangent& cotangent(VarId v) const { return ct_[v]; }

 private:
  bool is_linear(const Atom& a) const { return !a.is_literal() && linear_[a.var]; }
  bool touches_linear(const Equation& e) const {
    return std::ranges::any_of(e.inputs, [&](const Atom& a) { return is_linear(a); });
  }
  const Array& read(const Atom& a) const { return a.is_literal() ? a.literal : known_[a.var]; }

  const Jaxpr& jaxpr_;
  const JaxprData& j_;
  std::vector<bool> linear_;
  Arrays known_;
  Tangents ct_;
};

}  // namespace

Tangents backward_pass(const Jaxpr& jaxpr, std::span<const LinearArg> args, const Tangents& cotangents) {
  const JaxprData& j = *jaxpr;
  Backward pass(jaxpr, args);
  pass.forward();
  for (std::size_t i = 0; i < cotangents.size(); ++i) pass.accumulate(j.outs[i], cotangents[i]);
  for (auto e = j.eqns.rbegin(); e != j.eqns.rend(); ++e) pass.transpose(*e);
  Tangents out;
  for (std::size_t i = 0; i < args.size(); ++i) out.push_back(pass.cotangent(j.invars[i]));
  return out;
}

namespace {
struct TransposeKey {
  using Result = TransposedJaxpr;
  Mask linear_in, nonzero_ct;
  bool instantiate;
  bool x64 = config().enable_x64;
  std::int64_t checkpoints = config().while_checkpoint_bytes;  // how loops are transposed, or whether
  bool operator==(const TransposeKey&) const = default;
};
}  // namespace

TransposedJaxpr stage_transposed(const Jaxpr& jaxpr, const Mask& linear_in, const Mask& nonzero_ct, bool instantiate,
                                 const Pullback& pullback) {
  TransposedJaxpr out;
  const Avals ins = jaxpr.input_avals(), outs = jaxpr.output_avals();
  Avals avals;
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (!linear_in[i]) avals.push_back(ins[i]);
  const std::size_t num_known = avals.size();
  for (std::size_t i = 0; i < outs.size(); ++i)
    if (nonzero_ct[i]) avals.push_back(outs[i].strong());
  out.jaxpr = stage(
      [&](const Arrays& values) {
        Tangents cts;
        std::size_t k = num_known;
        for (std::size_t i = 0; i < outs.size(); ++i)
          cts.push_back(nonzero_ct[i] ? Tangent(values[k++]) : Tangent::zero(outs[i]));
        Arrays flat;
        out.nonzero_out.clear();
        for (const Tangent& t : pullback(std::span(values).first(num_known), cts)) {
          const bool live = !t.is_zero() || instantiate;
          out.nonzero_out.push_back(live);
          if (live) flat.push_back(rules::instantiate(t));
        }
        return flat;
      },
      avals);
  return out;
}

TransposedJaxpr transpose_jaxpr(const Jaxpr& jaxpr, const Mask& linear_in, const Mask& nonzero_ct, bool instantiate) {
  const auto pullback = [&](std::span<const Array> known, const Tangents& cts) {
    std::vector<LinearArg> args;
    std::size_t k = 0;
    for (std::size_t i = 0; i < linear_in.size(); ++i) {
      if (linear_in[i]) args.push_back({std::nullopt, jaxpr.input(i)});
      else args.push_back({known[k++], jaxpr.input(i)});
    }
    const Tangents all = backward_pass(jaxpr, args, cts);
    Tangents out;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (linear_in[i]) out.push_back(all[i]);
    return out;
  };
  return *jaxpr->memo->get(TransposeKey{linear_in, nonzero_ct, instantiate},
                           [&] { return stage_transposed(jaxpr, linear_in, nonzero_ct, instantiate, pullback); });
}

}  // namespace tf2jax
