// A part of a program is given by its outputs and the variables that become inputs.
#include "shrink.h"

#include <algorithm>
#include <set>

#include "evaluate.h"

namespace tf2jax::fuzz {

namespace {

class Whole {
 public:
  explicit Whole(const Example& e)
      : program_(e.program),
        values_(values_of(e.program, e.inputs, [](const Equation& q, const Arrays& in) { return evaluate(q, in); })) {}

  Example part(const std::vector<VarId>& outs, const std::set<VarId>& inputs) const {
    std::set<VarId> needed(outs.begin(), outs.end());
    std::vector<const Equation*> kept;
    for (auto e = program_->eqns.rbegin(); e != program_->eqns.rend(); ++e) {
      if (std::ranges::none_of(e->outputs, [&](VarId v) { return needed.contains(v) && !inputs.contains(v); }))
        continue;
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
        d.vars.push_back(Aval(d.vars[v]));  // an input of the part: the equation writes another
        v = static_cast<VarId>(d.vars.size() - 1);
      }
    }
    Example out;
    for (const VarId v : needed) {
      if (made.contains(v)) continue;
      d.invars.push_back(v);
      out.inputs.push_back(values_[v]);
    }
    for (const VarId v : outs) d.outs.push_back(Atom::of(v));
    out.program = Jaxpr(std::move(d));
    return out;
  }

  const Jaxpr& program() const { return program_; }

 private:
  const Jaxpr program_;
  const Arrays values_;
};

const Equation* producer(const Jaxpr& program, VarId v) {
  for (const Equation& e : program->eqns)
    if (std::ranges::find(e.outputs, v) != e.outputs.end()) return &e;
  return nullptr;
}

// Another output in place of output o: an operand of what computes it.
bool step_back(const Whole& whole, std::vector<VarId>& outs, std::size_t o, const std::set<VarId>& inputs,
               const std::function<bool(const std::vector<VarId>&)>& fails) {
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

Arrays run_inlined(const Jaxpr& program, const Arrays& args) {
  return outputs_of(program, values_of(program, args, [](const Equation& e, const Arrays& in) {
                      const auto called = called_program(e);
                      return called ? run_inlined(*called, in) : e.primitive.bind(in, e.params);
                    }));
}

}  // namespace

Jaxpr inlined(const Jaxpr& program) {
  return stage([&](const Arrays& xs) { return run_inlined(program, xs); }, program.input_avals());
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
    for (std::size_t o = 0; o < outs.size() && !again; ++o)
      again = step_back(whole, outs, o, inputs, [&](const auto& other) { return still(other, inputs); });
  }
  for (auto e = whole.program()->eqns.rbegin(); e != whole.program()->eqns.rend(); ++e) {  // results as inputs
    const bool is_there =
        std::ranges::any_of(best.program->eqns, [&](const Equation& k) { return k.outputs == e->outputs; });
    if (!is_there || std::ranges::any_of(e->outputs, [&](VarId v) { return std::ranges::find(outs, v) != outs.end(); }))
      continue;
    std::set<VarId> more = inputs;
    more.insert(e->outputs.begin(), e->outputs.end());
    if (still(outs, more)) inputs = std::move(more);
  }
  return best;
}

}  // namespace tf2jax::fuzz
