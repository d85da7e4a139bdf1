// Plans against their definitions: order, index maps, memory.
#include "tf2jax/compiler/check_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "tf2jax/compiler/loops/simulate.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

bool is_given(const Graph& g, ValueId v) {
  return g.value(v).is_constant() || std::ranges::find(g.inputs, v) != g.inputs.end();
}

// What a unit reads and writes, as values (not bases).
struct Traffic {
  std::vector<ValueId> reads, writes;
};
Traffic traffic(const Graph& g, const FusionPlan& plan, const Unit& u) {
  Traffic t;
  if (u.group >= 0) {
    const Group& group = plan.groups[u.group];
    for (const auto& [v, maps] : group.demands)
      if (!group.is_inlined(v)) t.reads.push_back(v);
    for (const ValueAt& r : group.roots) t.writes.push_back(r.value);
    return t;
  }
  const GraphOp& op = g.op(u.op);
  t.reads = op.in;
  t.writes = op.out;
  if (const auto dot = plan.dots.find(u.op); dot != plan.dots.end())
    t.reads = {dot->second.lhs.base, dot->second.rhs.base};
  if (const auto bias = plan.biases.find(u.op); bias != plan.biases.end()) {
    t.reads.push_back(bias->second.vector);
    t.writes = {bias->second.result};
  }
  return t;
}

// ---- index maps

using Index = Dims;

std::int64_t value_of(const Affine& a, const Index& variables) {
  std::int64_t out = a.offset;
  for (const auto& [x, c] : a.terms) out += c * variables[x];
  return out;
}
Index index_at(const IndexSpace& space, MapId map, const Index& variables) {
  Index out;
  for (const Affine& a : space.map(map)) out.push_back(value_of(a, variables));
  return out;
}
bool is_inside(const Index& index, const Dims& dims) {
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (index[i] < 0 || index[i] >= dims[i]) return false;
  return true;
}
std::int64_t flat(const Index& index, const Dims& dims) {
  std::int64_t out = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) out = out * dims[i] + index[i];
  return out;
}
Index unflat(std::int64_t n, const Dims& dims) {
  Index out(dims.size());
  for (std::size_t i = dims.size(); i-- > 0; n /= dims[i]) out[i] = n % dims[i];
  return out;
}

constexpr std::int64_t kMostPoints = 2048;

/// Calls f with the values of all variables, the last of the order innermost.
template <class F>
void for_points(const IndexSpace& space, F&& f) {
  const auto& order = space.order();
  Index variables(space.size(), 0);
  for (;;) {
    f(variables);
    std::size_t k = order.size();
    while (k-- > 0) {
      if (++variables[order[k]] < space.extent(order[k])) break;
      variables[order[k]] = 0;
    }
    if (k == static_cast<std::size_t>(-1)) return;
  }
}

