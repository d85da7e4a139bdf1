// Loop-invariant code motion and batching of matrix products across the steps of a scan. Longer than other files
// because what the analysis finds about an equation decides how each part of the new program is built.
#include "tf2jax/compiler/rewrite/hoist_products.h"

#include <algorithm>
#include <map>
#include <set>

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/passes/cse.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/batch.h"

namespace tf2jax::compiler {

namespace {

using Vars = std::vector<VarId>;

bool is_one_of(const Equation& e, std::initializer_list<Primitive> primitives) {
  return std::ranges::find(primitives, e.primitive) != primitives.end();
}
bool is_dot(const Equation& e) { return e.primitive == dot_general_p(); }
bool is_row_sum(const Equation& e) { return e.primitive == reduce_sum_p(); }
bool is_addition(const Equation& e) { return is_one_of(e, {add_p(), add_any_p()}); }
// Commutes with the sum over the steps.
bool is_linear_movement(const Equation& e) {
  return is_row_sum(e) || is_one_of(e, {transpose_p(), reshape_p(), squeeze_p()});
}

// A sum over the steps: carry k is itself plus `term`, and nothing else reads it.
struct Sum {
  std::size_t carry;
  VarId term;
  std::vector<std::size_t> chain;  // linear equations between the product and the term, first one first
  std::size_t source;              // the equation of the product or row sum
};

class Hoister {
 public:
  explicit Hoister(const ScanParams& p)
      : p_(p),
        body_(dce(cse(p.jaxpr))),
        j_(*body_),
        nc_(p.num_consts),
        n_(p.num_carry),
        nx_(j_.invars.size() - nc_ - n_),
        when_(j_.eqns.size(), When::loop) {}

  std::optional<Jaxpr> run(const Avals& operands) {
    if (loops_are_bounded() || p_.length < 2 || has_effects(body_) || !j_.constvars.empty()) return std::nullopt;
    find_dependences();
    find_sums();
    place_before();
    place_after();
    const bool any = std::ranges::any_of(when_, [](When w) { return w != When::loop; }) || !sums_.empty();
    if (!any) return std::nullopt;
    return stage([&](const Arrays& x) { return emit(x); }, operands);
  }

 private:
  enum class When { loop, once, before, after, summed };

  void find_dependences() {
    from_carry_.assign(j_.vars.size(), false);
    from_xs_ = from_carry_;
    users_.assign(j_.vars.size(), {});
    definer_.assign(j_.vars.size(), -1);
    for (std::size_t i = 0; i < n_; ++i) from_carry_[j_.invars[nc_ + i]] = true;
    for (std::size_t i = 0; i < nx_; ++i) from_xs_[j_.invars[nc_ + n_ + i]] = true;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      bool carry = false, xs = false;
      for (const Atom& a : j_.eqns[e].inputs) {
        if (a.is_literal()) continue;
        carry = carry || from_carry_[a.var];
        xs = xs || from_xs_[a.var];
        users_[a.var].push_back(e);
      }
      for (const VarId v : j_.eqns[e].outputs) {
        from_carry_[v] = carry;
        from_xs_[v] = xs;
        definer_[v] = static_cast<int>(e);
      }
    }
    output_uses_.assign(j_.vars.size(), 0);
    for (const Atom& a : j_.outs)
      if (!a.is_literal()) ++output_uses_[a.var];
  }

  bool depends_on_carry(const Equation& e) const {
    return std::ranges::any_of(e.outputs, [&](VarId v) { return from_carry_[v]; });
  }
  bool depends_on_xs(const Equation& e) const {
    return std::ranges::any_of(e.outputs, [&](VarId v) { return from_xs_[v]; });
  }

  // What is cheaper to do again in every step, fused into its readers, than to read from memory.
  static bool is_cheap(const Equation& e) {
    constexpr std::string_view kCheap =
        " broadcast_in_dim reshape squeeze transpose convert_element_type slice iota copy neg add sub mul div max min "
        "select_n eq ne lt le gt ge and or not add_any square integer_pow ";
    return kCheap.find(" " + e.primitive.name() + " ") != std::string_view::npos;
  }

