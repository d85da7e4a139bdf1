// Merging: groups that read the same value become one, so that it is computed once and need not live in memory.
#include <algorithm>
#include <set>

#include "tf2jax/compiler/fusion/internal/planner.h"

namespace tf2jax::compiler {

namespace {

// Matches the variables of b with those of a where both read v; all of them must be matched.
bool unify(const Group& a, const Group& b, ValueId v, std::map<LoopVar, LoopVar>& rename) {
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

// The maps of one group as maps of another, whose variables have these names.
class Renamed {
 public:
  Renamed(Group& to, const Group& from, const std::map<LoopVar, LoopVar>& names)
      : to_(to), from_(from), names_(names) {}
  MapId operator()(MapId m) {
    const auto [number, fresh] = numbers_.try_emplace(m, 0);
    if (!fresh) return number->second;
    IndexMap map = from_.space.map(m);
    for (Affine& f : map) {
      for (auto& [x, c] : f.terms) x = names_.at(x);
      std::ranges::sort(f.terms);
    }
    return number->second = to_.space.intern(map);
  }

 private:
  Group& to_;
  const Group& from_;
  const std::map<LoopVar, LoopVar>& names_;
  std::map<MapId, MapId> numbers_;  // one for each map: interning forgets what came long before
};

}  // namespace

std::vector<std::int32_t> Planner::alive(const std::vector<std::int32_t>& groups) const {
  std::vector<std::int32_t> out;
  for (std::int32_t i : groups) {
    for (auto it = merged_.find(i); it != merged_.end(); it = merged_.find(i)) i = it->second;
    if (std::ranges::find(out, i) == out.end()) out.push_back(i);
  }
  return out;
}

bool Planner::merge(const std::vector<std::int32_t>& groups, ValueId v) {
  for (std::size_t k = 1; k < groups.size(); ++k)
    if (!merge(groups[0], groups[k], v)) return false;
  return true;
}

bool Planner::merge(std::int32_t i, std::int32_t j, ValueId v) {
  Group &a = group(i), &b = group(j);
  if (a.cost + b.cost > kLargestGroup || a.roots.size() + b.roots.size() > 16 || a.is_running || b.is_running ||
      a.scatter || b.scatter)
    return false;
  std::map<LoopVar, LoopVar> rename;
  if (!unify(a, b, v, rename)) return false;
  for (const auto& [x, y] : {std::pair(i, j), std::pair(j, i)})
    for (const ValueAt& r : group(x).roots)
      if (group(y).demands.count(r.value) || reaches(r.value, y, x)) return false;
  Renamed moved(a, b, rename);
  for (const auto& [value, maps] : b.demands)
    for (const MapId m : maps) demand(i, value, moved(m));
  for (const auto& [place, maps] : b.operands) {
    std::vector<MapId> to;
    for (const MapId m : maps) to.push_back(moved(m));
    a.operands[{place.value, moved(place.map)}] = std::move(to);
  }
  for (const auto& [value, flag] : b.inlined) {
    a.inlined[value] = flag;
    op_groups_[g_.value(value).op].push_back(i);
  }
  // What either computes is computed wherever the other reads it.
  for (const auto& [value, maps] : a.demands)
    for (const MapId m : maps)
      if (a.is_inlined(value) && !a.operands.count({value, m}))
        raise<InternalError>("fusion: merged groups disagree on what they compute.");
  for (const ValueAt& r : b.roots) a.roots.push_back({r.value, moved(r.map)});
  if (a.reduced.empty())
    for (const LoopVar x : b.reduced) a.reduced.push_back(rename.at(x));
  a.space.move_to_back(a.reduced);
  a.cost += b.cost;
  merged_[j] = i;
  b = Group();
  return true;
}

// Read from the memory of an operand, besides what groups compute of it.
bool Planner::is_view(ValueId v) const {
  return seen_through_[v] || alias_.contains(v) || views_transposed_.contains(v);
}

// True when something computed from v outside `skip` is read by `target`. Gives up, on the safe side, after a while.
bool Planner::reaches(ValueId v, std::int32_t target, std::int32_t skip) {
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
      const std::vector<std::int32_t> in = alive(op_groups_[u]);
      if (in.empty() || is_view(g_.op(u).out[0]))
        for (const ValueId y : g_.op(u).out) push(y);
      for (const std::int32_t i : in) {
        if (i == skip && x == v) continue;  // the direct use inside the group itself
        if (i == target) return true;
        if (!groups.insert(i).second) continue;
        for (const ValueAt& r : group(i).roots) push(r.value);
      }
    }
  }
  return false;
}

}  // namespace tf2jax::compiler
