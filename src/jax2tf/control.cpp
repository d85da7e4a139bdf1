// Rules of control flow: StatelessIf, StatelessCase and StatelessWhile with functions.
#include <algorithm>

#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/transforms/checkpoint.h"

namespace tf2jax::jax2tf {
namespace {

Tensors part(const Tensors& xs, std::size_t from, std::size_t to) {
  return {xs.begin() + static_cast<std::ptrdiff_t>(from), xs.begin() + static_cast<std::ptrdiff_t>(to)};
}
Tensors joined(std::initializer_list<Tensors> lists) {
  Tensors out;
  for (const Tensors& list : lists) out.insert(out.end(), list.begin(), list.end());
  return out;
}
Avals avals_of(const Tensors& xs) {
  Avals out;
  for (const Tensor& x : xs) out.push_back(aval_of(x));
  return out;
}

Tensors cond_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& branches = params.get<CondParams>().branches;
  const Tensors operands = part(x, 1, x.size());
  if (branches.size() == 1) return c.run(branches[0], operands);
  if (out.empty()) return {};
  std::vector<FunctionName> functions;
  for (const Jaxpr& b : branches) functions.push_back(c.function(b, "cond_branch"));
  Tensors inputs = joined({{x[0]}, operands, c.dim_operands()});
  const Tensor zero = c.scalar(x[0].dtype, 0);
  if (branches.size() == 2) {
    inputs[0] = c.compare("Greater", x[0], zero);
    return c.writer().nodes("StatelessIf", inputs, out, {{"then_branch", functions[1]}, {"else_branch", functions[0]}});
  }
  // Out of range, Case takes the last branch; below 0 it is the first one here.
  inputs[0] = c.cast(c.binary("Maximum", x[0], zero), i32);
  return c.writer().nodes("StatelessCase", inputs, out, {{"branches", functions}});
}

// A function over the state of a loop: `body` gives the next state without what never changes.
FunctionName loop_function(Lowering& c, const std::string& name, const Tensors& state,
                           const std::function<Tensors(Lowering&, const Tensors&)>& body) {
  FunctionWriter writer(c.library().unique_name(name));
  Tensors arguments;
  for (std::size_t i = 0; i < state.size(); ++i)
    arguments.push_back(writer.argument(fmt::format("arg_{}", i), aval_of(state[i])));
  Lowering inner = c.inside(writer);
  Tensors results = body(inner, arguments);
  c.library().add(writer.finish(results));
  return {writer.name()};
}
Tensors loop(Lowering& c, const std::string& name, const Tensors& state,
             const std::function<Tensor(Lowering&, const Tensors&)>& condition,
             const std::function<Tensors(Lowering&, const Tensors&)>& step) {
  const FunctionName cond = loop_function(
      c, name + "_cond", state, [&](Lowering& inner, const Tensors& v) { return Tensors{condition(inner, v)}; });
  const FunctionName body = loop_function(c, name + "_body", state, [&](Lowering& inner, const Tensors& v) {
    return joined({step(inner, v), inner.dim_operands()});
  });
  const Tensors inputs = joined({state, c.dim_operands()});
  return c.writer().nodes("StatelessWhile", inputs, avals_of(inputs),
                          {{"cond", cond}, {"body", body}, {"parallel_iterations", std::int64_t{10}}});
}

// A condition with axes is one loop for each element: those that are done keep their values.
Tensors kept_where_done(Lowering& c, const Tensor& going, const Tensors& next, const Tensors& now) {
  if (going.shape.empty()) return next;
  Tensors out;
  for (std::size_t i = 0; i < next.size(); ++i) {
    Shape lined = going.shape;
    lined.resize(std::max(lined.size(), next[i].shape.size()), Dim(1));
    out.push_back(c.select(c.reshape(going, lined), next[i], now[i]));
  }
  return out;
}

Tensors while_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<WhileParams>();
  const std::size_t first = p.cond_nconsts, consts = first + p.body_nconsts;
  const auto test = [&](Lowering& inner, const Tensors& v) {
    return inner.run(p.cond_jaxpr, joined({part(v, 0, first), part(v, consts, v.size())})).at(0);
  };
  const Tensors last = loop(
      c, "while", x,
      [&](Lowering& inner, const Tensors& v) {
        const Tensor going = test(inner, v);
        const Axes axes = iota_axes(static_cast<std::int64_t>(going.shape.size()));
        if (axes.empty()) return going;
        return inner.node("Any", {going, inner.ints(axes)}, {bool_, {}}, {{"keep_dims", false}});
      },
      [&](Lowering& inner, const Tensors& v) {
        const Tensors next = inner.run(p.body_jaxpr, part(v, first, v.size()));
        if (p.cond_jaxpr.output_avals().at(0).shape.empty()) return joined({part(v, 0, consts), next});
        return joined({part(v, 0, consts), kept_where_done(inner, test(inner, v), next, part(v, consts, v.size()))});
      });
  return part(last, consts, consts + out.size());
}

