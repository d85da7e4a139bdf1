// Contents, evaluation, comparison and checking of programs.
#include "tf2jax/trace/jaxpr.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <unordered_set>

#include "tf2jax/trace/name_scope.h"
#include "tf2jax/trace/same_bytes.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

Jaxpr::Jaxpr() {
  static const auto empty = std::make_shared<const JaxprData>();
  data_ = empty;
}
Jaxpr::Jaxpr(JaxprData data) : data_(std::make_shared<const JaxprData>(std::move(data))) {}

std::size_t Jaxpr::num_inputs() const { return data_->invars.size(); }
std::size_t Jaxpr::num_outputs() const { return data_->outs.size(); }
const Aval& Jaxpr::input(std::size_t i) const { return data_->vars[data_->invars[i]]; }
const Aval& Jaxpr::aval(const Atom& atom) const {
  return atom.is_literal() ? atom.literal.aval() : data_->vars[atom.var];
}

Avals Jaxpr::input_avals() const {
  Avals out;
  for (std::size_t i = 0; i < num_inputs(); ++i) out.push_back(input(i));
  return out;
}

Avals Jaxpr::output_avals() const {
  Avals out;
  for (const Atom& a : data_->outs) out.push_back(aval(a));
  return out;
}

Arrays eval_jaxpr(const Jaxpr& jaxpr, std::span<const Array> args) {
  const JaxprData& j = *jaxpr;
  check(args.size() == j.invars.size(), "eval_jaxpr: the number of arguments is wrong. Got {}; expected {}.",
        args.size(), j.invars.size());
  std::vector<Array> values(j.vars.size());
  const auto at = [&](VarId v) -> Array& { return values[v]; };
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Aval &got = args[i].aval(), &want = jaxpr.input(i);
    if (got.dtype != want.dtype)
      raise<DtypeError>("eval_jaxpr: argument {} has the wrong dtype. Got {}; expected {}.", i, got, want);
    if (!identical(got.shape, want.shape))
      raise<ShapeError>("eval_jaxpr: argument {} has the wrong shape. Got {}; expected {}.", i, got, want);
    at(j.invars[i]) = args[i];
  }
  for (std::size_t i = 0; i < j.constvars.size(); ++i) at(j.constvars[i]) = j.consts[i];

  // Values are dropped after their last use, so that long programs do not hold every intermediate. Where values are
  // computed, what nobody uses is not, as under JAX's jit: it may have no value.
  constexpr std::size_t kNever = static_cast<std::size_t>(-1);
  std::vector<std::size_t> last_use(j.vars.size(), kNever);
  std::vector<bool> runs(j.eqns.size(), true);
  const auto use = [&](const Atom& a, std::size_t at) {
    if (!a.is_literal() && last_use[a.var] == kNever) last_use[a.var] = at;
  };
  const bool is_eval = current_trace()->is_eval();
  for (const Atom& a : j.outs) use(a, j.eqns.size());
  for (std::size_t e = j.eqns.size(); e-- > 0;) {
    const Equation& eqn = j.eqns[e];
    runs[e] = !is_eval || std::ranges::any_of(eqn.outputs, [&](VarId v) { return last_use[v] != kNever; }) ||
              is_effectful(eqn);
    if (runs[e])
      for (const Atom& a : eqn.inputs) use(a, e);
  }

  const auto read = [&](const Atom& a) -> const Array& { return a.is_literal() ? a.literal : at(a.var); };
  Arrays inputs;
  for (std::size_t e = 0; e < j.eqns.size(); ++e) {
    if (!runs[e]) continue;
    const Equation& eqn = j.eqns[e];
    inputs.clear();
    for (const Atom& a : eqn.inputs) inputs.push_back(read(a));
    for (const Atom& a : eqn.inputs)
      if (!a.is_literal() && last_use[a.var] == e) at(a.var) = Array();
    Arrays outputs = [&] {
      if (!eqn.name_scope) return eqn.primitive.bind(inputs, eqn.params);
      const NameScope scope(*eqn.name_scope);
      return eqn.primitive.bind(inputs, eqn.params);
    }();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (last_use[eqn.outputs[i]] != kNever) at(eqn.outputs[i]) = std::move(outputs[i]);
  }
  Arrays out;
  for (const Atom& a : j.outs) out.push_back(read(a));
  return out;
}

namespace {
struct Effects {
  using Result = bool;
  bool operator==(const Effects&) const = default;
};
}  // namespace

bool has_effects(const Jaxpr& jaxpr) {
  // Kept with the program: programs that share a subprogram may be exponentially many paths to it.
  return *jaxpr->memo->get(Effects{}, [&] { return std::ranges::any_of(jaxpr->eqns, is_effectful); });
}
bool is_effectful(const Equation& equation) {
  return equation.primitive.effectful() || std::ranges::any_of(nested_jaxprs(equation.params), has_effects);
}

