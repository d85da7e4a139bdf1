// The fusion planner. Operations are visited from the results backwards; each joins the loop nests that read it, or
// starts one of its own where it must live in memory. Longer than other files because joining, merging and placing change
// one set of groups in turn.
#include "tf2jax/backends/llvm/fusion.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>

#include "tf2jax/backends/llvm/dot_plan.h"
#include "tf2jax/backends/llvm/epilogue.h"
#include "tf2jax/backends/llvm/link.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::compiler {

namespace {

using loops::Op;

constexpr std::int64_t kLargestGroup = 256;   // inlined places: bounds the time of code generation

bool is_heavy(const GraphOp& op) {
  if (op.kind != OpKind::elementwise) return op.kind == OpKind::reduce || op.kind == OpKind::gather;
  return loops::is_function(op.scalar) || op.scalar == Op::rsqrt || op.scalar == Op::rem;
}

// Whether elements lie in several windows: computing them for each is dearer than keeping them.
bool windows_overlap(const GraphOp& op) {
  const Window& w = op.params.get<Window>();
  for (std::size_t i = 0; i < w.window_dimensions.size(); ++i)
    if (w.window_dimensions[i] > 1 && (w.window_strides.empty() || w.window_strides[i] < w.window_dimensions[i])) return true;
  return false;
}

class Planner {
 public:
  Planner(const Graph& graph, bool library)
      : g_(graph), library_(library), external_(graph.values.size(), false), demanders_(graph.values.size()), root_group_(graph.values.size(), -1), copies_(graph.values.size(), 0),
        op_groups_(graph.ops.size()), seen_through_(graph.values.size(), false) {}

  Plan plan() {
    for (const ValueId v : g_.outputs) external_[at(v)] = true;
    for (auto o = static_cast<OpId>(g_.ops.size()); o-- > 0;) visit(o);
    finish_views();
    order_units();
    return std::move(plan_);
  }

 private:
  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
  Group& group(std::int32_t i) { return plan_.groups[at(i)]; }