/// Where the definition of a movement reads its first operand for an element of its result; nothing where it has its
/// own answer (padding) or is not one of these.
std::optional<Index> source(const GraphOp& op, const Index& index, const Dims& to, const Dims& from) {
  switch (op.kind) {
    case OpKind::reshape: return unflat(flat(index, to), from);
    case OpKind::transpose: {
      Index out(from.size());
      const Axes& p = op.params.get<TransposeParams>().permutation;
      for (std::size_t i = 0; i < p.size(); ++i) out[p[i]] = index[i];
      return out;
    }
    case OpKind::broadcast: {
      Index out;
      const Axes& axes = op.params.get<BroadcastInDim>().broadcast_dimensions;
      for (std::size_t i = 0; i < axes.size(); ++i) out.push_back(from[i] == 1 ? 0 : index[axes[i]]);
      return out;
    }
    case OpKind::slice: {
      Index out;
      const SliceParams& s = op.params.get<SliceParams>();
      for (std::size_t i = 0; i < index.size(); ++i)
        out.push_back(s.start_indices[i].value() + index[i] * (s.strides ? (*s.strides)[i] : 1));
      return out;
    }
    case OpKind::reverse: {
      Index out = index;
      for (const auto a : op.params.get<RevParams>().dimensions) out[a] = from[a] - 1 - out[a];
      return out;
    }
    case OpKind::pad: {
      Index out = index;
      const auto& config = op.params.get<PadParams>().padding_config;
      for (std::size_t i = 0; i < out.size(); ++i) out[i] -= config[i].low.value();
      return is_inside(out, from) ? std::optional(out) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

class MapCheck {
 public:
  MapCheck(const Graph& graph, const Group& group) : g_(graph), group_(group), space_(group.space) {}

  void run() {
    for (const auto& [place, operands] : group_.operands) {
      const GraphOp& op = *g_.producer(place.value);
      if (op.kind == OpKind::reduce) check_reduction(op, place, operands[0]);
      else for_points(space_, [&](const Index& x) { check_movement(op, place, operands, x); });
    }
    for (const ValueAt& r : group_.roots)
      if (!group_.scatter) check_root(r);
  }

 private:
  void check_movement(const GraphOp& op, const ValueAt& place, const std::vector<MapId>& operands,
                      const Index& x) const {
    const Dims& to = g_.value(place.value).dims;
    const Index index = index_at(space_, place.map, x);
    if (!is_inside(index, to)) return;  // behind a guard
    if (op.in.empty()) return;
    const Dims& from = g_.value(op.in[0]).dims;
    const auto want = source(op, index, to, from);
    if (!want) return;
    const Index got = index_at(space_, operands[0], x);
    if (got != *want)
      raise<InternalError>("plan: element {} of a {} is read at {} of its operand. Expected {}.", tuple_string(index),
                           op.primitive.name(), tuple_string(got), tuple_string(*want));
  }

  // Every element of the operand is met once, beside its own element of the result.
  void check_reduction(const GraphOp& op, const ValueAt& place, MapId operand) const {
    const Dims &to = g_.value(place.value).dims, &from = g_.value(op.in[0]).dims;
    const Axes& axes = op.params.get<ReduceAxes>().axes;
    std::vector<std::set<std::int64_t>> met(num_elements(to));
    for_points(space_, [&](const Index& x) {
      const Index result = index_at(space_, place.map, x), read = index_at(space_, operand, x);
      if (!is_inside(result, to)) return;
      Index kept;
      for (std::size_t i = 0; i < read.size(); ++i)
        if (!contains(axes, static_cast<std::int64_t>(i))) kept.push_back(read[i]);
      if (!is_inside(read, from) || kept != result)
        raise<InternalError>("plan: element {} of a reduction adds element {} of its operand.", tuple_string(result),
                             tuple_string(read));
      met[flat(result, to)].insert(flat(read, from));
    });
    const std::int64_t terms =
        to.empty() && from.empty() ? 1 : num_elements(from) / std::max<std::int64_t>(num_elements(to), 1);
    for (const auto& m : met)
      if (static_cast<std::int64_t>(m.size()) != terms)
        raise<InternalError>("plan: a sum of {} terms meets {} of them.", terms, m.size());
  }

  void check_root(const ValueAt& r) const {
    const Dims& dims = g_.value(r.value).dims;
    // Over all variables, or over the parallel ones, from which the others take nothing.
    const bool over_all = num_elements(dims) == space_.volume(space_.order());
    std::vector<std::set<Index>> writers(num_elements(dims));
    for_points(space_, [&](const Index& x) {
      const Index index = index_at(space_, r.map, x);
      if (!is_inside(index, dims))
        raise<InternalError>("plan: a result of shape {} is written at {}.", tuple_string(dims), tuple_string(index));
      Index writer = x;
      for (const LoopVar v : group_.reduced)
        if (!over_all) writer[v] = 0;
      writers[flat(index, dims)].insert(std::move(writer));
    });
    for (const auto& w : writers)
      if (w.size() != 1)
        raise<InternalError>("plan: an element of a result of shape {} is written {} times.", tuple_string(dims),
                             w.size());
  }

  const Graph& g_;
  const Group& group_;
  const IndexSpace& space_;
};

}  // namespace

void check_order(const Graph& g, const FusionPlan& plan) {
  std::map<ValueId, int> writers;  // by base: who wrote how much of it
  const auto base = [&](ValueId v) { return plan.views.at(v).base; };
  for (const Unit& u : plan.order) {
    const Traffic t = traffic(g, plan, u);
    for (const ValueId v : t.reads) {
      const bool whole = is_given(g, base(v)) || writers[base(v)] == (plan.interleaved.contains(base(v)) ? 2 : 1);
      if (!whole) raise<InternalError>("plan: a value {} is read before it is written.", g.value(v).aval);
    }
    for (const ValueId v : t.writes) {
      const ValueId b = plan.views.contains(v) ? base(v) : v;
      if (++writers[b] > (plan.interleaved.contains(b) ? 2 : 1) || is_given(g, b))
        raise<InternalError>("plan: a value {} is written twice.", g.value(v).aval);
    }
  }
  for (const ValueId v : g.outputs)
    if (!is_given(g, base(v)) && writers[base(v)] == 0)
      raise<InternalError>("plan: an output {} is never written.", g.value(v).aval);
}

void check_maps(const Graph& g, const FusionPlan& plan) {
  for (const Group& group : plan.groups)
    if (!group.roots.empty() && group.space.volume(group.space.order()) <= kMostPoints) MapCheck(g, group).run();
}

void check_assignment(const Graph& g, const FusionPlan& plan, const std::vector<UnitAccess>& units,
                      const BufferAssignment& sharing) {
  const auto home = [&](ValueId v) { return sharing.home[v]; };
  std::map<ValueId, ValueId> holds;  // by memory: the value that lies there
  for (const ValueId v : g.inputs) holds[home(v)] = v;
  const auto require = [&](ValueId v) {
    if (g.value(v).is_constant()) return;
    const auto it = holds.find(home(v));
    if (it == holds.end() || it->second != v)
      raise<InternalError>("plan: a value {} is read after its memory was written over.", g.value(v).aval);
  };
  for (const UnitAccess& u : units) {
    for (const ValueId v : u.reads) require(v);
    for (const ValueId w : u.writes) {
      ValueId& lies = holds.try_emplace(home(w), w).first->second;
      const bool in_place = std::ranges::find(u.in_place, std::pair(lies, w)) != u.in_place.end();
      if (lies != w && std::ranges::find(u.reads, lies) != u.reads.end() && !in_place)
        raise<InternalError>("plan: a value {} is written over while the same step reads it.", g.value(lies).aval);
      lies = w;
    }
  }
  for (const ValueId v : g.outputs) require(plan.views.at(v).base);
  for (const Group& group : plan.groups) {
    if (!group.scatter) continue;
    const GraphOp& op = g.op(group.scatter->op);
    if (home(plan.views.at(op.in[0]).base) != home(plan.views.at(op.out[0]).base))
      raise<InternalError>("plan: the operand of a {} does not lie where its result goes.", op.primitive.name());
  }
}

void check_kernels(const std::vector<BoundKernel>& kernels, const std::function<ValueId(ValueId)>& home,
                   Writes allowed) {
  std::map<ValueId, std::vector<std::int32_t>> writes;
  std::set<ValueId> uncounted;
  for (const auto& [kernel, bases] : kernels) {
    std::vector<ValueId> base_of;  // of every buffer
    for (std::size_t next = 0; const loops::Buffer& b : kernel.buffers)
      base_of.push_back(b.scratch ? -1 : bases[next++]);
    std::vector<std::int64_t> memory;
    for (const ValueId base : base_of) memory.push_back(base < 0 ? -1 : home(base));
    const auto counts = loops::count_writes(kernel, memory);
    for (std::size_t i = 0; i < kernel.buffers.size(); ++i) {
      if (base_of[i] < 0 || !kernel.buffers[i].written) continue;
      if (!counts) {
        uncounted.insert(base_of[i]);
        continue;
      }
      auto& total = writes[base_of[i]];
      total.resize(kernel.buffers[i].elements, 0);
      for (std::size_t e = 0; e < total.size(); ++e)
        total[e] += kernel.rewrites ? std::min((*counts)[i][e], 1) : (*counts)[i][e];
    }
  }
  if (allowed == Writes::any) return;
  for (const auto& [base, total] : writes)
    for (std::size_t e = 0; e < total.size() && !uncounted.contains(base); ++e)
      if (total[e] != 1) raise<InternalError>("plan: element {} of result {} is written {} times.", e, base, total[e]);
}

void check_arena(const std::vector<Program::Slot>& slots) {
  std::vector<const Program::Slot*> order;
  for (const auto& s : slots)
    if (s.kind == Program::Slot::Kind::arena && s.bytes > 0) order.push_back(&s);
  std::ranges::sort(order, {}, [](const auto* s) { return s->where; });
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t k = i + 1; k < order.size() && order[k]->where < order[i]->where + order[i]->bytes; ++k)
      if (order[i]->first <= order[k]->last && order[k]->first <= order[i]->last)
        raise<InternalError>("plan: two values that live at once share bytes of the arena.");
}

}  // namespace tf2jax::compiler