namespace {

// Pairs of programs found equal by the comparison that runs on this thread: a subprogram that many equations share is
// compared once.
thread_local std::set<std::pair<const void*, const void*>>* found_equal = nullptr;

bool same_program(const Jaxpr& a, const Jaxpr& b) {
  const JaxprData &x = *a, &y = *b;
  if (x.constvars.size() != y.constvars.size() || x.invars.size() != y.invars.size() ||
      x.eqns.size() != y.eqns.size() || x.outs.size() != y.outs.size())
    return false;
  std::vector<VarId> renamed(x.vars.size(), -1);
  const auto bind = [&](VarId v, VarId w) {
    renamed[v] = w;
    return x.vars[v].matches(y.vars[w]);
  };
  const auto same_constant = [](const Array& p, const Array& q) {
    return p.same_as(q) || same_bytes(p, q);
  };  // a constant may be traced
  const auto same_atom = [&](const Atom& p, const Atom& q) {
    if (p.is_literal() != q.is_literal()) return false;
    return p.is_literal() ? same_bytes(p.literal, q.literal) : renamed[p.var] == q.var;
  };
  for (std::size_t i = 0; i < x.constvars.size(); ++i)
    if (!bind(x.constvars[i], y.constvars[i]) || !same_constant(x.consts[i], y.consts[i])) return false;
  for (std::size_t i = 0; i < x.invars.size(); ++i)
    if (!bind(x.invars[i], y.invars[i])) return false;
  for (std::size_t e = 0; e < x.eqns.size(); ++e) {
    const Equation &p = x.eqns[e], &q = y.eqns[e];
    if (!(p.primitive == q.primitive) || p.inputs.size() != q.inputs.size() || p.outputs.size() != q.outputs.size() ||
        !(p.params == q.params))
      return false;
    for (std::size_t i = 0; i < p.inputs.size(); ++i)
      if (!same_atom(p.inputs[i], q.inputs[i])) return false;
    for (std::size_t i = 0; i < p.outputs.size(); ++i)
      if (!bind(p.outputs[i], q.outputs[i])) return false;
  }
  for (std::size_t i = 0; i < x.outs.size(); ++i)
    if (!same_atom(x.outs[i], y.outs[i])) return false;
  return true;
}

}  // namespace

bool operator==(const Jaxpr& a, const Jaxpr& b) {
  if (a.id() == b.id()) return true;
  if (found_equal) {
    if (found_equal->contains({a.id(), b.id()})) return true;
    if (!same_program(a, b)) return false;
    found_equal->emplace(a.id(), b.id());
    return true;
  }
  std::set<std::pair<const void*, const void*>> pairs;
  found_equal = &pairs;
  struct End {
    ~End() { found_equal = nullptr; }
  } const end;
  return same_program(a, b);
}

std::size_t hash_value(const Jaxpr& jaxpr) {
  std::size_t h = jaxpr->invars.size();
  for (const Equation& e : jaxpr->eqns)
    h = h * 1000003 + std::hash<std::string>{}(e.primitive.name()) + e.inputs.size();
  return h;
}

namespace {

// `checked`: programs found right, so that one that many equations share is looked at once.
void check_program(const Jaxpr& jaxpr, std::unordered_set<const void*>& checked) {
  if (!checked.insert(jaxpr.id()).second) return;
  const JaxprData& j = *jaxpr;
  std::vector<bool> defined(j.vars.size(), false);
  const auto define = [&](VarId v, const std::string& where) {
    check<InternalError>(v >= 0 && static_cast<std::size_t>(v) < j.vars.size(),
                         "check_jaxpr: {}: variable {} does not exist.", where, v);
    check<InternalError>(!defined[v], "check_jaxpr: {}: variable {} is defined twice.", where, v);
    defined[v] = true;
  };
  const auto use = [&](const Atom& a, const std::string& where) {
    if (a.is_literal()) return;
    check<InternalError>(static_cast<std::size_t>(a.var) < j.vars.size() && defined[a.var],
                         "check_jaxpr: {}: variable {} is used before it is defined.", where, a.var);
  };
  check<InternalError>(j.constvars.size() == j.consts.size(), "check_jaxpr: {} constvars but {} constants.",
                       j.constvars.size(), j.consts.size());
  for (VarId v : j.constvars) define(v, "constvars");
  for (VarId v : j.invars) define(v, "invars");
  for (std::size_t e = 0; e < j.eqns.size(); ++e) {
    const Equation& eqn = j.eqns[e];
    const std::string where = fmt::format("equation {} ({})", e, eqn.primitive.name());
    Avals inputs;
    for (const Atom& a : eqn.inputs) {
      use(a, where);
      inputs.push_back(jaxpr.aval(a));
    }
    const Avals want = eqn.primitive.output_avals(inputs, eqn.params);
    check<InternalError>(want.size() == eqn.outputs.size(), "check_jaxpr: {}: got {} outputs; the rule gives {}.",
                         where, eqn.outputs.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      define(eqn.outputs[i], where);
      const Aval& got = j.vars[eqn.outputs[i]];
      check<InternalError>(got.matches(want[i]), "check_jaxpr: {}: output {} is {}; the rule gives {}.", where, i, got,
                           want[i]);
    }
    for (const Jaxpr& nested : nested_jaxprs(eqn.params)) check_program(nested, checked);
  }
  for (const Atom& a : j.outs) use(a, "outputs");
}

}  // namespace

void check_jaxpr(const Jaxpr& jaxpr) {
  std::unordered_set<const void*> checked;
  check_program(jaxpr, checked);
}

std::ostream& operator<<(std::ostream& os, const Jaxpr& jaxpr) { return os << to_string(jaxpr); }

}  // namespace tf2jax
