// Control flow of native loops: carries, nested loops, branches, and what is left when unused nodes are gone.
#include "tf2jax/compiler/native/native_loop.h"

#include <algorithm>

#include "tf2jax/compiler/native/scalar_builder.h"
#include "tf2jax/compiler/rewrite/build_graph.h"
#include "tf2jax/control/cond.h"

namespace tf2jax::compiler {

using loops::NodeId;
using loops::Op;

// Carries of few elements are cells; those that are indexed, and larger ones, are memory that the body updates in
// place.
std::vector<ScalarBuilder::Carry> ScalarBuilder::begin(const Graph& body, std::size_t first,
                                                       std::vector<ScalarValue> init,
                                                       const std::vector<ScalarValue>& results) {
  std::vector<Carry> out;
  for (std::size_t k = 0; k < init.size(); ++k) {
    ScalarValue& x = init[k];
    const ValueId inner = body.inputs[first + k];
    const bool indexed = std::ranges::any_of(body.value(inner).users, [&](OpId o) {
      const GraphOp& op = body.op(o);
      return (op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather || op.kind == OpKind::update_slice) &&
             op.in[0] == inner;
    });
    Carry c;
    if (x.size() > kFew || (x.size() > kIndexed && indexed && index_memory_)) {
      if (x.owned) {
        c.value = x;
      } else {
        c.value = results.empty() ? scratch(x.dtype, x.dims) : results[k];
        store(x, *c.value.memory);
      }
      c.value.owned = true;
      c.value.elements.clear();
    } else {
      c.value = {x.dtype, x.dims, {}, {}, false};
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const NodeId n = element(x, i);
        c.cells.push_back(static_cast<std::int32_t>(kernel_.cells.size()));
        kernel_.cells.push_back(x.dtype);
        statement({loops::Set{c.cells.back(), n}});
      }
    }
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<ScalarBuilder::ScalarValue> ScalarBuilder::current(std::vector<Carry>& carries) {
  std::vector<ScalarValue> out;
  for (const Carry& c : carries) {
    ScalarValue v = c.value;
    for (const std::int32_t cell : c.cells) v.elements.push_back(emit({.op = Op::get, .dtype = v.dtype, .cell = cell}));
    out.push_back(std::move(v));
  }
  return out;
}

// All new values are known before the first cell changes: carries may trade places.
void ScalarBuilder::advance(std::vector<Carry>& carries, std::vector<ScalarValue> next) {
  for (std::size_t k = 0; k < carries.size(); ++k) {
    if (carries[k].cells.empty()) {
      const bool in_place = next[k].owned && next[k].memory &&
                            next[k].memory->buffer == carries[k].value.memory->buffer &&
                            next[k].dims == carries[k].value.dims;
      if (!in_place) return give_up();
    } else {
      for (std::int64_t i = 0; i < next[k].size(); ++i) element(next[k], i);
    }
  }
  for (std::size_t k = 0; k < carries.size(); ++k)
    for (std::size_t i = 0; i < carries[k].cells.size(); ++i)
      statement({loops::Set{carries[k].cells[i], element(next[k], static_cast<std::int64_t>(i))}});
}

std::vector<ScalarBuilder::ScalarValue> ScalarBuilder::scan(const ScanParams& p, std::vector<ScalarValue> in,
                                                            const std::vector<ScalarValue>& results) {
  const Graph body = build_graph(p.jaxpr);
  const auto nc = static_cast<std::ptrdiff_t>(p.num_consts), n = static_cast<std::ptrdiff_t>(p.num_carry);
  std::vector<ScalarValue> inputs(in.begin(), in.begin() + nc), xs(in.begin() + nc + n, in.end());
  for (ScalarValue& c : inputs) c.owned = false;
  std::vector<Carry> carries = begin(body, nc, {in.begin() + nc, in.begin() + nc + n}, results);
  const LoopVar step = kernel_.variables++;
  const auto slice = [&](ScalarValue& stacked) {
    const Storage& whole = in_memory(stacked);
    ScalarValue one{stacked.dtype,
                    {stacked.dims.begin() + 1, stacked.dims.end()},
                    {},
                    Storage{whole.buffer, whole.offset, {whole.strides.begin() + 1, whole.strides.end()}},
                    false};
    Affine& offset = one.memory->offset;
    if (const std::int64_t stride = whole.strides[0]; stride != 0)
      offset = offset + variable_index(step, p.reverse ? -stride : stride);
    if (p.reverse) offset.offset += (p.length - 1) * whole.strides[0];
    if (one.size() <= kFew) one.elements.assign(one.size(), -1);
    return one;
  };
  std::vector<ScalarValue> ys;
  for (std::size_t k = n; k < body.outputs.size(); ++k) {
    const GraphValue& y = body.value(body.outputs[k]);
    Dims dims = y.dims;
    dims.insert(dims.begin(), p.length);
    ys.push_back(results.empty() ? scratch(y.aval.dtype, dims) : results[k]);
  }
  for (ScalarValue& x : xs) in_memory(x);
  loops::Block block = repeated(p.length, [&] {
    std::vector<ScalarValue> operands = inputs, state = current(carries);
    std::ranges::move(state, std::back_inserter(operands));
    for (ScalarValue& x : xs) operands.push_back(slice(x));
    std::optional<std::vector<ScalarValue>> out = run(body, std::move(operands));
    if (!out) return;
    for (std::size_t k = 0; k < ys.size(); ++k) store((*out)[n + k], *slice(ys[k]).memory);
    out->resize(n);
    advance(carries, std::move(*out));
  });
  if (p.length > 0) statement({loops::Loop{step, p.length, false, std::move(block)}});
  std::vector<ScalarValue> out = current(carries);
  std::ranges::move(ys, std::back_inserter(out));
  return out;
}

std::vector<ScalarBuilder::ScalarValue> ScalarBuilder::while_loop(const WhileParams& p, std::vector<ScalarValue> in,
                                                                  const std::vector<ScalarValue>& results) {
  const Graph condition = build_graph(p.cond_jaxpr), body = build_graph(p.body_jaxpr);
  if (!condition.value(condition.outputs[0]).dims.empty()) {
    give_up();
    return {};
  }
  const auto cc = static_cast<std::ptrdiff_t>(p.cond_nconsts), bc = static_cast<std::ptrdiff_t>(p.body_nconsts);
  for (std::ptrdiff_t k = 0; k < cc + bc; ++k) in[k].owned = false;
  constexpr std::int64_t kTypicalSteps = 10;
  std::vector<Carry> carries = begin(body, bc, {in.begin() + cc + bc, in.end()}, results);
  loops::While loop{{}, -1, {}};
  std::vector<ScalarValue> state;
  loop.condition = inside([&] {
    state = current(carries);
    std::vector<ScalarValue> operands(in.begin(), in.begin() + cc);
    for (ScalarValue v : state) {
      v.owned = false;
      operands.push_back(std::move(v));
    }
    if (auto holds = run(condition, std::move(operands))) loop.test = element((*holds)[0], 0);
  });
  loop.body = repeated(kTypicalSteps, [&] {
    std::vector<ScalarValue> operands(in.begin() + cc, in.begin() + cc + bc);
    operands.insert(operands.end(), state.begin(), state.end());
    if (auto next = run(body, std::move(operands))) advance(carries, std::move(*next));
  });
  statement({std::move(loop)});
  return current(carries);
}

// Each branch in a block of its own, with all elements of its results.
std::vector<ScalarBuilder::Branch> ScalarBuilder::branches(GraphNodes& s, OpId id) {
  std::vector<Branch> out;
  for (const Jaxpr& j : s.graph.op(id).params.get<CondParams>().branches) {
    const Graph g = build_graph(j);
    Branch branch;
    branch.block = inside([&] {
      std::vector<ScalarValue> in;
      for (std::size_t k = 1; k < s.graph.op(id).in.size(); ++k) in.push_back(take(s, id, k));
      auto results = run(g, std::move(in));
      if (!results) return;
      for (ScalarValue& v : *results)
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(v.elements.size()); ++i) element(v, i);
      branch.results = std::move(*results);
    });
    if (!is_suited_) return {};
    out.push_back(std::move(branch));
  }
  return out;
}

// Result k of the branches: elements to be filled in, or memory that all of them change in place.
ScalarBuilder::ScalarValue ScalarBuilder::common_result(const std::vector<Branch>& branches, std::size_t k,
                                                        const Aval& aval) {
  const ScalarValue& first = branches[0].results[k];
  for (const Branch& b : branches) {
    const ScalarValue& r = b.results[k];
    const bool in_place = r.owned && first.owned && r.elements.empty() && first.elements.empty() &&
                          r.memory->buffer == first.memory->buffer;
    if (first.elements.empty() ? !in_place : r.elements.empty()) give_up();
  }
  return first.elements.empty() ? first : held(aval);
}

std::vector<ScalarBuilder::ScalarValue> ScalarBuilder::branch(GraphNodes& s, OpId id) {
  constexpr std::size_t kCheap = 16;  // statements that cost less than a branch that is guessed wrongly
  const GraphOp& op = s.graph.op(id);
  const GraphValue& index = s.graph.value(op.in[0]);
  if (index.aval.dtype != DType::i32 || !index.dims.empty()) give_up();
  if (!is_suited_) return {};
  const NodeId which = element(value(s, op.in[0]), 0);
  std::vector<Branch> branches = this->branches(s, id);
  if (!is_suited_) return {};
  std::vector<ScalarValue> out;
  for (std::size_t k = 0; k < op.out.size(); ++k)
    out.push_back(common_result(branches, k, s.graph.value(op.out[k]).aval));
  if (!is_suited_) return {};
  std::size_t statements = 0;
  bool only_evals = true;
  for (const Branch& b : branches) {
    statements += b.block.size();
    only_evals = only_evals && std::ranges::all_of(b.block, [](const loops::Statement& x) {
                   return std::holds_alternative<loops::Eval>(x.what);
                 });
  }
  if (only_evals && statements <= kCheap) select_results(which, std::move(branches), out);
  else run_chosen(which, std::move(branches), out);
  return out;
}

NodeId ScalarBuilder::is_before(NodeId which, std::size_t branch) {
  return node(Op::le, DType::bool_, which, constant(DType::i32, branch));
}

// All branches are computed, and their results selected from.
void ScalarBuilder::select_results(NodeId which, std::vector<Branch> branches, std::vector<ScalarValue>& out) {
  for (Branch& b : branches)
    for (auto& x : b.block) statement(std::move(x));
  for (std::size_t k = 0; k < out.size(); ++k)
    for (std::size_t i = 0; i < out[k].elements.size(); ++i) {
      NodeId n = branches.back().results[k].elements[i];
      for (std::size_t b = branches.size() - 1; b-- > 0;)
        if (const NodeId other = branches[b].results[k].elements[i]; other != n)
          n = node(Op::select, out[k].dtype, is_before(which, b), other, n);
      out[k].elements[i] = n;
    }
}

// One branch is run, which leaves its results in cells.
void ScalarBuilder::run_chosen(NodeId which, std::vector<Branch> branches, std::vector<ScalarValue>& out) {
  std::vector<std::vector<std::int32_t>> cells(out.size());
  for (std::size_t k = 0; k < out.size(); ++k)
    for (std::size_t i = 0; i < out[k].elements.size(); ++i) {
      cells[k].push_back(static_cast<std::int32_t>(kernel_.cells.size()));
      kernel_.cells.push_back(out[k].dtype);
    }
  std::vector<NodeId> tests;
  for (std::size_t b = 0; b + 1 < branches.size(); ++b) tests.push_back(is_before(which, b));
  loops::Block chosen;
  for (std::size_t b = branches.size(); b-- > 0;) {
    loops::Block mine = std::move(branches[b].block);
    for (std::size_t k = 0; k < out.size(); ++k)
      for (std::size_t i = 0; i < cells[k].size(); ++i)
        mine.push_back({loops::Set{cells[k][i], branches[b].results[k].elements[i]}});
    if (b + 1 == branches.size()) {
      chosen = std::move(mine);
      continue;
    }
    loops::Block outer;
    outer.push_back({loops::If{tests[b], std::move(mine), std::move(chosen)}});
    chosen = std::move(outer);
  }
  for (auto& x : chosen) statement(std::move(x));
  for (std::size_t k = 0; k < out.size(); ++k)
    for (std::size_t i = 0; i < cells[k].size(); ++i)
      out[k].elements[i] = emit({.op = Op::get, .dtype = out[k].dtype, .cell = cells[k][i]});
}

namespace {

// Drops the evaluation of nodes that nothing needs. Values pass from one iteration to the next in cells only, so one
// walk backwards meets every use before the node.
class Unused {
 public:
  explicit Unused(loops::Kernel& k) : kernel_(k), needed_(k.nodes.size(), false) {}