  void visit(OpId o) {
    const GraphOp& op = g_.op(o);
    if (op.kind == OpKind::dot) {
      DotPlan dot = plan_dot(g_, op, layout_of(op.out[0]));
      external_[at(dot.lhs.base)] = external_[at(dot.rhs.base)] = true;
      look_through(op.in[0], dot.lhs.base);
      look_through(op.in[1], dot.rhs.base);
      plan_.dots.emplace(o, std::move(dot));
      return;
    }
    if (op.kind == OpKind::reinterpret) {
      external_[at(op.in[0])] = true;
      alias_[op.out[0]] = op.in[0];
      return;
    }
    if (op.kind == OpKind::interleave) return interleave(op);
    if (!is_fusible(op.kind)) {
      for (const ValueId v : op.in) external_[at(v)] = true;
      return;
    }
    const ValueId v = op.out[0];
    if (op.kind == OpKind::cumulative) {
      external_[at(v)] = true;
      return start_group(o);
    }
    if (op.kind == OpKind::scatter) {
      external_[at(v)] = true;
      return start_scatter(o);
    }
    if (op.in_memory) external_[at(v)] = true;
    std::vector<std::int32_t> readers = alive(demanders_[at(v)]);
    if (!external_[at(v)]) {
      if (readers.size() > 1 && !may_copy(op, readers.size()) && !(readers.size() <= 4 && merge(readers, v))) {
        external_[at(v)] = true;
      } else {
        readers = alive(readers);
        if (readers.size() > 1)
          for (const ValueId x : op.in) copies_[at(x)] = std::max(copies_[at(x)], copies_[at(v)] + 1);
        for (const std::int32_t r : readers)
          if (!inline_into(r, o)) external_[at(v)] = true;
      }
      if (!external_[at(v)]) return;
    }
    readers = alive(demanders_[at(v)]);
    if (op.kind == OpKind::reshape) {   // the same memory under another shape
      external_[at(op.in[0])] = true;
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

  // A dot reads its operand where `base` lies.
  void look_through(ValueId v, ValueId base) {
    for (; v != base; v = g_.producer(v)->in[0]) seen_through_[at(v)] = true;
  }
  // Read from the memory of an operand, besides what groups compute of it.
  bool is_view(ValueId v) const { return seen_through_[at(v)] || alias_.contains(v) || views_transposed_.contains(v); }

  // ---- joining

  std::vector<std::int32_t> alive(const std::vector<std::int32_t>& groups) const {
    std::vector<std::int32_t> out;
    for (std::int32_t i : groups) {
      for (auto it = merged_.find(i); it != merged_.end(); it = merged_.find(i)) i = it->second;
      if (std::ranges::find(out, i) == out.end()) out.push_back(i);
    }
    return out;
  }

  // Movement and light arithmetic is cheaper to repeat in each reader than to store and load.
  bool may_copy(const GraphOp& op, std::size_t readers) const {
    if (is_heavy(op)) return false;
    if (op.kind == OpKind::elementwise) return readers <= 4 && copies_[at(op.out[0])] < 4;
    return op.kind != OpKind::concatenate && op.kind != OpKind::pad;
  }

  void demand(std::int32_t i, ValueId v, MapId map) {
    auto& maps = group(i).demands[v];
    if (std::ranges::find(maps, map) != maps.end()) return;
    maps.push_back(map);
    if (g_.value(v).op >= 0) demanders_[at(v)].push_back(i);
  }

  // True when the group would compute a costly value again in every pass of an outer loop.
  bool is_repeated(const Group& group, const GraphOp& op) const {
    if (!is_heavy(op) || op.kind != OpKind::elementwise || group.space.order().empty()) return false;
    const std::int64_t elements = g_.value(op.out[0]).elements();
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
  bool suits_scatter(const ScatterLoops& scatter, const GraphOp& op) const {
    const ValueId source = g_.producer(g_.op(scatter.op).in[0])->in[0];
    if (op.kind == OpKind::reduce || std::ranges::find(op.in, source) != op.in.end()) return false;
    return scatter.has_lanes || op.kind != OpKind::elementwise || !is_heavy(op);
  }

  // Computes op inside the group wherever it is read there.
  bool inline_into(std::int32_t i, OpId o) {
    const GraphOp& op = g_.op(o);
    Group& group = this->group(i);
    const ValueId v = op.out[0];
    if (group.is_inlined(v)) return true;
    const std::vector<MapId> maps = group.demands.at(v);
    if (is_repeated(group, op) || (group.scatter && !suits_scatter(*group.scatter, op))) return false;
    if (group.cost > kLargestGroup || maps.size() > (is_heavy(op) ? 2u : 8u)) return false;
    IndexMap reduced_map;
    if (op.kind == OpKind::reduce && !reduction_variables(group, op, maps, reduced_map)) return false;
    std::vector<std::pair<MapId, std::vector<MapId>>> links;
    for (const MapId m : maps) {
      auto operands = operand_maps(g_, op, group.space, m, reduced_map);
      if (!operands) {
        follow_splits(group);
        return false;
      }
      links.emplace_back(m, std::move(*operands));
    }
    if (op.kind == OpKind::reduce) {
      std::set<LoopVar> variables(group.reduced.begin(), group.reduced.end());
      for (const Affine& a : reduced_map)
        for (const auto& [x, c] : a.terms) variables.insert(x);
      group.reduced.assign(variables.begin(), variables.end());
    }
    follow_splits(group);
    if (reads_memory(op)) external_[at(op.in[0])] = true;
    for (auto& [m, operands] : links) {
      for (std::size_t k = 0; k < operands.size(); ++k) demand(i, op.kind == OpKind::gather ? op.in[k ? 1 : 0] : op.in[k], operands[k]);
      group.operands[{v, m}] = std::move(operands);
      group.cost += is_heavy(op) ? 16 : 1;   // a sine takes as long to compile as a dozen additions
    }
    group.inlined[v] = true;
    op_groups_[at(o)].push_back(i);
    return true;
  }

  // A reshape, also one that cannot be read this way, may have split a reduced variable. One that was split before it was
  // reduced has a parallel half.
  static void follow_splits(Group& group) {
    const auto& splits = group.space.splits();
    for (; group.splits_followed < splits.size(); ++group.splits_followed) {
      const auto [outer, inner] = splits[group.splits_followed];
      if (std::ranges::find(group.reduced, outer) != group.reduced.end()) group.reduced.push_back(inner);
    }
    group.space.move_to_back(group.reduced);
  }

  // Reads its first operand at any place, so that all of it must be there before the group starts.
  static bool reads_memory(const GraphOp& op) {
    return op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather || (op.kind == OpKind::windows && windows_overlap(op));
  }
  bool reads_memory(std::int32_t i, ValueId v) const {
    return std::ranges::any_of(g_.value(v).users, [&](OpId u) {
      const GraphOp& op = g_.op(u);
      return reads_memory(op) && op.in[0] == v && std::ranges::count(alive(op_groups_[at(u)]), i) > 0;
    });
  }

  // Finds the variables that a reduction inside the group runs over: those its readers leave free, or new ones.
  bool reduction_variables(Group& group, const GraphOp& op, const std::vector<MapId>& maps, IndexMap& out) {
    const Dims& dims = g_.value(op.in[0]).dims;
    std::set<LoopVar> used;
    for (const MapId m : maps)
      for (const LoopVar x : group.space.variables(m)) used.insert(x);
    std::vector<LoopVar> parallel, free;
    for (const LoopVar x : group.space.order()) {
      if (group.space.extent(x) == 1) continue;
      (used.count(x) ? parallel : free).push_back(x);
    }
    for (const LoopVar x : group.reduced)
      if (used.count(x)) return false;
    if (!group.reduced.empty() && free.size() != group.reduced.size()) return false;
    for (const MapId m : maps)   // once for every parallel index
      if (!group.space.is_bijective(m, g_.value(op.out[0]).dims) || group.space.volume(parallel) != g_.value(op.out[0]).elements()) return false;
    const bool fresh = free.empty();
    std::size_t next = 0;
    for (const std::int64_t axis : op.params.get<ReduceAxes>().axes) {
      const std::int64_t n = dims[at(static_cast<std::int32_t>(axis))];
      if (fresh) {
        out.push_back(n == 1 ? constant_index(0) : variable_index(group.space.add(n)));
        continue;
      }
      std::int64_t volume = 1;
      std::vector<LoopVar> mine;
      while (volume < n && next < free.size()) {
        volume *= group.space.extent(free[next]);
        mine.push_back(free[next++]);
      }
      if (volume != n) return false;
      Affine a;
      std::int64_t stride = 1;
      for (std::size_t k = mine.size(); k-- > 0;) {
        a = a + variable_index(mine[k], stride);
        stride *= group.space.extent(mine[k]);
      }
      out.push_back(a);
    }
    return fresh || next == free.size();
  }

  // True when a result at this map can be written once by the group.
  bool is_complete(const Group& group, MapId map, const Dims& dims) const {
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

  bool join_as_root(std::int32_t i, OpId o) {
    const GraphOp& op = g_.op(o);
    const ValueId v = op.out[0];
    Group& group = this->group(i);
    if (op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather || group.roots.size() >= 16 || group.scatter) return false;
    if (reaches(v, i, i) || reads_memory(i, v)) return false;
    for (const MapId m : std::vector<MapId>(group.demands.at(v)))
      if (op.kind == OpKind::reduce || is_complete(group, m, g_.value(v).dims)) {
        if (!group.is_inlined(v) && !inline_into(i, o)) return false;
        if (!is_complete(group, m, g_.value(v).dims)) return false;
        group.roots.push_back({v, m});
        root_group_[at(v)] = i;
        return true;
      }
    return false;
  }

  void start_group(OpId o) {
    const GraphOp& op = g_.op(o);
    const ValueId v = op.out[0];
    const auto i = static_cast<std::int32_t>(plan_.groups.size());
    plan_.groups.emplace_back();
    Group& group = plan_.groups.back();
    MapId m = group.space.identity(g_.value(v).dims);
    if (op.kind == OpKind::cumulative) {
      const Cumulative& c = op.params.get<Cumulative>();
      IndexMap map = group.space.map(m);
      Affine& along = map[static_cast<std::size_t>(c.axis)];
      group.is_running = true;
      group.reduced = {along.terms[0].first};
      if (c.reverse) along = along * -1 + (g_.value(v).dims[static_cast<std::size_t>(c.axis)] - 1);
      m = group.space.intern(map);
    }
    group.demands[v] = {m};
    check<InternalError>(inline_into(i, o), "fusion: a group could not be started for {}.", op.primitive.name());
    this->group(i).roots.push_back({v, m});
    root_group_[at(v)] = i;
  }

  void start_scatter(OpId o) {
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
    op_groups_[at(o)].push_back(i);
    group.roots.push_back({v, maps.out});
    root_group_[at(v)] = i;
  }

  // ---- merging groups that read the same value

  bool merge(const std::vector<std::int32_t>& groups, ValueId v) {
    for (std::size_t k = 1; k < groups.size(); ++k)
      if (!merge(groups[0], groups[k], v)) return false;
    return true;
  }

  bool merge(std::int32_t i, std::int32_t j, ValueId v) {
    Group &a = group(i), &b = group(j);
    if (a.cost + b.cost > kLargestGroup || a.roots.size() + b.roots.size() > 16 || a.is_running || b.is_running || a.scatter || b.scatter) return false;
    std::map<LoopVar, LoopVar> rename;
    if (!unify(a, b, v, rename)) return false;
    for (const auto& [x, y] : {std::pair(i, j), std::pair(j, i)})
      for (const Place& r : group(x).roots)
        if (group(y).demands.count(r.value) || reaches(r.value, y, x)) return false;
    std::map<MapId, MapId> numbers;   // one for each map: interning forgets what came long before
    const auto moved = [&](MapId m) {
      const auto [number, fresh] = numbers.try_emplace(m, 0);
      if (!fresh) return number->second;
      IndexMap map = b.space.map(m);
      for (Affine& f : map) {
        for (auto& [x, c] : f.terms) x = rename.at(x);
        std::ranges::sort(f.terms);
      }
      return number->second = a.space.intern(map);
    };
    for (const auto& [value, maps] : b.demands)
      for (const MapId m : maps) demand(i, value, moved(m));
    for (const auto& [place, maps] : b.operands) {
      std::vector<MapId> to;
      for (const MapId m : maps) to.push_back(moved(m));
      a.operands[{place.value, moved(place.map)}] = std::move(to);
    }
    for (const auto& [value, flag] : b.inlined) {
      a.inlined[value] = flag;
      op_groups_[at(g_.value(value).op)].push_back(i);
    }
    // What either computes is computed wherever the other reads it.
    for (const auto& [value, maps] : a.demands)
      for (const MapId m : maps)
        if (a.is_inlined(value) && !a.operands.count({value, m})) raise<InternalError>("fusion: merged groups disagree on what they compute.");
    for (const Place& r : b.roots) {
      a.roots.push_back({r.value, moved(r.map)});
      root_group_[at(r.value)] = i;
    }
    if (a.reduced.empty())
      for (const LoopVar x : b.reduced) a.reduced.push_back(rename.at(x));
    a.space.move_to_back(a.reduced);
    a.cost += b.cost;
    merged_[j] = i;
    b = Group();
    return true;
  }

  // Matches the variables of b with those of a where both read v; all of them must be matched.
  bool unify(const Group& a, const Group& b, ValueId v, std::map<LoopVar, LoopVar>& rename) const {
    const auto &ma = a.demands.at(v), &mb = b.demands.at(v);
    if (ma.size() != 1 || mb.size() != 1) return false;
    // Values computed by both must be read at the same places; only v itself may be shared so far.
    for (const auto& [value, flag] : b.inlined)
      if (a.demands.count(value)) return false;
    for (const auto& [value, flag] : a.inlined)
      if (b.demands.count(value)) return false;
    const IndexMap &x = a.space.map(ma[0]), &y = b.space.map(mb[0]);
    std::set<LoopVar> taken;
    for (std::size_t d = 0; d < x.size(); ++d) {
      if (x[d].offset != y[d].offset || x[d].terms.size() != y[d].terms.size()) return false;
      auto p = x[d].terms, q = y[d].terms;
      const auto by_scale = [](const auto& s, const auto& t) { return s.second > t.second; };
      std::ranges::sort(p, by_scale);
      std::ranges::sort(q, by_scale);
      for (std::size_t k = 0; k < p.size(); ++k) {
        if (p[k].second != q[k].second || a.space.extent(p[k].first) != b.space.extent(q[k].first)) return false;
        if (!rename.emplace(q[k].first, p[k].first).second || !taken.insert(p[k].first).second) return false;
      }
    }
    for (const LoopVar s : a.space.order())
      if (!taken.count(s)) return false;
    for (const LoopVar s : b.space.order())
      if (!rename.count(s)) return false;
    if (a.reduced.empty() || b.reduced.empty()) return true;
    std::set<LoopVar> ra(a.reduced.begin(), a.reduced.end()), rb;
    for (const LoopVar s : b.reduced) rb.insert(rename.at(s));
    return ra == rb;
  }

  // True when something computed from v outside `skip` is read by `target`. Gives up, on the safe side, after a while.
  bool reaches(ValueId v, std::int32_t target, std::int32_t skip) {
    std::vector<ValueId> stack{v};
    std::set<ValueId> seen{v};
    std::set<std::int32_t> groups;
    int budget = 400;
    const auto push = [&](ValueId x) {
      if (seen.insert(x).second) stack.push_back(x);
    };
    while (!stack.empty()) {
      const ValueId x = stack.back();
      stack.pop_back();
      for (const OpId u : g_.value(x).users) {
        if (--budget < 0) return true;
        const std::vector<std::int32_t> in = alive(op_groups_[at(u)]);
        if (in.empty() || is_view(g_.op(u).out[0]))
          for (const ValueId y : g_.op(u).out) push(y);
        for (const std::int32_t i : in) {
          if (i == skip && x == v) continue;   // the direct use inside the group itself
          if (i == target) return true;
          if (!groups.insert(i).second) continue;
          for (const Place& r : group(i).roots) push(r.value);
        }
      }
    }
    return false;
  }

  // ---- memory

  // Both values are written where the pair lies, by one group if that can be.
  void interleave(const GraphOp& op) {
    plan_.interleaved[op.out[0]] = {op.in[0], op.in[1]};
    const auto i = static_cast<std::int32_t>(plan_.groups.size());
    plan_.groups.emplace_back();
    const MapId m = plan_.groups.back().space.identity(g_.value(op.in[0]).dims);
    for (const ValueId v : op.in) {
      external_[at(v)] = true;
      demand(i, v, m);
    }
  }

  // A dot whose result is only transposed writes it transposed.
  bool take_layout(const GraphOp& op) {
    const GraphOp* dot = g_.producer(op.in[0]);
    if (!dot || dot->kind != OpKind::dot || g_.value(op.in[0]).users.size() != 1 || g_.value(op.in[0]).times_output || layouts_.count(op.in[0])) return false;
    const Axes& permutation = op.params.get<TransposeParams>().permutation;
    const Dims strides = row_major_strides(g_.value(op.out[0]).dims);
    Dims layout(strides.size());
    for (std::size_t i = 0; i < permutation.size(); ++i) layout[at(static_cast<std::int32_t>(permutation[i]))] = strides[i];
    if (!is_dot_layout(g_, *dot, layout)) return false;
    layouts_[op.in[0]] = layout;
    views_transposed_[op.out[0]] = op.in[0];
    external_[at(op.in[0])] = true;
    return true;
  }
  Dims layout_of(ValueId v) const {
    const auto it = layouts_.find(v);
    return it == layouts_.end() ? row_major_strides(g_.value(v).dims) : it->second;
  }

  ValueId base_of(ValueId v) const {
    for (;;) {
      if (const auto it = alias_.find(v); it != alias_.end()) v = it->second;
      else if (const auto t = views_transposed_.find(v); t != views_transposed_.end()) v = t->second;
      else return v;
    }
  }
  void finish_views() {
    for (std::size_t i = 0; i < g_.values.size(); ++i) {
      const auto v = static_cast<ValueId>(i);
      plan_.views[v] = {base_of(v), 0, layouts_.count(v) ? layout_of(v) : row_major_strides(g_.value(v).dims)};
    }
    for (const auto& [pair, halves] : plan_.interleaved)
      for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
        Dims strides = row_major_strides(g_.value(halves[k]).dims);
        for (auto& s : strides) s *= 2;
        plan_.views[halves[k]] = {base_of(pair), static_cast<std::int64_t>(k), std::move(strides)};
      }
  }

  void order_units() {
    std::vector<std::int32_t> unit_of_value(g_.values.size(), -1);
    std::vector<Unit> units;
    std::vector<std::vector<ValueId>> reads;
    std::vector<OpId> position;
    for (std::size_t o = 0; o < g_.ops.size(); ++o) {
      const GraphOp& op = g_.ops[o];
      if (is_fusible(op.kind) || is_place(op.kind)) continue;
      for (const ValueId v : op.out) unit_of_value[at(v)] = static_cast<std::int32_t>(units.size());
      if (const auto b = plan_.biases.find(static_cast<OpId>(o)); b != plan_.biases.end()) unit_of_value[at(b->second.result)] = static_cast<std::int32_t>(units.size());
      units.push_back({-1, static_cast<OpId>(o)});
      if (const auto d = plan_.dots.find(static_cast<OpId>(o)); d != plan_.dots.end()) reads.push_back({d->second.lhs.base, d->second.rhs.base});
      else reads.push_back(op.in);
      position.push_back(static_cast<OpId>(o));
    }
    for (std::size_t i = 0; i < plan_.groups.size(); ++i) {
      const Group& group = plan_.groups[i];
      if (group.roots.empty()) continue;
      OpId last = 0;
      for (const Place& r : group.roots) {
        unit_of_value[at(r.value)] = static_cast<std::int32_t>(units.size());
        last = std::max(last, g_.value(r.value).op);
      }
      std::vector<ValueId> in;
      for (const auto& [v, maps] : group.demands)
        if (!group.is_inlined(v)) in.push_back(v);
      units.push_back({static_cast<std::int32_t>(i), -1});
      reads.push_back(std::move(in));
      position.push_back(last);
    }
    std::vector<std::vector<std::int32_t>> next(units.size());
    std::vector<int> waiting(units.size(), 0);
    for (std::size_t u = 0; u < units.size(); ++u)
      for (const ValueId v : reads[u]) {
        const ValueId base = base_of(v);
        const auto wait_for = [&](ValueId written) {
          const std::int32_t from = unit_of_value[at(written)];
          if (from < 0) {
            if (const GraphOp* op = g_.producer(written)) raise<InternalError>("fusion: a value that is read was not computed: {}.", op->primitive.name());
            return;
          }
          next[at(from)].push_back(static_cast<std::int32_t>(u));
          ++waiting[u];
        };
        if (const auto pair = plan_.interleaved.find(base); pair != plan_.interleaved.end()) std::ranges::for_each(pair->second, wait_for);
        else wait_for(base);
      }
    // A slice update, and what a scatter writes over, wait for other readers of their operand as long as anything else can
    // run: then they need no copy.
    std::unordered_map<ValueId, int> unread;
    const auto operand = [&](std::size_t u) {
      if (units[u].op >= 0) return g_.op(units[u].op).kind == OpKind::update_slice ? base_of(g_.op(units[u].op).in[0]) : -1;
      const ValueId v = group(units[u].group).roots[0].value;
      const bool scattered = g_.value(v).users.size() == 1 && g_.op(g_.value(v).users[0]).kind == OpKind::scatter && g_.op(g_.value(v).users[0]).in[0] == v;
      const ValueId from = scattered ? g_.producer(v)->in[0] : -1;
      return scattered && !group(units[u].group).is_inlined(from) ? base_of(from) : -1;
    };
    for (const auto& in : reads)
      for (const ValueId v : in) ++unread[base_of(v)];
    using Queue = std::priority_queue<std::pair<OpId, std::int32_t>, std::vector<std::pair<OpId, std::int32_t>>, std::greater<>>;
    Queue ready, updates;
    const auto push = [&](std::size_t u) { (operand(u) >= 0 && unread.at(operand(u)) > 1 ? updates : ready).emplace(position[u], static_cast<std::int32_t>(u)); };
    for (std::size_t u = 0; u < units.size(); ++u)
      if (!waiting[u]) push(u);
    while (!ready.empty() || !updates.empty()) {
      Queue& from = ready.empty() ? updates : ready;
      const std::int32_t u = from.top().second;
      from.pop();
      plan_.order.push_back(units[at(u)]);
      for (const ValueId v : reads[at(u)]) --unread.at(base_of(v));
      for (const std::int32_t w : next[at(u)])
        if (--waiting[at(w)] == 0) push(at(w));
    }
    check<InternalError>(plan_.order.size() == units.size(), "fusion: the groups depend on each other in a cycle.");
  }

  const Graph& g_;
  const bool library_;
  Plan plan_;
  std::vector<bool> external_;                             // must live in memory, dense
  std::vector<std::vector<std::int32_t>> demanders_;       // groups that read a value
  std::vector<std::int32_t> root_group_;
  std::vector<int> copies_;                                // how often a value's readers were repeated
  std::vector<std::vector<std::int32_t>> op_groups_;       // groups an op is inlined in
  std::vector<bool> seen_through_;                         // values between a dot and the memory that it reads
  std::unordered_map<std::int32_t, std::int32_t> merged_;
  std::unordered_map<ValueId, ValueId> alias_, views_transposed_;
  std::unordered_map<ValueId, Dims> layouts_;
};

}  // namespace

Plan plan_fusion(const Graph& graph, bool library) { return Planner(graph, library).plan(); }

}  // namespace tf2jax::compiler
