// Lowering: choose the vector axis, order the loops, and place every node in the outermost loop that it can be in.
#include "tf2jax/compiler/lower/group.h"

#include <algorithm>

#include "tf2jax/compiler/loops/merge_loops.h"
#include "tf2jax/compiler/loops/peel_points.h"
#include "tf2jax/compiler/loops/tile_transposed.h"
#include "tf2jax/compiler/lower/internal/lowering.h"
#include "tf2jax/compiler/lower/scatter.h"

namespace tf2jax::compiler {

using loops::Kernel;
using loops::Node;
using loops::Op;

std::map<LoopVar, std::set<std::int64_t>> Lowering::cuts() {
  for (const ValueAt& r : group_.roots) build(r.value, r.map, -1);
  std::map<LoopVar, std::set<std::int64_t>> out;
  for (const Node& n : kernel_.nodes) {
    if (n.op != Op::in_range || n.at.terms.size() != 1 || n.at.terms[0].second != 1 || is_reduced(n.at.terms[0].first))
      continue;
    const LoopVar x = n.at.terms[0].first;
    for (const std::int64_t c : {-n.at.offset, n.extent - n.at.offset})
      if (c > 0 && c < extent(x)) out[x].insert(c);
  }
  return out;
}

LoweredGroup Lowering::run() {
  for (const ValueAt& r : group_.roots) build(r.value, r.map, -1);
  choose_lanes();
  const int last = build_stages();
  if (const std::int64_t tile = tile_width(last)) {
    sum_rows_in_tiles(tile);
    return std::move(out_);
  }
  loops::Block rows;
  std::vector<loops::Block> prologue = std::move(row_blocks_);
  for (int s = 0; s <= last; ++s) {
    append(rows, std::move(prologue[s]));
    loops::Block resets;
    for (const auto& [accumulator, stage] : accumulator_stage_)
      if (stage == s) resets.push_back({loops::Reset{accumulator}});
    append(rows, std::move(resets));
    if (!stage_blocks_[s].empty()) append(rows, nest(std::move(stage_blocks_[s])));
  }
  finish(std::move(rows));
  return std::move(out_);
}

// ---- the vector axis

// Accesses with stride 1 are cheap, uniform ones free, others gathers.
double Lowering::score(LoopVar x) const {
  double total = 0;
  const auto stride_score = [](std::int64_t c) {
    return c == 1 ? 4.0 : c == 0 ? 1.0 : c == -1 ? 2.0 : c > 0 && c <= 4 ? -4.0 : -12.0;
  };
  const auto coefficient = [&](const Affine& a) {
    for (const auto& [y, c] : a.terms)
      if (x == y) return c;
    return std::int64_t{0};
  };
  for (const Node& n : kernel_.nodes)
    if (n.op == Op::load) total += stride_score(coefficient(n.at));
  for (const ValueAt& r : group_.roots) total += 2 * stride_score(coefficient(address(r.value, r.map)));
  return total;
}

void Lowering::choose_lanes() {
  double best = -1e30;
  for (const LoopVar x : group_.space.order()) {
    const std::int64_t n = extent(x);
    if (n < 2 || (group_.is_running && is_reduced(x) && x != reduced_.back())) continue;
    double s = score(x);
    if (n < lanes_) s *= s > 0 ? static_cast<double>(n) / lanes_ : 1;
    s += is_reduced(x) ? 0 : 0.5;  // no sum over lanes
    if (x == group_.space.order().back()) s += 0.25;
    if (s > best) best = s, lane_ = x;
  }
  if (lane_ < 0) return;
  // The vector axis is the innermost of its kind.
  auto& mine = is_reduced(lane_) ? reduced_ : parallel_;
  std::erase(mine, lane_);
  mine.push_back(lane_);
}

void Lowering::finish(loops::Block rows) {
  std::vector<LoopVar> outer = parallel_;
  const bool lane_rows = lane_ >= 0 && !is_reduced(lane_);
  Kernel& k = kernel_;
  if (lane_rows && outer.size() > 1) {
    // The vector axis is the innermost parallel one; what does not vary along it stays outside its loop.
    loops::Block outside, inside;
    for (auto& s : rows) {
      const auto* e = std::get_if<loops::Eval>(&s.what);
      const bool uniform =
          e && !info_[e->node].variables.count(lane_) && k.nodes[e->node].op != Op::read && info_[e->node].stage == 0;
      (uniform ? outside : inside).push_back(std::move(s));
    }
    outside.push_back({loops::Loop{lane_, extent(lane_), true, std::move(inside)}});
    rows = std::move(outside);
    outer.pop_back();
  }
  k.parallel_lanes = lane_rows && outer.size() == 1 && parallel_.size() == 1;
  k.body = std::move(rows);
  std::vector<std::int64_t> extents;
  for (const LoopVar x : outer) extents.push_back(extent(x));
  k.parallel = extents;
  for (const auto& [x, range] : piece_) shift_variable(k, x, range.first);
  renumber(k, outer);
  merge_loops_and_lanes(k);
  peel_points(k, lanes_);
  tile_transposed(k, lanes_);
  out_.kernel = std::move(k);
}

namespace {

// The pieces of the index space between the places where conditions change, as long as each is worth a kernel.
std::vector<Piece> pieces_of(const Group& group, const std::map<LoopVar, std::set<std::int64_t>>& changes, int lanes) {
  std::vector<Piece> pieces{{}};
  for (const auto& [x, cuts] : changes) {
    std::vector<std::int64_t> ends(cuts.begin(), cuts.end());
    ends.insert(ends.begin(), 0);
    ends.push_back(group.space.extent(x));
    bool is_long = true;
    for (std::size_t i = 1; i < ends.size(); ++i) is_long = is_long && ends[i] - ends[i - 1] >= lanes;
    if (!is_long || pieces.size() * (ends.size() - 1) > 8) continue;
    std::vector<Piece> finer;
    for (const Piece& p : pieces)
      for (std::size_t i = 1; i < ends.size(); ++i) {
        finer.push_back(p);
        finer.back()[x] = {ends[i - 1], ends[i]};
      }
    pieces = std::move(finer);
  }
  return pieces;
}

}  // namespace

std::vector<LoweredGroup> lower_group(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes) {
  std::vector<LoweredGroup> out;
  if (group.scatter) {
    out.push_back(lower_scatter(graph, plan, group, lanes));
    return out;
  }
  for (const Piece& p : pieces_of(group, Lowering(graph, plan, group, lanes).cuts(), lanes))
    out.push_back(Lowering(graph, plan, group, lanes, p).run());
  return out;
}

}  // namespace tf2jax::compiler