  // Products that no carry reaches, costly work on constants, and what either needs.
  void place_before() {
    std::vector<bool> wanted(j_.eqns.size(), false);
    for (std::size_t e = j_.eqns.size(); e-- > 0;) {
      const Equation& eqn = j_.eqns[e];
      if (when_[e] != When::loop || depends_on_carry(eqn)) continue;
      const bool varies = depends_on_xs(eqn);
      if (!wanted[e] && (varies ? !is_dot(eqn) : is_cheap(eqn))) continue;
      when_[e] = varies ? When::before : When::once;
      for (const Atom& a : eqn.inputs)
        if (!a.is_literal() && definer_[a.var] >= 0) wanted[definer_[a.var]] = true;
    }
  }

  // True when the operand comes from a product or another row sum, and only for this.
  bool continues(const Equation& e) const {
    for (VarId v = e.inputs[0].is_literal() ? -1 : e.inputs[0].var; v >= 0;) {
      if (definer_[v] < 0 || users_[v].size() != 1 || output_uses_[v]) return false;
      const Equation& d = j_.eqns[definer_[v]];
      if (is_dot(d) || is_row_sum(d)) return true;
      if (!is_linear_movement(d) || d.inputs[0].is_literal()) return false;
      v = d.inputs[0].var;
    }
    return false;
  }

  void find_sums() {
    for (std::size_t k = 0; k < n_; ++k) {
      const VarId in = j_.invars[nc_ + k];
      const Atom& out = j_.outs[k];
      if (out.is_literal() || definer_[out.var] < 0 || users_[in].size() != 1 || output_uses_[in] ||
          output_uses_[out.var] != 1 || !users_[out.var].empty())
        continue;
      const std::size_t e = definer_[out.var];
      const Equation& add = j_.eqns[e];
      if (!is_addition(add) || add.inputs[0].is_literal() || add.inputs[1].is_literal()) continue;
      if (add.inputs[0].var != in && add.inputs[1].var != in) continue;
      const VarId term = add.inputs[0].var == in ? add.inputs[1].var : add.inputs[0].var;
      if (term == in || !is_inexact(j_.vars[term].dtype)) continue;
      Sum sum{k, term, {}, 0};
      VarId v = term;
      for (;;) {
        if (definer_[v] < 0 || users_[v].size() != 1 || output_uses_[v]) break;
        const std::size_t d = definer_[v];
        if (when_[d] != When::loop) break;
        const Equation& eqn = j_.eqns[d];
        if (is_dot(eqn) || (is_row_sum(eqn) && !continues(eqn))) {
          sum.source = d;
          when_[e] = when_[d] = When::summed;
          for (const std::size_t c : sum.chain) when_[c] = When::summed;
          std::ranges::reverse(sum.chain);
          sums_.push_back(sum);
          break;
        }
        if (!is_linear_movement(eqn)) break;
        sum.chain.push_back(d);
        v = eqn.inputs[0].var;
      }
    }
  }

  // Products from which no carry is computed, and what follows them.
  void place_after() {
    std::vector<bool> needed(j_.eqns.size(), false);
    const auto need = [&](const Atom& a) {
      if (!a.is_literal() && definer_[a.var] >= 0) needed[definer_[a.var]] = true;
    };
    for (std::size_t k = 0; k < n_; ++k) need(j_.outs[k]);
    for (std::size_t e = j_.eqns.size(); e-- > 0;)
      if (needed[e] || when_[e] == When::summed)
        for (const Atom& a : j_.eqns[e].inputs) need(a);
    std::set<VarId> late;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (when_[e] != When::loop || needed[e]) continue;
      const Equation& eqn = j_.eqns[e];
      const bool follows =
          std::ranges::any_of(eqn.inputs, [&](const Atom& a) { return !a.is_literal() && late.count(a.var); });
      if (!follows && !is_dot(eqn)) continue;
      when_[e] = When::after;
      late.insert(eqn.outputs.begin(), eqn.outputs.end());
    }
  }

  // ---- building the new program

