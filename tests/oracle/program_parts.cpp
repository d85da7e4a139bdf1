// Parts of a program: some of its results as functions of some of its values.
#include "program_parts.h"

#include <algorithm>

namespace conformance {

using namespace tf2jax;

namespace {

// Evaluates equation by equation; `call(equation, operands)` gives the results.
template <class Call>
Arrays values_of(const Jaxpr& program, const Arrays& args, Call&& call) {
  Arrays values(program->vars.size());
  const auto at = [&](VarId v) -> Array& { return values[static_cast<std::size_t>(v)]; };
  for (std::size_t i = 0; i < args.size(); ++i) at(program->invars[i]) = args[i];
  for (std::size_t i = 0; i < program->constvars.size(); ++i) at(program->constvars[i]) = program->consts[i];
  for (const Equation& e : program->eqns) {
    Arrays in;
    for (const Atom& a : e.inputs) in.push_back(a.is_literal() ? a.literal : at(a.var));
    const Arrays out = call(e, in);
    for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
  }
  return values;
}

bool is_call(const Equation& e) {
  static const std::set<std::string> names = {"jit", "custom_jvp_call", "custom_vjp_call", "remat2"};
  const std::vector<Jaxpr> nested = nested_jaxprs(e.params);
  return names.contains(std::string(e.primitive.name())) && !nested.empty() && nested[0].num_inputs() == e.inputs.size();
}

}  // namespace

Arrays inlined(const Jaxpr& program, const Arrays& args) {
  const Arrays values = values_of(program, args, [](const Equation& e, const Arrays& in) { return is_call(e) ? inlined(nested_jaxprs(e.params)[0], in) : e.primitive.bind(in, e.params); });
  Arrays out;
  for (const Atom& a : program->outs) out.push_back(a.is_literal() ? a.literal : values[static_cast<std::size_t>(a.var)]);
  return out;
}

ProgramParts::ProgramParts(const Jaxpr& program, const Arrays& args)
    : program_(program), values_(values_of(program, args, [](const Equation& e, const Arrays& in) { return e.primitive.bind(in, e.params); })) {}

ProgramParts::Part ProgramParts::part(const std::vector<VarId>& outs, const std::set<VarId>& inputs) const {
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
      // A result that is an input of the part as well: the equation's own gets a variable of its own.
      const Aval aval = d.vars[static_cast<std::size_t>(v)];
      v = static_cast<VarId>(d.vars.size());
      d.vars.push_back(aval);
    }
  }
  Arrays args;
  for (const VarId v : needed)
    if (!made.contains(v)) {
      d.invars.push_back(v);
      args.push_back(values_[static_cast<std::size_t>(v)]);
    }
  for (const VarId v : outs) d.outs.push_back(Atom::of(v));
  return {Jaxpr(std::move(d)), args};
}

}  // namespace conformance
