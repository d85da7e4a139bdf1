// Loop-invariant code motion and batching of matrix products across the steps of a scan.
#include "tf2jax/backends/llvm/scan_rewrite.h"

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

std::size_t at(VarId v) { return static_cast<std::size_t>(v); }
bool is_dot(const Equation& e) { return e.primitive == dot_general_p(); }

// A sum over the steps: carry k is itself plus `term`, and nothing else reads it.
struct Sum {
  std::size_t carry;
  VarId term;
  std::vector<std::size_t> chain;   // linear equations between the product and the term, first one first
  std::size_t source;               // the equation of the product or row sum
};

class ScanRewriter {
 public:
  explicit ScanRewriter(const ScanParams& p)
      : p_(p), body_(dce(cse(p.jaxpr))), j_(*body_), nc_(to_size(p.num_consts)), n_(to_size(p.num_carry)), nx_(j_.invars.size() - nc_ - n_), place_(j_.eqns.size(), Place::loop) {}

  std::optional<Jaxpr> run(const Avals& operands) {
    if (loops_are_bounded() || p_.length < 2 || has_effects(body_) || !j_.constvars.empty()) return std::nullopt;
    find_dependences();
    find_sums();
    place_before();
    place_after();
    const bool any = std::ranges::any_of(place_, [](Place w) { return w != Place::loop; }) || !sums_.empty();
    if (!any) return std::nullopt;
    return stage([&](const Arrays& x) { return emit(x); }, operands);
  }

 private:
  enum class Place { loop, once, before, after, summed };

