// Joining: operations are visited from the results backwards; each joins the loop nests that read it, or starts one of
// its own where it must live in memory.
#include <algorithm>
#include <set>

#include "tf2jax/compiler/fusion/bias.h"
#include "tf2jax/compiler/fusion/dot_operands.h"
#include "tf2jax/compiler/fusion/internal/planner.h"
#include "tf2jax/compiler/fusion/operand_maps.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::compiler {

namespace {

using loops::Op;

bool is_heavy(const GraphOp& op) {
  if (op.kind != OpKind::elementwise) return op.kind == OpKind::reduce || op.kind == OpKind::gather;
  return loops::is_function(op.scalar) || op.scalar == Op::rsqrt || op.scalar == Op::rem;
}

// Whether elements lie in several windows: computing them for each is dearer than keeping them.
bool windows_overlap(const GraphOp& op) {
  const Window& w = op.params.get<Window>();
  for (std::size_t i = 0; i < w.window_dimensions.size(); ++i)
    if (w.window_dimensions[i] > 1 && (w.window_strides.empty() || w.window_strides[i] < w.window_dimensions[i]))
      return true;
  return false;
}

// Reads its first operand at any place, so that all of it must be there before the group starts.
bool reads_anywhere(const GraphOp& op) {
  return op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather ||
         (op.kind == OpKind::windows && windows_overlap(op));
}

// True when the group would compute a costly value again in every pass of an outer loop.
bool is_repeated(const Graph& graph, const Group& group, const GraphOp& op) {
  if (!is_heavy(op) || op.kind != OpKind::elementwise || group.space.order().empty()) return false;
  const std::int64_t elements = graph.value(op.out[0]).elements();
  std::int64_t all = 1;
  for (const LoopVar x : group.space.order()) all *= group.space.extent(x);
  if (elements * 2 > all) return false;
  const LoopVar last = group.space.order().back();
  return std::ranges::any_of(group.demands.at(op.out[0]), [&](MapId m) {
    const std::vector<LoopVar> used = group.space.variables(m);
    return std::ranges::find(used, last) != used.end();
  });
}

// Updates read from what the scatter writes over are computed before: then it needs no copy.
bool suits_scatter(const Graph& graph, const ScatterLoops& scatter, const GraphOp& op) {
  const ValueId source = graph.producer(graph.op(scatter.op).in[0])->in[0];
  if (op.kind == OpKind::reduce || std::ranges::find(op.in, source) != op.in.end()) return false;
  return scatter.has_lanes || op.kind != OpKind::elementwise || !is_heavy(op);
}

// A reshape, also one that cannot be read this way, may have split a reduced variable. One that was split before it
// was reduced has a parallel half.
void follow_splits(Group& group) {
  const auto& splits = group.space.splits();
  for (; group.splits_followed < splits.size(); ++group.splits_followed) {
    const auto [outer, inner] = splits[group.splits_followed];
    if (std::ranges::find(group.reduced, outer) != group.reduced.end()) group.reduced.push_back(inner);
  }
  group.space.move_to_back(group.reduced);
}

// True when a result at this map can be written once by the group.
bool is_complete(const Group& group, MapId map, const Dims& dims) {
  if (!group.space.is_bijective(map, dims)) return false;
  std::int64_t all = 1, reduced = 1;
  for (const LoopVar x : group.space.order()) all *= group.space.extent(x);
  for (const LoopVar x : group.reduced) reduced *= group.space.extent(x);
  const std::int64_t n = num_elements(dims);
  if (n == all) return true;
  if (group.reduced.empty() || n != all / reduced) return false;
  for (const LoopVar x : group.space.variables(map))
    if (group.space.extent(x) > 1 && std::ranges::find(group.reduced, x) != group.reduced.end()) return false;
  return true;
}

// Whether a reduction that is read at these maps is computed once for every parallel index.
bool is_read_once(const Graph& graph, const Group& group, const GraphOp& op, const std::vector<MapId>& maps,
                  const std::vector<LoopVar>& parallel) {
  const GraphValue& out = graph.value(op.out[0]);
  return group.space.volume(parallel) == out.elements() &&
         std::ranges::all_of(maps, [&](MapId m) { return group.space.is_bijective(m, out.dims); });
}

// The index along an axis of n as one over variables from `free[next]` on; empty where their extents do not multiply
// to n.
std::optional<Affine> index_over(const IndexSpace& space, std::int64_t n, const std::vector<LoopVar>& free,
                                 std::size_t& next) {
  std::int64_t volume = 1;
  std::vector<LoopVar> mine;
  while (volume < n && next < free.size()) {
    volume *= space.extent(free[next]);
    mine.push_back(free[next++]);
  }
  if (volume != n) return std::nullopt;
  Affine a;
  std::int64_t stride = 1;
  for (std::size_t k = mine.size(); k-- > 0;) {
    a = a + variable_index(mine[k], stride);
    stride *= space.extent(mine[k]);
  }
  return a;
}

// The variables that a reduction inside the group runs over: those its readers leave free, or new ones.
std::optional<IndexMap> reduction_variables(const Graph& graph, Group& group, const GraphOp& op,
                                            const std::vector<MapId>& maps) {
  std::set<LoopVar> used;
  for (const MapId m : maps)
    for (const LoopVar x : group.space.variables(m)) used.insert(x);
  std::vector<LoopVar> parallel, free;
  for (const LoopVar x : group.space.order())
    if (group.space.extent(x) > 1) (used.count(x) ? parallel : free).push_back(x);
  if (std::ranges::any_of(group.reduced, [&](LoopVar x) { return used.count(x) > 0; })) return std::nullopt;
  if (!group.reduced.empty() && free.size() != group.reduced.size()) return std::nullopt;
  if (!is_read_once(graph, group, op, maps, parallel)) return std::nullopt;
  const bool fresh = free.empty();
  std::size_t next = 0;
  IndexMap out;
  for (const std::int64_t axis : op.params.get<ReduceAxes>().axes) {
    const std::int64_t n = graph.value(op.in[0]).dims[axis];
    if (fresh) {
      out.push_back(n == 1 ? constant_index(0) : variable_index(group.space.add(n)));
      continue;
    }
    const auto index = index_over(group.space, n, free, next);
    if (!index) return std::nullopt;
    out.push_back(*index);
  }
  return fresh || next == free.size() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

// A step of its own, or a place in memory: its operands are there before it.
void Planner::visit_step(OpId o) {
  const GraphOp& op = g_.op(o);
  if (op.kind == OpKind::dot) {
    DotLayout dot = dot_layout(g_, op, layout_of(op.out[0]));
    external_[dot.lhs.base] = external_[dot.rhs.base] = true;
    look_through(op.in[0], dot.lhs.base);
    look_through(op.in[1], dot.rhs.base);
    plan_.dots.emplace(o, std::move(dot));
  } else if (op.kind == OpKind::reinterpret) {
    external_[op.in[0]] = true;
    alias_[op.out[0]] = op.in[0];
  } else if (op.kind == OpKind::interleave) {
    interleave(op);
  } else {
    for (const ValueId v : op.in) external_[v] = true;
  }
}

void Planner::visit(OpId o) {
  const GraphOp& op = g_.op(o);
  if (!is_fusible(op.kind)) return visit_step(o);
  const ValueId v = op.out[0];
  if (op.kind == OpKind::cumulative || op.kind == OpKind::scatter) {
    external_[v] = true;
    return op.kind == OpKind::scatter ? start_scatter(o) : start_group(o);
  }
  if (op.in_memory) external_[v] = true;
  if (!external_[v] && join_readers(o)) return;
  external_[v] = true;
  const std::vector<std::int32_t> readers = alive(demanders_[v]);
  if (op.kind == OpKind::reshape) {  // the same memory under another shape
    external_[op.in[0]] = true;
    alias_[v] = op.in[0];
    return;
  }
  if (op.kind == OpKind::transpose && take_layout(op)) return;
  for (const std::int32_t r : readers)
    if (join_as_root(r, o)) return;
  if (library_ && readers.empty() && op.kind == OpKind::elementwise)
    if (auto found = find_bias(g_, op)) {
      plan_.biases.insert(*std::move(found));
      return;
    }
  start_group(o);
}

// Computes an operation in every group that reads it; false where some group cannot, and reads it from memory.
bool Planner::join_readers(OpId o) {
  const GraphOp& op = g_.op(o);
  const ValueId v = op.out[0];
  std::vector<std::int32_t> readers = alive(demanders_[v]);
  if (readers.size() > 1 && !may_copy(op, readers.size()) && !(readers.size() <= 4 && merge(readers, v))) return false;
  readers = alive(readers);
  if (readers.size() > 1)
    for (const ValueId x : op.in) copies_[x] = std::max(copies_[x], copies_[v] + 1);
  bool everywhere = true;
  for (const std::int32_t r : readers) everywhere = inline_into(r, o) && everywhere;
  return everywhere;
}

// A dot reads its operand where `base` lies.
void Planner::look_through(ValueId v, ValueId base) {
  for (; v != base; v = g_.producer(v)->in[0]) seen_through_[v] = true;
}

// Movement and light arithmetic is cheaper to repeat in each reader than to store and load.
bool Planner::may_copy(const GraphOp& op, std::size_t readers) const {
  if (is_heavy(op)) return false;
  if (op.kind == OpKind::elementwise) return readers <= 4 && copies_[op.out[0]] < 4;
  return op.kind != OpKind::concatenate && op.kind != OpKind::pad;
}

void Planner::demand(std::int32_t i, ValueId v, MapId map) {
  auto& maps = group(i).demands[v];
  if (std::ranges::find(maps, map) != maps.end()) return;
  maps.push_back(map);
  if (g_.value(v).op >= 0) demanders_[v].push_back(i);
}

bool Planner::reads_memory(std::int32_t i, ValueId v) const {
  return std::ranges::any_of(g_.value(v).users, [&](OpId u) {
    const GraphOp& op = g_.op(u);
    return reads_anywhere(op) && op.in[0] == v && std::ranges::count(alive(op_groups_[u]), i) > 0;
  });
}

// Computes op inside the group wherever it is read there.
bool Planner::inline_into(std::int32_t i, OpId o) {
  const GraphOp& op = g_.op(o);
  Group& group = this->group(i);
  const ValueId v = op.out[0];
  if (group.is_inlined(v)) return true;
  const std::vector<MapId> maps = group.demands.at(v);
  if (is_repeated(g_, group, op) || (group.scatter && !suits_scatter(g_, *group.scatter, op))) return false;
  if (group.cost > kLargestGroup || maps.size() > (is_heavy(op) ? 2u : 8u)) return false;
  std::optional<IndexMap> reduced_map = IndexMap{};
  if (op.kind == OpKind::reduce && !(reduced_map = reduction_variables(g_, group, op, maps))) return false;
  std::vector<std::pair<MapId, std::vector<MapId>>> links;
  for (const MapId m : maps) {
    auto operands = operand_maps(g_, op, group.space, m, *reduced_map);
    if (!operands) {
      follow_splits(group);
      return false;
    }
    links.emplace_back(m, std::move(*operands));
  }
  if (op.kind == OpKind::reduce) {
    std::set<LoopVar> variables(group.reduced.begin(), group.reduced.end());
    for (const Affine& a : *reduced_map)
      for (const auto& [x, c] : a.terms) variables.insert(x);
    group.reduced.assign(variables.begin(), variables.end());
  }
  follow_splits(group);
  if (reads_anywhere(op)) external_[op.in[0]] = true;
  for (auto& [m, operands] : links) {
    for (std::size_t k = 0; k < operands.size(); ++k)
      demand(i, op.kind == OpKind::gather ? op.in[k ? 1 : 0] : op.in[k], operands[k]);
    group.operands[{v, m}] = std::move(operands);
    group.cost += is_heavy(op) ? 16 : 1;  // a sine takes as long to compile as a dozen additions
  }
  group.inlined[v] = true;
  op_groups_[o].push_back(i);
  return true;
}

// A result that lives in memory is written by a group that reads it too.
bool Planner::join_as_root(std::int32_t i, OpId o) {
  const GraphOp& op = g_.op(o);
  const ValueId v = op.out[0];
  Group& group = this->group(i);
  if (op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather || group.roots.size() >= 16 || group.scatter)
    return false;
  if (reaches(v, i, i) || reads_memory(i, v)) return false;
  for (const MapId m : std::vector<MapId>(group.demands.at(v)))
    if (op.kind == OpKind::reduce || is_complete(group, m, g_.value(v).dims)) {
      if (!group.is_inlined(v) && !inline_into(i, o)) return false;
      if (!is_complete(group, m, g_.value(v).dims)) return false;
      group.roots.push_back({v, m});
      return true;
    }
  return false;
}

void Planner::start_group(OpId o) {
  const GraphOp& op = g_.op(o);
  const ValueId v = op.out[0];
  const auto i = static_cast<std::int32_t>(plan_.groups.size());
  plan_.groups.emplace_back();
  Group& group = plan_.groups.back();
  MapId m = group.space.identity(g_.value(v).dims);
  if (op.kind == OpKind::cumulative) {
    const Cumulative& c = op.params.get<Cumulative>();
    IndexMap map = group.space.map(m);
    Affine& along = map[c.axis];
    group.is_running = true;
    group.reduced = {along.terms[0].first};
    if (c.reverse) along = along * -1 + (g_.value(v).dims[c.axis] - 1);
    m = group.space.intern(map);
  }
  group.demands[v] = {m};
  check<InternalError>(inline_into(i, o), "fusion: a group could not be started for {}.", op.primitive.name());
  this->group(i).roots.push_back({v, m});
}

void Planner::start_scatter(OpId o) {
  const GraphOp& op = g_.op(o);
  const ValueId v = op.out[0];
  const auto i = static_cast<std::int32_t>(plan_.groups.size());
  plan_.groups.emplace_back();
  ScatterMaps maps = scatter_maps(g_, o, plan_.groups.back().space);
  plan_.groups.back().scatter = std::move(maps.loops);
  demand(i, op.in[0], maps.out);
  for (const MapId m : maps.indices) demand(i, op.in[1], m);
  demand(i, op.in[2], maps.updates);
  Group& group = this->group(i);
  group.demands[v] = {maps.out};
  auto& operands = group.operands[{v, maps.out}] = std::move(maps.indices);
  operands.push_back(maps.updates);
  group.inlined[v] = true;
  op_groups_[o].push_back(i);
  group.roots.push_back({v, maps.out});
}

FusionPlan Planner::plan() {
  for (const ValueId v : g_.outputs) external_[v] = true;
  for (auto o = static_cast<OpId>(g_.ops.size()); o-- > 0;) visit(o);
  finish_views();
  plan_.order = order_units(g_, plan_, [&](ValueId v) { return base_of(v); });
  return std::move(plan_);
}

FusionPlan plan_fusion(const Graph& graph, bool library) { return Planner(graph, library).plan(); }

}  // namespace tf2jax::compiler