  void drop(loops::Block& block) {
    loops::Block kept;
    for (std::size_t i = block.size(); i-- > 0;) {
      loops::Statement& s = block[i];
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
        if (!needed_[e->node]) continue;
        const loops::Node& n = kernel_.nodes[e->node];
        for (const NodeId x : n.in) need(x);
        for (const auto& d : n.dynamic) need(d.first);
      } else if (const auto* st = std::get_if<loops::Store>(&s.what)) {
        need(st->value);
        for (const auto& d : st->dynamic) need(d.first);
      } else if (const auto* c = std::get_if<loops::Set>(&s.what)) {
        need(c->value);
      } else if (auto* l = std::get_if<loops::Loop>(&s.what)) {
        drop(l->body);
      } else if (auto* w = std::get_if<loops::While>(&s.what)) {
        drop(w->body);
        need(w->test);
        drop(w->condition);
      } else if (auto* branch = std::get_if<loops::If>(&s.what)) {
        need(branch->test);
        drop(branch->yes);
        drop(branch->no);
      }
      kept.push_back(std::move(s));
    }
    std::ranges::reverse(kept);
    block = std::move(kept);
  }

 private:
  void need(NodeId n) {
    if (n >= 0) needed_[n] = true;
  }
  loops::Kernel& kernel_;
  std::vector<bool> needed_;
};

struct InnerEquations {
  using Result = std::size_t;
  bool operator==(const InnerEquations&) const = default;
};
// How many equations there are with those of inner programs, up to kMany.
std::size_t equations(const Jaxpr& jaxpr) {
  constexpr std::size_t kMany = std::size_t{1} << 32;
  return *jaxpr->memo->get(InnerEquations{}, [&] {
    std::size_t total = jaxpr->eqns.size();
    for (const Equation& e : jaxpr->eqns)
      for (const Jaxpr& inner : nested_jaxprs(e.params)) total = std::min(total + equations(inner), kMany);
    return total;
  });
}

class LoopBuilder : ScalarBuilder {
 public:
  explicit LoopBuilder(bool index_memory) { index_memory_ = index_memory; }

