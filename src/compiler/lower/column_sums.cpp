// Sums down the columns of a matrix, in tiles: rows are read as they lie, with the sums in the first-level cache.
#include <algorithm>
#include <functional>

#include "tf2jax/compiler/loops/merge_loops.h"
#include "tf2jax/compiler/lower/internal/lowering.h"

namespace tf2jax::compiler {

using loops::Kernel;
using loops::Node;
using loops::NodeId;
using loops::Op;

// How many neighbouring columns to sum together, or 0: registers hold the sums then. Walking down a few columns at a
// time touches a new page in every row; a tile of them reads rows as they lie, with the sums in the first-level
// cache.
std::int64_t Lowering::tile_width(int last) const {
  if (lane_ < 0 || is_reduced(lane_) || reduced_.empty() || group_.space.volume(reduced_) < 32) return 0;
  if (group_.is_running ? last != 0 || !row_blocks_[1].empty() : last != 1 || !stage_blocks_[1].empty()) return 0;
  const std::int64_t columns = extent(lane_);
  if (columns < 4 * lanes_) return 0;
  const std::int64_t wanted = std::clamp<std::int64_t>(columns / 2, 4 * lanes_, 1024);
  for (std::int64_t width = wanted; width >= 4 * lanes_; --width)
    if (columns % width == 0 && width % lanes_ == 0) return width;
  return columns <= 2048 ? columns : 0;
}

// What depends on no column is computed once per row.
void Lowering::place_in_tile(loops::Block& before, loops::Block& inner, loops::Statement s) {
  const auto* e = std::get_if<loops::Eval>(&s.what);
  if (e && tile_totals_.contains(e->node)) return;
  (e && !info_[e->node].variables.count(lane_) ? before : inner).push_back(std::move(s));
}

// An accumulation of each column: the sum is loaded, added to, and stored.
void Lowering::add_to_tile(const loops::Accumulate& a, loops::Block& inner) {
  const loops::Accumulator accumulator = kernel_.accumulators[a.accumulator];
  const loops::BufferId buffer = tile_sums_[a.accumulator];
  const Affine column = variable_index(lane_);
  const NodeId sum = create({.op = Op::load, .dtype = accumulator.dtype, .at = column, .buffer = buffer}, {});
  Node next{.op = accumulator.combine, .dtype = accumulator.dtype};
  next.in = {sum, a.value, -1};
  NodeId total = -1;
  if (group_.is_running) {  // what reads it reads the new sum
    const auto read = std::ranges::find_if(
        kernel_.nodes, [&](const Node& n) { return n.op == Op::read && n.accumulator == a.accumulator; });
    *read = std::move(next);
    total = static_cast<NodeId>(read - kernel_.nodes.begin());
    tile_totals_.insert(total);
  } else {
    total = create(std::move(next), {sum, a.value});
  }
  inner.push_back({loops::Eval{sum}});
  inner.push_back({loops::Eval{total}});
  inner.push_back({loops::Store{buffer, column, total}});
}

// The results, from the sums: `stores`, which do not depend on the rows, and what is left of the rows after their
// loop. What they need from before the rows is computed again: its loop has ended.
loops::Block Lowering::results_of_tile(loops::Block stores) {
  loops::Block out;
  std::set<NodeId> done;
  const std::function<void(NodeId)> again = [&](NodeId n) {
    if (n < 0 || kernel_.nodes[n].op == Op::constant || !done.insert(n).second) return;
    for (const NodeId i : kernel_.nodes[n].in) again(i);
    for (const auto& [i, scale] : kernel_.nodes[n].dynamic) again(i);
    out.push_back({loops::Eval{n}});
  };
  for (auto& s : stores) {
    again(std::get<loops::Store>(s.what).value);
    again(std::get<loops::Store>(s.what).mask);
    for (const auto& [i, scale] : std::get<loops::Store>(s.what).dynamic) again(i);
    out.push_back(std::move(s));
  }
  for (auto& s : row_blocks_[1]) {
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) again(e->node);
    else out.push_back(std::move(s));
  }
  return out;
}

void Lowering::sum_rows_in_tiles(std::int64_t width) {
  loops::Block start, before, inner, stores;
  for (const loops::Accumulator& a : kernel_.accumulators) {
    tile_sums_.push_back(static_cast<loops::BufferId>(kernel_.buffers.size()));
    kernel_.buffers.push_back({a.dtype, width, true, true});
    start.push_back({loops::Store{tile_sums_.back(), variable_index(lane_), constant(a.dtype, a.initial)}});
  }
  // Results that do not depend on the rows are written once, when their loop has ended.
  for (auto& s : row_blocks_[0]) {
    if (std::holds_alternative<loops::Store>(s.what)) stores.push_back(std::move(s));
    else place_in_tile(before, inner, std::move(s));
  }
  for (auto& s : stage_blocks_[0]) {
    if (const auto* a = std::get_if<loops::Accumulate>(&s.what)) add_to_tile(*a, inner);
    else place_in_tile(before, inner, std::move(s));
  }
  for (auto& n : kernel_.nodes)
    if (n.op == Op::read)
      n = {.op = Op::load, .dtype = n.dtype, .at = variable_index(lane_), .buffer = tile_sums_[n.accumulator]};
  loops::Block after = results_of_tile(std::move(stores));
  kernel_.accumulators.clear();
  before.push_back({loops::Loop{lane_, width, true, std::move(inner)}});
  wrap_tiles(width, std::move(start), std::move(before), std::move(after));
}

// Tiles are parallel; in each, sums start, the rows are added, and results follow.
void Lowering::wrap_tiles(std::int64_t width, loops::Block start, loops::Block rows, loops::Block after) {
  const auto lanes = [&](loops::Block body) {
    return loops::Statement{loops::Loop{lane_, width, true, std::move(body)}};
  };
  for (std::size_t i = reduced_.size(); i-- > 0;) {
    loops::Block outer;
    outer.push_back({loops::Loop{reduced_[i], extent(reduced_[i]), false, std::move(rows)}});
    rows = std::move(outer);
  }
  Kernel& k = kernel_;
  k.body.push_back(lanes(std::move(start)));
  append(k.body, std::move(rows));
  if (!after.empty()) k.body.push_back(lanes(std::move(after)));

  for (const auto& [x, range] : piece_) shift_variable(k, x, range.first);
  std::vector<LoopVar> outer = parallel_;
  outer.back() = k.variables++;  // the tiles of the vector axis, which is the last parallel one
  split_variable(k, lane_, outer.back(), width);
  for (const LoopVar x : parallel_) k.parallel.push_back(x == lane_ ? extent(x) / width : extent(x));
  renumber(k, outer);
  merge_loops_and_lanes(k);
  out_.kernel = std::move(k);
}

}  // namespace tf2jax::compiler
