// Building the graph: inlining, common subexpressions, and the rewriting of equations into op kinds.
#include "tf2jax/backends/llvm/graph.h"

#include <algorithm>

#include "tf2jax/base/config.h"
#include "tf2jax/backends/llvm/affine_fold.h"
#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/backend.h"
#include "tf2jax/trace/same_bytes.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/jit_primitive.h"

namespace tf2jax::compiler {

namespace {

bool is_empty(const Aval& a) { return num_elements(a.dims()) == 0; }

}  // namespace

ValueId GraphBuilder::add_value(Aval aval) {
  GraphValue v;
  v.dims = aval.dims();
  v.aval = std::move(aval);
  graph_.values.push_back(std::move(v));
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId GraphBuilder::constant(const Array& value) {
  check<UnexpectedTracerError>(value.is_concrete(), "compile: the program captures a traced {}. Pass it as an argument.", value.aval());
  const bool small = value.bytes().size() <= 64;
  const std::size_t key = small ? std::hash<std::string_view>{}({reinterpret_cast<const char*>(value.bytes().data()), value.bytes().size()}) : std::hash<const void*>{}(value.get());
  const auto [first, last] = constants_.equal_range(key);
  for (auto it = first; it != last; ++it)
    if (const Array& other = graph_.value(it->second).constant; other.same_as(value) || (small && other.aval() == value.aval() && same_bytes(other, value))) return it->second;
  const ValueId v = add_value(value.aval());
  graph_.values.back().constant = value;
  constants_.emplace(key, v);
  return v;
}

std::vector<ValueId> GraphBuilder::append(GraphOp op, const Avals& outputs, bool may_share) {
  const bool pure = may_share && !op.primitive.effectful();
  std::size_t key = std::hash<const void*>{}(op.primitive.id()) ^ op.params.hash() * 31 ^ static_cast<std::size_t>(op.scalar) * 131 ^ static_cast<std::size_t>(scope_) * 7919;
  for (const ValueId v : op.in) key = key * 1000003 + static_cast<std::size_t>(v);
  if (pure) {
    const auto [first, last] = seen_.equal_range(key);
    for (auto it = first; it != last; ++it) {
      const GraphOp& other = graph_.op(it->second.first);
      if (it->second.second == scope_ && other.primitive == op.primitive && other.in == op.in && other.scalar == op.scalar && other.kind == op.kind &&
          std::ranges::equal(other.out, outputs, [&](ValueId v, const Aval& a) { return graph_.value(v).aval.matches(a); }) && other.params == op.params)
        return other.out;
    }
  }
  const auto id = static_cast<OpId>(graph_.ops.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId v = add_value(outputs[i]);
    graph_.values.back().op = id;
    graph_.values.back().result = static_cast<std::int32_t>(i);
    op.out.push_back(v);
  }
  const std::vector<ValueId> out = op.out;
  if (pure) seen_.emplace(key, std::pair(id, scope_));
  graph_.ops.push_back(std::move(op));
  return out;
}

std::vector<ValueId> GraphBuilder::run(const Jaxpr& jaxpr, const std::vector<ValueId>& inputs) {
  const JaxprData& j = *jaxpr;
  std::vector<ValueId> env(j.vars.size(), -1);
  const auto at = [&](VarId v) -> ValueId& { return env[static_cast<std::size_t>(v)]; };
  for (std::size_t i = 0; i < j.constvars.size(); ++i) at(j.constvars[i]) = constant(j.consts[i]);
  for (std::size_t i = 0; i < inputs.size(); ++i) at(j.invars[i]) = inputs[i];
  const auto read = [&](const Atom& a) {
    const ValueId v = a.is_literal() ? constant(a.literal) : at(a.var);
    if (v < 0) raise<InternalError>("compile: the program reads a variable before it defines it:\n{}", to_string(jaxpr));
    return v;
  };
  equations_ += static_cast<std::int64_t>(j.eqns.size());
  if (equations_ > config().max_expanded_nodes) [[unlikely]]
    raise<ResourceExhaustedError>("compile: the program has more than {} equations once what it calls is inlined. Call loops instead, or raise Config::max_expanded_nodes.",
                                  config().max_expanded_nodes);
  for (const Equation& e : j.eqns) {
    std::vector<ValueId> in;
    for (const Atom& a : e.inputs) in.push_back(read(a));
    Avals avals;
    for (const VarId v : e.outputs) avals.push_back(j.vars[static_cast<std::size_t>(v)]);
    const std::vector<ValueId> out = equation(e, in, avals);
    for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
  }
  std::vector<ValueId> out;
  for (const Atom& a : j.outs) out.push_back(read(a));
  return out;
}

std::vector<ValueId> GraphBuilder::equation(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  const Primitive& p = e.primitive;
  if (p == jit_p()) return run(e.params.get<JitParams>().jaxpr, in);
  if (p == custom_jvp_call_p()) return run(e.params.get<CustomJvpParams>().call_jaxpr, in);
  if (p == custom_vjp_call_p()) return run(e.params.get<CustomVjpParams>().call_jaxpr, in);
  if (p == checkpoint_p()) {
    // What is computed again in a backward pass must not be shared with the first time, or it would be kept after all.
    const CheckpointParams& c = e.params.get<CheckpointParams>();
    const std::int32_t outer = scope_;
    if (c.prevent_cse && c.differentiated) scope_ = ++scopes_;
    std::vector<ValueId> out = run(c.jaxpr, in);
    scope_ = outer;
    return out;
  }
  if (p == optimization_barrier_p() || p == device_put_p()) return in;
  if (auto known = without_elements(e, in, avals)) return *std::move(known);
  if (auto folded = fold(e, in, avals)) return {*folded};
  if (auto out = rewrite_random(e, in, avals)) return *std::move(out);
  if (auto out = rewrite_complex(e, in, avals)) return *std::move(out);
  return rewrite(e, in, avals);
}

// Values without elements are known now, whatever computes them, and no loop or plan meets one. A scan of no steps gives
// its initial carry.
std::optional<std::vector<ValueId>> GraphBuilder::without_elements(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  const bool no_steps = e.primitive == scan_p() && e.params.get<ScanParams>().length == 0;
  std::vector<ValueId> out;
  for (std::size_t i = 0; i < avals.size(); ++i) {
    const bool is_carry = no_steps && static_cast<std::int64_t>(i) < e.params.get<ScanParams>().num_carry;
    if (is_carry) out.push_back(in[static_cast<std::size_t>(e.params.get<ScanParams>().num_consts) + i]);
    else if (is_empty(avals[i])) out.push_back(constant(Array::build(avals[i], [](std::byte*) {})));
    else return std::nullopt;
  }
  if (out.empty() || e.primitive.effectful() || std::ranges::any_of(nested_jaxprs(e.params), has_effects)) return std::nullopt;
  return out;
}

// Small operations on constants alone are done now; ones that would grow a constant are left to the loops.
std::optional<ValueId> GraphBuilder::fold(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  if (in.empty() || avals.size() != 1 || e.primitive.effectful() || e.primitive.rules().impl) return std::nullopt;
  std::int64_t largest = 4096;
  for (const ValueId v : in) {
    if (!graph_.value(v).is_constant()) return std::nullopt;
    largest = std::max(largest, graph_.value(v).elements());
  }
  const std::int64_t size = num_elements(avals[0].dims());
  // A number everywhere is cheaper to know than to read.
  if (e.primitive == broadcast_in_dim_p() && size > 1 && graph_.value(in[0]).elements() == 1) return std::nullopt;
  if (size > largest || size > kLargestFolded) return std::nullopt;
  const Kernel* kernel = e.primitive.rules().kernel.load(std::memory_order_acquire);
  if (!kernel) kernel = default_backend().kernel(e.primitive);
  if (!kernel) return std::nullopt;
  Arrays args;
  for (const ValueId v : in) args.push_back(graph_.value(v).constant);
  const TraceScope scope(eval_trace());
  return constant((*kernel)({args, e.params, avals})[0]);
}

void prune(Graph& g) {
  std::vector<bool> live(g.values.size(), false), keep(g.ops.size(), false);
  for (const ValueId v : g.outputs) live[static_cast<std::size_t>(v)] = true;
  for (std::size_t o = g.ops.size(); o-- > 0;) {
    const GraphOp& op = g.ops[o];
    keep[o] = op.primitive.effectful() || std::ranges::any_of(nested_jaxprs(op.params), has_effects) ||
              std::ranges::any_of(op.out, [&](ValueId v) { return live[static_cast<std::size_t>(v)]; });
    if (!keep[o]) continue;
    for (const ValueId v : op.in) live[static_cast<std::size_t>(v)] = true;
  }
  for (GraphValue& v : g.values) v.users.clear(), v.times_output = 0;
  std::vector<GraphOp> ops;
  for (std::size_t o = 0; o < g.ops.size(); ++o) {
    if (!keep[o]) continue;
    const auto id = static_cast<OpId>(ops.size());
    for (const ValueId v : g.ops[o].out) g.values[static_cast<std::size_t>(v)].op = id;
    for (const ValueId v : g.ops[o].in) {
      auto& users = g.values[static_cast<std::size_t>(v)].users;
      if (users.empty() || users.back() != id) users.push_back(id);
    }
    ops.push_back(std::move(g.ops[o]));
  }
  g.ops = std::move(ops);
  for (const ValueId v : g.outputs) ++g.values[static_cast<std::size_t>(v)].times_output;
}

Graph GraphBuilder::build(const Jaxpr& jaxpr) {
  for (const VarId v : jaxpr->invars) graph_.inputs.push_back(add_value(jaxpr->vars[static_cast<std::size_t>(v)]));
  std::vector<ValueId> inputs = graph_.inputs;
  for (ValueId& v : inputs)
    if (const Aval aval = graph_.value(v).aval; is_empty(aval)) v = constant(Array::build(aval, [](std::byte*) {}));
  graph_.outputs = run(jaxpr, inputs);
  prune(graph_);
  if (fold_affine_chains(graph_)) prune(graph_);
  return std::move(graph_);
}

Graph build_graph(const Jaxpr& jaxpr) { return GraphBuilder().build(jaxpr); }

}  // namespace tf2jax::compiler