  void find_dependences() {
    from_carry_.assign(j_.vars.size(), false);
    from_xs_ = from_carry_;
    users_.assign(j_.vars.size(), {});
    definer_.assign(j_.vars.size(), -1);
    for (std::size_t i = 0; i < n_; ++i) from_carry_[at(j_.invars[nc_ + i])] = true;
    for (std::size_t i = 0; i < nx_; ++i) from_xs_[at(j_.invars[nc_ + n_ + i])] = true;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      bool carry = false, xs = false;
      for (const Atom& a : j_.eqns[e].inputs) {
        if (a.is_literal()) continue;
        carry = carry || from_carry_[at(a.var)];
        xs = xs || from_xs_[at(a.var)];
        users_[at(a.var)].push_back(e);
      }
      for (const VarId v : j_.eqns[e].outputs) {
        from_carry_[at(v)] = carry;
        from_xs_[at(v)] = xs;
        definer_[at(v)] = static_cast<int>(e);
      }
    }
    output_uses_.assign(j_.vars.size(), 0);
    for (const Atom& a : j_.outs)
      if (!a.is_literal()) ++output_uses_[at(a.var)];
  }

  bool depends_on_carry(const Equation& e) const { return std::ranges::any_of(e.outputs, [&](VarId v) { return from_carry_[at(v)]; }); }
  bool depends_on_xs(const Equation& e) const { return std::ranges::any_of(e.outputs, [&](VarId v) { return from_xs_[at(v)]; }); }

  // What is cheaper to do again in every step, fused into its readers, than to read from memory.
  static bool is_cheap(const Equation& e) {
    static const std::set<std::string> names{"broadcast_in_dim", "reshape", "squeeze", "transpose", "convert_element_type", "slice", "iota", "copy", "neg", "add", "sub",
                                             "mul", "div", "max", "min", "select_n", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "add_any", "square", "integer_pow"};
    return names.count(e.primitive.name()) > 0;
  }

  // Products that no carry reaches, costly work on constants, and what either needs.
  void place_before() {
    std::vector<bool> wanted(j_.eqns.size(), false);
    for (std::size_t e = j_.eqns.size(); e-- > 0;) {
      const Equation& eqn = j_.eqns[e];
      if (place_[e] != Place::loop || depends_on_carry(eqn)) continue;
      const bool varies = depends_on_xs(eqn);
      if (!wanted[e] && (varies ? !is_dot(eqn) : is_cheap(eqn))) continue;
      place_[e] = varies ? Place::before : Place::once;
      for (const Atom& a : eqn.inputs)
        if (!a.is_literal() && definer_[at(a.var)] >= 0) wanted[static_cast<std::size_t>(definer_[at(a.var)])] = true;
    }
  }

  // Commutes with the sum over the steps.
  static bool is_linear_movement(const Equation& e) {
    return e.primitive == transpose_p() || e.primitive == reshape_p() || e.primitive == squeeze_p() || e.primitive == reduce_sum_p();
  }
  // True when the operand comes from a product or another row sum, and only for this.
  bool continues(const Equation& e) const {
    for (VarId v = e.inputs[0].is_literal() ? -1 : e.inputs[0].var; v >= 0;) {
      if (definer_[at(v)] < 0 || users_[at(v)].size() != 1 || output_uses_[at(v)]) return false;
      const Equation& d = j_.eqns[static_cast<std::size_t>(definer_[at(v)])];
      if (is_dot(d) || d.primitive == reduce_sum_p()) return true;
      if (!is_linear_movement(d) || d.inputs[0].is_literal()) return false;
      v = d.inputs[0].var;
    }
    return false;
  }

  void find_sums() {
    for (std::size_t k = 0; k < n_; ++k) {
      const VarId in = j_.invars[nc_ + k];
      const Atom& out = j_.outs[k];
      if (out.is_literal() || definer_[at(out.var)] < 0 || users_[at(in)].size() != 1 || output_uses_[at(in)] || output_uses_[at(out.var)] != 1 || !users_[at(out.var)].empty()) continue;
      const auto e = static_cast<std::size_t>(definer_[at(out.var)]);
      const Equation& add = j_.eqns[e];
      if ((add.primitive != add_p() && add.primitive != add_any_p()) || add.inputs[0].is_literal() || add.inputs[1].is_literal()) continue;
      if (add.inputs[0].var != in && add.inputs[1].var != in) continue;
      const VarId term = add.inputs[0].var == in ? add.inputs[1].var : add.inputs[0].var;
      if (term == in || !is_inexact(j_.vars[at(term)].dtype)) continue;
      Sum sum{k, term, {}, 0};
      VarId v = term;
      for (;;) {
        if (definer_[at(v)] < 0 || users_[at(v)].size() != 1 || output_uses_[at(v)]) break;
        const auto d = static_cast<std::size_t>(definer_[at(v)]);
        if (place_[d] != Place::loop) break;
        const Equation& eqn = j_.eqns[d];
        if (is_dot(eqn) || (eqn.primitive == reduce_sum_p() && !continues(eqn))) {
          sum.source = d;
          place_[e] = place_[d] = Place::summed;
          for (const std::size_t c : sum.chain) place_[c] = Place::summed;
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
      if (!a.is_literal() && definer_[at(a.var)] >= 0) needed[static_cast<std::size_t>(definer_[at(a.var)])] = true;
    };
    for (std::size_t k = 0; k < n_; ++k) need(j_.outs[k]);
    for (std::size_t e = j_.eqns.size(); e-- > 0;)
      if (needed[e] || place_[e] == Place::summed)
        for (const Atom& a : j_.eqns[e].inputs) need(a);
    std::set<VarId> late;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (place_[e] != Place::loop || needed[e]) continue;
      const Equation& eqn = j_.eqns[e];
      const bool follows = std::ranges::any_of(eqn.inputs, [&](const Atom& a) { return !a.is_literal() && late.count(a.var); });
      if (!follows && !is_dot(eqn)) continue;
      place_[e] = Place::after;
      late.insert(eqn.outputs.begin(), eqn.outputs.end());
    }
  }

  // ---- building the new program

  // A program of the equations at `place`, from `in` to `out`.
  Jaxpr part(const std::vector<Place>& places, const Vars& in, const std::vector<Atom>& out) const {
    JaxprData d;
    d.vars = j_.vars;
    d.invars = in;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e)
      if (std::ranges::find(places, place_[e]) != places.end()) d.eqns.push_back(j_.eqns[e]);
    d.outs = out;
    return Jaxpr(std::move(d));
  }
  std::vector<Atom> atoms(const Vars& vars) const {
    std::vector<Atom> out;
    for (const VarId v : vars) out.push_back(Atom::of(v));
    return out;
  }
  // Results of equations at one place that others (or outputs) read.
  Vars crossing(Place from) const {
    Vars out;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (place_[e] != from) continue;
      for (const VarId v : j_.eqns[e].outputs)
        if (output_uses_[at(v)] || std::ranges::any_of(users_[at(v)], [&](std::size_t u) { return place_[u] != from; })) out.push_back(v);
    }
    return out;
  }
  // Variables read at a place that others define.
  Vars read_by(Place by) const {
    Vars out;
    for (std::size_t e = 0; e < j_.eqns.size(); ++e) {
      if (place_[e] != by) continue;
      for (const Atom& a : j_.eqns[e].inputs) {
        if (a.is_literal() || std::ranges::find(out, a.var) != out.end()) continue;
        if (definer_[at(a.var)] >= 0 && place_[static_cast<std::size_t>(definer_[at(a.var)])] == by) continue;
        out.push_back(a.var);
      }
    }
    return out;
  }

  Arrays emit(const Arrays& x) const {
    std::map<VarId, Array> once, stacked;   // values outside the loop: the same for all steps, or one per step
    for (std::size_t i = 0; i < nc_; ++i) once[j_.invars[i]] = x[i];
    for (std::size_t i = 0; i < nx_; ++i) stacked[j_.invars[nc_ + n_ + i]] = x[nc_ + n_ + i];
    const Vars consts(j_.invars.begin(), j_.invars.begin() + static_cast<std::ptrdiff_t>(nc_));
    const Vars invariant = crossing(Place::once);
    {
      const Arrays out = eval_jaxpr(part({Place::once}, consts, atoms(invariant)), std::span(x).first(nc_));
      for (std::size_t i = 0; i < out.size(); ++i) once[invariant[i]] = out[i];
    }
    run_batched(Place::before, crossing(Place::before), once, stacked);

    // The loop: what is left.
    std::set<std::size_t> summed;
    for (const Sum& s : sums_) summed.insert(s.carry);
    Vars loop_consts, loop_carry, loop_xs;
    Arrays operands, carries, sequences;
    const auto use = [&](VarId v) {
      if (const auto it = once.find(v); it != once.end()) {
        if (std::ranges::find(loop_consts, v) == loop_consts.end()) loop_consts.push_back(v), operands.push_back(it->second);
      } else if (const auto s = stacked.find(v); s != stacked.end()) {
        if (std::ranges::find(loop_xs, v) == loop_xs.end()) loop_xs.push_back(v), sequences.push_back(s->second);
      }
    };
    for (const VarId v : read_by(Place::loop)) use(v);
    std::vector<Atom> outs;
    for (std::size_t k = 0; k < n_; ++k) {
      if (summed.count(k)) continue;
      loop_carry.push_back(j_.invars[nc_ + k]);
      carries.push_back(x[nc_ + k]);
      outs.push_back(j_.outs[k]);
      if (!outs.back().is_literal()) use(outs.back().var);
    }
    // Stacked results: those of the scan that the loop still computes, and what the later products read.
    Vars ys;
    const auto stack = [&](VarId v) {
      if (once.count(v) || stacked.count(v) || std::ranges::find(ys, v) != ys.end()) return;
      ys.push_back(v);
    };
    const auto in_loop = [&](VarId v) { return definer_[at(v)] < 0 || place_[static_cast<std::size_t>(definer_[at(v)])] == Place::loop; };
    for (std::size_t i = n_; i < j_.outs.size(); ++i)
      if (!j_.outs[i].is_literal() && in_loop(j_.outs[i].var)) stack(j_.outs[i].var);
    for (const VarId v : read_by(Place::after)) stack(v);
    for (const Sum& s : sums_)
      for (const Atom& a : j_.eqns[s.source].inputs)
        if (!a.is_literal() && in_loop(a.var)) stack(a.var);
    for (const VarId v : ys) outs.push_back(Atom::of(v));

    Vars inputs = loop_consts;
    inputs.insert(inputs.end(), loop_carry.begin(), loop_carry.end());
    inputs.insert(inputs.end(), loop_xs.begin(), loop_xs.end());
    ScanParams q = p_;
    q.linear.clear();
    q.jaxpr = dce(part({Place::loop}, inputs, outs));
    q.num_consts = static_cast<std::int64_t>(loop_consts.size());
    q.num_carry = static_cast<std::int64_t>(loop_carry.size());
    operands.insert(operands.end(), carries.begin(), carries.end());
    operands.insert(operands.end(), sequences.begin(), sequences.end());
    const Arrays looped = outs.empty() ? Arrays{} : scan_p().bind(operands, q);
    for (std::size_t i = 0; i < ys.size(); ++i) stacked[ys[i]] = looped[loop_carry.size() + i];
    run_batched(Place::after, crossing(Place::after), once, stacked);

    Arrays result(j_.outs.size());
    std::size_t next = 0;
    for (std::size_t k = 0; k < n_; ++k)
      if (!summed.count(k)) result[k] = looped[next++];
    for (const Sum& s : sums_) result[s.carry] = x[nc_ + s.carry] + total(s, once, stacked);
    for (std::size_t i = n_; i < j_.outs.size(); ++i) {
      const Atom& a = j_.outs[i];
      if (!a.is_literal() && stacked.count(a.var)) result[i] = stacked.at(a.var);
      else result[i] = repeated(a.is_literal() ? a.literal : once.at(a.var));
    }
    return result;
  }

  // Evaluates the equations at a place for all steps at once.
  void run_batched(Place where, const Vars& out, std::map<VarId, Array>& once, std::map<VarId, Array>& stacked) const {
    if (out.empty()) return;
    Vars in;
    Arrays args;
    Mask mapped;
    for (const VarId v : read_by(where)) {
      in.push_back(v);
      const auto s = stacked.find(v);
      mapped.push_back(s != stacked.end());
      args.push_back(mapped.back() ? s->second : once.at(v));
    }
    const BatchedJaxpr batched = batch_jaxpr(dce(part({where}, in, atoms(out))), Dim(p_.length), mapped, Mask(out.size(), true));
    const Arrays values = eval_jaxpr(batched.jaxpr, args);
    for (std::size_t i = 0; i < out.size(); ++i) stacked[out[i]] = values[i];
  }

  Array repeated(const Array& a) const {
    Shape shape = a.shape();
    shape.insert(shape.begin(), Dim(p_.length));
    return broadcast_in_dim(a, shape, iota_axes(a.rank(), 1));
  }

  // The sum over the steps of a product, or of a row sum, then the linear equations that follow it.
  Array total(const Sum& s, const std::map<VarId, Array>& once, const std::map<VarId, Array>& stacked) const {
    const Equation& e = j_.eqns[s.source];
    const auto sequence = [&](const Atom& a) {
      if (a.is_literal()) return repeated(a.literal);
      if (const auto it = stacked.find(a.var); it != stacked.end()) return it->second;
      return repeated(once.at(a.var));
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
      value = dot_general_p().bind1({sequence(e.inputs[0]), sequence(e.inputs[1])}, p);
    } else {
      Axes axes = shifted(e.params.get<ReduceAxes>().axes);
      axes.insert(axes.begin(), 0);
      value = reduce_sum_p().bind1({sequence(e.inputs[0])}, ReduceAxes{axes});
    }
    for (const std::size_t c : s.chain) value = j_.eqns[c].primitive.bind1({value}, j_.eqns[c].params);
    return value;
  }

  const ScanParams& p_;
  const Jaxpr body_;
  const JaxprData& j_;
  const std::size_t nc_, n_, nx_;
  std::vector<Place> place_;
  std::vector<Sum> sums_;
  std::vector<bool> from_carry_, from_xs_;
  std::vector<std::vector<std::size_t>> users_;
  std::vector<int> definer_, output_uses_;
};

}  // namespace

std::optional<Jaxpr> rewrite_scan(const ScanParams& params, const Avals& operands) { return ScanRewriter(params).run(operands); }

}  // namespace tf2jax::compiler
