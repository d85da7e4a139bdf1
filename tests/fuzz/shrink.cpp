// A part of a program is given by its outputs and the variables that become inputs.
#include "shrink.h"

#include <algorithm>
#include <set>

#include "evaluate.h"
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/jit_primitive.h"

namespace tf2jax::fuzz {

namespace {

class Whole {
 public:
  explicit Whole(const Example& e) : program_(e.program), values_(e.program->vars.size()) {
    for (std::size_t i = 0; i < e.inputs.size(); ++i) value(program_->invars[i]) = e.inputs[i];
    for (std::size_t i = 0; i < program_->constvars.size(); ++i) value(program_->constvars[i]) = program_->consts[i];
    for (const Equation& q : program_->eqns) {
      Arrays in;
      for (const Atom& a : q.inputs) in.push_back(a.is_literal() ? a.literal : value(a.var));
      const Arrays out = evaluate(q, in);
      for (std::size_t i = 0; i < out.size(); ++i) value(q.outputs[i]) = out[i];
    }
  }

  Example part(const std::vector<VarId>& outs, const std::set<VarId>& inputs) const {
    std::set<VarId> needed(outs.begin(), outs.end());
    std::vector<const Equation*> kept;
    for (auto e = program_->eqns.rbegin(); e != program_->eqns.rend(); ++e) {
      if (std::ranges::none_of(e->outputs, [&](VarId v) { return needed.contains(v) && !inputs.contains(v); })) continue;
      kept.push_back(&*e);
      for (const Atom& a : e->inputs)
        if (!a.is_literal()) needed.insert(a.var);
    }
    JaxprData d;
    d.vars = program_->vars;
    std::set<VarId> made;
    for (auto e = kept.rbegin(); e != kept.rend(); ++e) {
      d.eqns.push_back(**e);
      for (VarId& v : d.eqns.back().outputs) {
        if (!inputs.contains(v)) {
          made.insert(v);
          continue;
        }
        d.vars.push_back(Aval(d.vars[static_cast<std::size_t>(v)]));   // an input of the part: the equation writes another
        v = static_cast<VarId>(d.vars.size() - 1);
      }
    }
    Example out;
    for (const VarId v : needed) {
      if (made.contains(v)) continue;
      d.invars.push_back(v);
      out.inputs.push_back(values_[static_cast<std::size_t>(v)]);
    }
    for (const VarId v : outs) d.outs.push_back(Atom::of(v));
    out.program = Jaxpr(std::move(d));
    return out;
  }

  const Jaxpr& program() const { return program_; }

 private:
  Array& value(VarId v) { return values_[static_cast<std::size_t>(v)]; }
  const Jaxpr program_;
  Arrays values_;
};

const Equation* producer(const Jaxpr& program, VarId v) {
  for (const Equation& e : program->eqns)
    if (std::ranges::find(e.outputs, v) != e.outputs.end()) return &e;
  return nullptr;
}

// Another output in place of output o: an operand of what computes it.
bool step_back(const Whole& whole, std::vector<VarId>& outs, std::size_t o, const std::set<VarId>& inputs, const std::function<bool(const std::vector<VarId>&)>& fails) {
  const Equation* e = producer(whole.program(), outs[o]);
  if (!e) return false;
  for (const Atom& a : e->inputs) {
    if (a.is_literal() || inputs.contains(a.var)) continue;
    std::vector<VarId> other = outs;
    other[o] = a.var;
    if (!fails(other)) continue;
    outs = std::move(other);
    return true;
  }
  return false;
}

Arrays evaluate_inlined(const Jaxpr& jaxpr, const Arrays& args) {
  Arrays values(jaxpr->vars.size());
  const auto at = [&](VarId v) -> Array& { return values[static_cast<std::size_t>(v)]; };
  const auto read = [&](const Atom& a) { return a.is_literal() ? a.literal : at(a.var); };
  for (std::size_t i = 0; i < args.size(); ++i) at(jaxpr->invars[i]) = args[i];
  for (std::size_t i = 0; i < jaxpr->constvars.size(); ++i) at(jaxpr->constvars[i]) = jaxpr->consts[i];
  for (const Equation& e : jaxpr->eqns) {
    Arrays in;
    for (const Atom& a : e.inputs) in.push_back(read(a));
    const bool is_call = e.primitive == jit_p() || e.primitive == custom_jvp_call_p() || e.primitive == custom_vjp_call_p() || e.primitive == checkpoint_p();
    const Arrays out = is_call ? evaluate_inlined(nested_jaxprs(e.params)[0], in) : e.primitive.bind(in, e.params);
    for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
  }
  Arrays out;
  for (const Atom& a : jaxpr->outs) out.push_back(read(a));
  return out;
}

}  // namespace

Jaxpr inlined(const Jaxpr& program) {
  return stage([&](const Arrays& xs) { return evaluate_inlined(program, xs); }, program.input_avals());
}

Example shrink(const Example& example, const std::function<bool(const Example&)>& fails) {
  Example best = example;
  if (Example flat{inlined(example.program), example.inputs}; fails(flat)) best = flat;
  const Whole whole(best);
  std::vector<VarId> outs;
  for (const Atom& a : best.program->outs)
    if (!a.is_literal()) outs.push_back(a.var);
  std::set<VarId> inputs;
  const auto still = [&](const std::vector<VarId>& o, const std::set<VarId>& in) {
    Example e = whole.part(o, in);
    if (e.program->eqns.empty() || !fails(e)) return false;
    best = std::move(e);
    return true;
  };
  for (std::size_t i = 0; outs.size() > 1 && i < outs.size();) {
    std::vector<VarId> fewer = outs;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (still(fewer, inputs)) outs = std::move(fewer);
    else ++i;
  }
  for (bool again = true; again;) {
    again = false;
    for (std::size_t o = 0; o < outs.size() && !again; ++o) again = step_back(whole, outs, o, inputs, [&](const auto& other) { return still(other, inputs); });
  }
  for (auto e = whole.program()->eqns.rbegin(); e != whole.program()->eqns.rend(); ++e) {   // results as inputs
    const bool is_there = std::ranges::any_of(best.program->eqns, [&](const Equation& k) { return k.outputs == e->outputs; });
    if (!is_there || std::ranges::any_of(e->outputs, [&](VarId v) { return std::ranges::find(outs, v) != outs.end(); })) continue;
    std::set<VarId> more = inputs;
    more.insert(e->outputs.begin(), e->outputs.end());
    if (still(outs, more)) inputs = std::move(more);
  }
  return best;
}

}  // namespace tf2jax::fuzz
