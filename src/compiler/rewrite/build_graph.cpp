// Building the graph: programs are inlined, small constants folded, and each equation goes through the rewrite table.
#include "tf2jax/compiler/rewrite/build_graph.h"

#include <algorithm>

#include "tf2jax/compiler/graph/fold_scales.h"
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/passes/fold_constants.h"
#include "tf2jax/passes/identities.h"

namespace tf2jax::compiler {

namespace {

const RewriteTable& rewrite_table() {
  static const RewriteTable table = [] {
    RewriteTable t;
    append_elementwise_rewrites(t);
    append_movement_rewrites(t);
    append_reduction_rewrites(t);
    append_window_rewrites(t);
    append_scatter_rewrites(t);
    append_dot_rewrites(t);
    append_complex_rewrites(t);
    append_random_rewrites(t);
    append_control_rewrites(t);
    return t;
  }();
  return table;
}

// Values without elements are known now, whatever computes them, and no loop or plan meets one.
Rewritten without_elements(GraphBuilder& b, const GraphEquation& e) {
  if (e.avals.empty() || std::ranges::any_of(e.avals, [](const Aval& a) { return num_elements(a.dims()) > 0; }) ||
      e.primitive.effectful() || std::ranges::any_of(nested_jaxprs(e.params), has_effects))
    return std::nullopt;
  Values out;
  for (const Aval& a : e.avals) out.push_back(b.empty(a));
  return out;
}

Rewritten fold(GraphBuilder& b, const GraphEquation& e) {
  Arrays args;
  for (const ValueId v : e.in) {
    if (!b.value(v).is_constant()) return std::nullopt;
    args.push_back(b.value(v).constant);
  }
  const auto folded = fold_equation(e.primitive, e.params, args, e.avals);
  return folded ? Rewritten(b.constant(*folded)) : std::nullopt;
}

Rewritten identity(GraphBuilder& b, const GraphEquation& e) {
  if (!has_identity(e.primitive)) return std::nullopt;
  Avals operands, results;  // weak types mean nothing here
  for (const ValueId v : e.in) operands.push_back(b.value(v).aval.strong());
  for (const Aval& a : e.avals) results.push_back(a.strong());
  const auto k = equal_operand({e.primitive, e.params, operands, results}, [&](std::size_t i, double x) {
    const GraphValue& v = b.value(e.in[i]);
    return v.is_constant() && is_scalar_number(v.constant, x);
  });
  return k ? Rewritten(e.in[*k]) : std::nullopt;
}

// What the rewriters of pairs and of loops take.
bool all_values(const GraphBuilder& b, const GraphEquation& e, bool (*takes)(DType)) {
  return !e.primitive.effectful() &&
         std::ranges::all_of(e.in, [&](ValueId v) { return takes(b.dtype(v)) && b.value(v).elements() > 0; }) &&
         std::ranges::all_of(e.avals, [&](const Aval& a) { return takes(a.dtype) && num_elements(a.dims()) > 0; });
}
bool has_pairs(const GraphBuilder& b, const GraphEquation& e) {
  return !e.in.empty() && (std::ranges::any_of(e.in, [&](ValueId v) { return is_pair(b.dtype(v)); }) ||
                           std::ranges::any_of(e.avals, [](const Aval& a) { return is_pair(a.dtype); }));
}

Values add_equation(GraphBuilder& b, const GraphEquation& e) {
  const RewriteTable& table = rewrite_table();
  if (e.primitive.rules().called)
    if (const Jaxpr* program = e.primitive.rules().called(e.params)) return inline_program(b, *program, e.in);
  if (const Rewritten out = table.apply(Turn::first, b, e)) return *out;
  if (const Rewritten known = without_elements(b, e)) return *known;
  if (const Rewritten folded = fold(b, e)) return *folded;
  if (const Rewritten same = identity(b, e)) return *same;
  if (has_pairs(b, e) && all_values(b, e, [](DType d) { return d != DType::float0; }))
    if (const Rewritten out = table.apply(Turn::pairs, b, e)) return *out;
  return add_parts(b, e);
}

}  // namespace

Values add_parts(GraphBuilder& b, const GraphEquation& e) {
  const RewriteTable& table = rewrite_table();
  if (all_values(b, e, has_loop_type))
    if (const Rewritten out = table.apply(Turn::loops, b, e)) return *out;
  if (const Rewritten out = table.apply(Turn::last, b, e)) return *out;
  return b.append({e.primitive, e.params, OpKind::call, loops::Op::constant, e.in, {}}, e.avals);
}

Values inline_program(GraphBuilder& b, const Jaxpr& jaxpr, const Values& inputs) {
  const JaxprData& j = *jaxpr;
  Values env(j.vars.size(), -1);
  for (std::size_t i = 0; i < j.constvars.size(); ++i) env[j.constvars[i]] = b.constant(j.consts[i]);
  for (std::size_t i = 0; i < inputs.size(); ++i) env[j.invars[i]] = inputs[i];
  const auto read = [&](const Atom& a) {
    const ValueId v = a.is_literal() ? b.constant(a.literal) : env[a.var];
    if (v < 0)
      raise<InternalError>("compile: the program reads a variable before it defines it:\n{}", to_string(jaxpr));
    return v;
  };
  b.count_equations(j.eqns.size());
  for (const Equation& e : j.eqns) {
    GraphEquation equation{e.primitive, e.params, {}, {}};
    for (const Atom& a : e.inputs) equation.in.push_back(read(a));
    for (const VarId v : e.outputs) equation.avals.push_back(j.vars[v]);
    const Values out = add_equation(b, equation);
    for (std::size_t i = 0; i < out.size(); ++i) env[e.outputs[i]] = out[i];
  }
  Values out;
  for (const Atom& a : j.outs) out.push_back(read(a));
  return out;
}

Graph build_graph(const Jaxpr& jaxpr) {
  GraphBuilder b;
  Values inputs;
  for (const VarId v : jaxpr->invars) inputs.push_back(b.input(jaxpr->vars[v]));
  for (ValueId& v : inputs)
    if (const Aval aval = b.value(v).aval; num_elements(aval.dims()) == 0) v = b.empty(aval);
  Graph graph = b.finish(inline_program(b, jaxpr, inputs));
  if (fold_scales(graph)) prune(graph);
  return graph;
}

}  // namespace tf2jax::compiler