// One slice of each operand, the carry, and a place for each result per step.
Tensors scan_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<ScanParams>();
  const std::size_t consts = p.num_consts, carry = p.num_carry;
  const std::size_t begin_xs = consts + carry;
  Tensors state{c.index(0)};
  state.insert(state.end(), x.begin(), x.end());
  for (std::size_t i = carry; i < out.size(); ++i) state.push_back(c.zeros(out[i]));
  if (p.length == 0) {
    return joined({part(x, consts, begin_xs), part(state, 1 + x.size(), state.size())});
  }
  const std::size_t begin_ys = 1 + x.size();
  const Tensors last = loop(
      c, "scan", state,
      [&](Lowering& inner, const Tensors& v) { return inner.compare("Less", v[0], inner.index(p.length)); },
      [&](Lowering& inner, const Tensors& v) {
        const Tensor at = p.reverse ? inner.binary("Sub", inner.index(p.length - 1), v[0]) : v[0];
        Tensors arguments = part(v, 1, 1 + begin_xs);
        for (std::size_t i = 1 + begin_xs; i < begin_ys; ++i) {
          const Aval slice{v[i].dtype, Shape(v[i].shape.begin() + 1, v[i].shape.end())};
          arguments.push_back(inner.node("GatherV2", {v[i], at, inner.index(0)}, slice));
        }
        const Tensors results = inner.run(p.jaxpr, arguments);
        Tensors next{inner.binary("AddV2", v[0], inner.index(1))};
        next.insert(next.end(), v.begin() + 1, v.begin() + 1 + static_cast<std::ptrdiff_t>(consts));
        next.insert(next.end(), results.begin(), results.begin() + static_cast<std::ptrdiff_t>(carry));
        next.insert(next.end(), v.begin() + 1 + static_cast<std::ptrdiff_t>(begin_xs),
                    v.begin() + static_cast<std::ptrdiff_t>(begin_ys));
        const Tensor place = inner.reshape(at, {1, 1});
        for (std::size_t i = carry; i < results.size(); ++i) {
          Shape one = results[i].shape;
          one.insert(one.begin(), Dim(1));
          const Tensor& ys = v[begin_ys + i - carry];
          next.push_back(inner.node("TensorScatterUpdate", {ys, place, inner.reshape(results[i], one)}, aval_of(ys)));
        }
        return next;
      });
  return joined({part(last, 1 + consts, 1 + begin_xs), part(last, begin_ys, begin_ys + out.size() - carry)});
}

// Recomputing must not be shared with the first pass.
Tensors checkpoint_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<CheckpointParams>();
  if (x.empty()) return c.run(p.jaxpr, x);
  const Tensors held = c.writer().nodes(c.enable_xla() ? "XlaOptimizationBarrier" : "IdentityN", x, avals_of(x));
  return c.run(p.jaxpr, held);
}

}  // namespace

void add_control_rules(Rules& rules) {
  rules.set(cond_p(), cond_rule).set(while_p(), while_rule).set(scan_p(), scan_rule);
  rules.set(checkpoint_p(), checkpoint_rule);
}

}  // namespace tf2jax::jax2tf