  std::optional<NativeLoop> build(const Graph& graph, const GraphOp& op) {
    std::vector<ScalarValue> in, results;
    for (const ValueId v : op.in) in.push_back(operand(graph, v));
    for (const ValueId v : op.out)
      results.push_back(dense(graph.value(v).aval.dtype, graph.value(v).dims,
                              buffer(graph.value(v).aval.dtype, graph.value(v).elements(), v)));
    const bool is_scan = op.kind == OpKind::scan;
    std::vector<ScalarValue> out = is_scan ? scan(op.params.get<ScanParams>(), std::move(in), results)
                                           : while_loop(op.params.get<WhileParams>(), std::move(in), results);
    if (!is_suited_) return std::nullopt;
    for (std::size_t k = 0; k < out.size(); ++k) {
      kernel_.buffers[results[k].memory->buffer].written = true;
      if (!out[k].memory) store(std::move(out[k]), *results[k].memory);  // else it is there already
    }
    if (!is_suited_ || scalar_time_ > vector_time_) return std::nullopt;
    Unused(kernel_).drop(kernel_.body);
    return NativeLoop{std::move(kernel_), std::move(buffers_)};
  }

 private:
  ScalarValue operand(const Graph& graph, ValueId v) {
    const GraphValue& x = graph.value(v);
    if (x.is_constant() && x.elements() <= kFew) return array(x.constant);
    return dense(x.aval.dtype, x.dims, buffer(x.aval.dtype, x.elements(), v));
  }
};

}  // namespace

std::optional<NativeLoop> lower_scalar_loop(const Graph& graph, const GraphOp& op) {
  if (auto loop = LoopBuilder(true).build(graph, op)) return loop;
  return LoopBuilder(false).build(graph, op);
}

std::optional<NativeLoop> lower_native_loop(const Graph& graph, const GraphOp& op, int lanes) {
  constexpr std::size_t kMostEquations = 1000;
  std::size_t size = 0;
  for (const Jaxpr& j : nested_jaxprs(op.params)) size += equations(j);
  if (size > kMostEquations) return std::nullopt;
  const auto fits = [&](ValueId v) {
    return has_loop_type(graph.value(v).aval.dtype) && graph.value(v).elements() > 0;
  };
  if (!std::ranges::all_of(op.in, fits) || !std::ranges::all_of(op.out, fits)) return std::nullopt;
  if (auto loop = lower_scalar_loop(graph, op)) return loop;
  return lower_vector_loop(graph, op, lanes);
}

}  // namespace tf2jax::compiler