  // A program of the equations of these times, from `in` to `out`.
  Jaxpr part(const std::vector<When>& times, const Vars& in, const std::vector<Atom>& out) const {
    JaxprData d;
    d.vars = j_.vars;
    d.invars = in;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e)
      if (std::ranges::find(times, when_[e]) != times.end()) d.eqns.push_back(j_.eqns[e]);
    d.outs = out;
    return Jaxpr(std::move(d));
  }
  std::vector<Atom> atoms(const Vars& vars) const {
    std::vector<Atom> out;
    for (const VarId v : vars) out.push_back(Atom::of(v));
    return out;
  }
  // Results of equations of one time that others (or outputs) read.
  Vars crossing(When from) const {
    Vars out;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (when_[e] != from) continue;
      for (const VarId v : j_.eqns[e].outputs)
        if (output_uses_[v] || std::ranges::any_of(users_[v], [&](std::size_t u) { return when_[u] != from; }))
          out.push_back(v);
    }
    return out;
  }
  // Variables read at a time that others define.
  Vars read_by(When by) const {
    Vars out;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (when_[e] != by) continue;
      for (const Atom& a : j_.eqns[e].inputs) {
        if (a.is_literal() || std::ranges::find(out, a.var) != out.end()) continue;
        if (definer_[a.var] >= 0 && when_[definer_[a.var]] == by) continue;
        out.push_back(a.var);
      }
    }
    return out;
  }

  /// Values outside the loop: the same for all steps, or one per step.
  struct Outside {
    std::map<VarId, Array> once, stacked;
  };

  Arrays emit(const Arrays& x) const {
    Outside outside;
    for (std::size_t i = 0; i < nc_; ++i) outside.once[j_.invars[i]] = x[i];
    for (std::size_t i = 0; i < nx_; ++i) outside.stacked[j_.invars[nc_ + n_ + i]] = x[nc_ + n_ + i];
    const Vars consts(j_.invars.begin(), j_.invars.begin() + static_cast<std::ptrdiff_t>(nc_));
    const Vars invariant = crossing(When::once);
    const Arrays known = eval_jaxpr(part({When::once}, consts, atoms(invariant)), std::span(x).first(nc_));
    for (std::size_t i = 0; i < known.size(); ++i) outside.once[invariant[i]] = known[i];
    run_batched(When::before, outside);
    const Arrays carries = run_loop(x, outside);
    run_batched(When::after, outside);
    return results(x, carries, outside);
  }

  bool is_summed(std::size_t carry) const {
    return std::ranges::any_of(sums_, [&](const Sum& s) { return s.carry == carry; });
  }

  // Stacked results of the loop: those of the scan that it still computes, and what the later products read.
  Vars stacked_by_loop(const Outside& outside) const {
    Vars out;
    const auto stack = [&](VarId v) {
      if (!outside.once.count(v) && !outside.stacked.count(v) && std::ranges::find(out, v) == out.end())
        out.push_back(v);
    };
    const auto in_loop = [&](const Atom& a) {
      return !a.is_literal() && (definer_[a.var] < 0 || when_[definer_[a.var]] == When::loop);
    };
    for (const Atom& a : std::span(j_.outs).subspan(n_))
      if (in_loop(a)) stack(a.var);
    for (const VarId v : read_by(When::after)) stack(v);
    for (const Sum& s : sums_)
      for (const Atom& a : j_.eqns[s.source].inputs)
        if (in_loop(a)) stack(a.var);
    return out;
  }

  // Runs what is left of the loop; gives its final carries and keeps what it stacks.
  Arrays run_loop(const Arrays& x, Outside& outside) const {
    Vars consts, carry, xs;
    Arrays operands, carries, sequences;
    const auto use = [&](VarId v) {
      if (const auto it = outside.once.find(v); it != outside.once.end()) {
        if (std::ranges::find(consts, v) == consts.end()) consts.push_back(v), operands.push_back(it->second);
      } else if (const auto s = outside.stacked.find(v); s != outside.stacked.end()) {
        if (std::ranges::find(xs, v) == xs.end()) xs.push_back(v), sequences.push_back(s->second);
      }
    };
    for (const VarId v : read_by(When::loop)) use(v);
    std::vector<Atom> outs;
    for (std::size_t k = 0; k < n_; ++k) {
      if (is_summed(k)) continue;
      carry.push_back(j_.invars[nc_ + k]);
      carries.push_back(x[nc_ + k]);
      outs.push_back(j_.outs[k]);
      if (!outs.back().is_literal()) use(outs.back().var);
    }
    const Vars ys = stacked_by_loop(outside);
    for (const VarId v : ys) outs.push_back(Atom::of(v));
    if (outs.empty()) return {};

    Vars inputs = consts;
    inputs.insert(inputs.end(), carry.begin(), carry.end());
    inputs.insert(inputs.end(), xs.begin(), xs.end());
    ScanParams q = p_;
    q.jaxpr = dce(part({When::loop}, inputs, outs));
    q.num_consts = static_cast<std::int64_t>(consts.size());
    q.num_carry = static_cast<std::int64_t>(carry.size());
    operands.insert(operands.end(), carries.begin(), carries.end());
    operands.insert(operands.end(), sequences.begin(), sequences.end());
    Arrays looped = scan_p().bind(operands, q);
    for (std::size_t i = 0; i < ys.size(); ++i) outside.stacked[ys[i]] = looped[carry.size() + i];
    looped.resize(carry.size());
    return looped;
  }

  // The results of the scan. `carries`: those that the loop still has.
  Arrays results(const Arrays& x, const Arrays& carries, const Outside& outside) const {
    Arrays out(j_.outs.size());
    std::size_t next = 0;
    for (std::size_t k = 0; k < n_; ++k)
      if (!is_summed(k)) out[k] = carries[next++];
    for (const Sum& s : sums_) out[s.carry] = x[nc_ + s.carry] + total(s, outside);
    for (std::size_t i = n_; i < j_.outs.size(); ++i) {
      const Atom& a = j_.outs[i];
      out[i] = a.is_literal() ? repeated(a.literal) : sequence(a.var, outside);
    }
    return out;
  }

  // Evaluates the equations of a time for all steps at once.
  void run_batched(When when, Outside& outside) const {
    const Vars out = crossing(when);
    if (out.empty()) return;
    Vars in;
    Arrays args;
    Mask mapped;
    for (const VarId v : read_by(when)) {
      in.push_back(v);
      const auto s = outside.stacked.find(v);
      mapped.push_back(s != outside.stacked.end());
      args.push_back(mapped.back() ? s->second : outside.once.at(v));
    }
    const BatchedJaxpr batched =
        batch_jaxpr(dce(part({when}, in, atoms(out))), Dim(p_.length), mapped, Mask(out.size(), true));
    const Arrays values = eval_jaxpr(batched.jaxpr, args);
    for (std::size_t i = 0; i < out.size(); ++i) outside.stacked[out[i]] = values[i];
  }

  Array repeated(const Array& a) const {
    Shape shape = a.shape();
    shape.insert(shape.begin(), Dim(p_.length));
    return broadcast_in_dim(a, shape, iota_axes(a.rank(), 1));
  }

  // A value for each step.
  Array sequence(VarId v, const Outside& outside) const {
    const auto it = outside.stacked.find(v);
    return it != outside.stacked.end() ? it->second : repeated(outside.once.at(v));
  }

  // The sum over the steps of a product, or of a row sum, then the linear equations that follow it.
  Array total(const Sum& s, const Outside& outside) const {
    const Equation& e = j_.eqns[s.source];
    const auto operand = [&](std::size_t k) {
      const Atom& a = e.inputs[k];
      return a.is_literal() ? repeated(a.literal) : sequence(a.var, outside);
    };
    const auto shifted = [](Axes axes) {
      for (auto& a : axes) ++a;
      return axes;
    };
    Array value;
    if (is_dot(e)) {
      DotParams p = e.params.get<DotParams>();
      DotDims& d = p.dimension_numbers;
      d = {shifted(d.lhs_contract), shifted(d.rhs_contract), shifted(d.lhs_batch), shifted(d.rhs_batch)};
      d.lhs_contract.insert(d.lhs_contract.begin(), 0);
      d.rhs_contract.insert(d.rhs_contract.begin(), 0);
      value = dot_general_p().bind1({operand(0), operand(1)}, p);
    } else {
      Axes axes = shifted(e.params.get<ReduceAxes>().axes);
      axes.insert(axes.begin(), 0);
      value = reduce_sum_p().bind1({operand(0)}, ReduceAxes{axes});
    }
    for (const std::size_t c : s.chain) value = j_.eqns[c].primitive.bind1({value}, j_.eqns[c].params);
    return value;
  }

  const ScanParams& p_;
  const Jaxpr body_;
  const JaxprData& j_;
  const std::size_t nc_, n_, nx_;
  std::vector<When> when_;
  std::vector<Sum> sums_;
  std::vector<bool> from_carry_, from_xs_;
  std::vector<std::vector<std::size_t>> users_;
  std::vector<int> definer_, output_uses_;
};

}  // namespace

std::optional<Jaxpr> hoist_products(const ScanParams& params, const Avals& operands) {
  return Hoister(params).run(operands);
}

}  // namespace tf2jax::compiler
