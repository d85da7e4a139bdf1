// Lowering: choose the vector axis, order the loops, and place every node in the outermost loop that it can be in.
#include "tf2jax/backends/llvm/lower_group.h"

#include <algorithm>
#include <functional>
#include <set>

#include "tf2jax/backends/llvm/collapse.h"
#include "tf2jax/backends/llvm/lower_scatter.h"
#include "tf2jax/backends/llvm/node_builder.h"
#include "tf2jax/backends/llvm/sparse_rows.h"
#include "tf2jax/backends/llvm/transposed_rows.h"

namespace tf2jax::compiler {

namespace {

using loops::Kernel;
using loops::Node;
using loops::NodeId;
using loops::Op;
class Lowering : NodeBuilder {
 public:
  Lowering(const Graph& graph, const Plan& plan, const Group& group, int lanes, Piece piece = {}) : NodeBuilder(graph, plan, group, std::move(piece)), lanes_(lanes) {}

  // Where conditions on a parallel variable change: the ends of its pieces.
  std::map<LoopVar, std::set<std::int64_t>> cuts() {
    for (const Place& r : group_.roots) build(r.value, r.map, -1);
    std::map<LoopVar, std::set<std::int64_t>> out;
    for (const Node& n : kernel_.nodes) {
      if (n.op != Op::in_range || n.at.terms.size() != 1 || n.at.terms[0].second != 1 || is_reduced(n.at.terms[0].first)) continue;
      const LoopVar x = n.at.terms[0].first;
      for (const std::int64_t c : {-n.at.offset, n.extent - n.at.offset})
        if (c > 0 && c < extent(x)) out[x].insert(c);
    }
    return out;
  }

  LoweredGroup run() {
    for (const Place& r : group_.roots) build(r.value, r.map, -1);
    choose_lanes();
    const int last = build_stages();
    if (const std::int64_t tile = tile_width(last)) {
      sum_rows_in_tiles(tile);
      return std::move(out_);
    }
    loops::Block rows;
    std::vector<loops::Block> prologue = std::move(row_blocks_);
    for (int s = 0; s <= last; ++s) {
      append(rows, std::move(prologue[at(s)]));
      loops::Block resets;
      for (const auto& [accumulator, stage] : accumulator_stage_)
        if (stage == s) resets.push_back({loops::Reset{accumulator}});
      append(rows, std::move(resets));
      if (!stage_blocks_[at(s)].empty()) append(rows, nest(std::move(stage_blocks_[at(s)])));
    }
    finish(std::move(rows));
    return std::move(out_);
  }

 private:
  static void append(loops::Block& to, loops::Block from) { std::ranges::move(from, std::back_inserter(to)); }

  // ---- the vector axis

  // Accesses with stride 1 are cheap, uniform ones free, others gathers.
  double score(LoopVar x) const {
    double total = 0;
    const auto stride_score = [](std::int64_t c) { return c == 1 ? 4.0 : c == 0 ? 1.0 : c == -1 ? 2.0 : c > 0 && c <= 4 ? -4.0 : -12.0; };
    const auto coefficient = [&](const Affine& a) {
      for (const auto& [y, c] : a.terms)
        if (x == y) return c;
      return std::int64_t{0};
    };
    for (const Node& n : kernel_.nodes)
      if (n.op == Op::load) total += stride_score(coefficient(n.at));
    for (const Place& r : group_.roots) total += 2 * stride_score(coefficient(address(r.value, r.map)));
    return total;
  }

  void choose_lanes() {
    double best = -1e30;
    for (const LoopVar x : group_.space.order()) {
      const std::int64_t n = extent(x);
      if (n < 2 || (group_.is_running && is_reduced(x) && x != reduced_.back())) continue;
      double s = score(x);
      if (n < lanes_) s *= s > 0 ? static_cast<double>(n) / lanes_ : 1;
      s += is_reduced(x) ? 0 : 0.5;   // no sum over lanes
      if (x == group_.space.order().back()) s += 0.25;
      if (s > best) best = s, lane_ = x;
    }
    if (lane_ < 0) return;
    // The vector axis is the innermost of its kind.
    auto& mine = is_reduced(lane_) ? reduced_ : parallel_;
    std::erase(mine, lane_);
    mine.push_back(lane_);
  }

  // ---- stages: loops over the reduced variables, one after another

  bool in_rows(NodeId n) const {   // computed once per parallel index
    return std::ranges::none_of(info_[at(n)].variables, [&](LoopVar x) { return is_reduced(x); });
  }

  int build_stages() {
    int last = 0;
    for (const auto& a : accumulations_) last = std::max(last, a.stage);
    std::vector<NodeId> values;
    for (const Place& r : group_.roots) {
      values.push_back(build(r.value, r.map, -1));
      last = std::max(last, info_[at(values.back())].stage);
    }
    row_blocks_.resize(at(last) + 2);
    stage_blocks_.resize(at(last) + 1);
    stage_done_.resize(at(last) + 1);
    for (int s = 0; s <= last; ++s) {
      for (const auto& a : accumulations_)
        if (a.stage == s) stage_blocks_[at(s)].push_back({loops::Accumulate{a.accumulator, need(a.value, s)}});
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (info_[at(values[i])].stage != s) continue;
        const Place& r = group_.roots[i];
        loops::Store store{buffer(plan_.views.at(r.value).base), address(r.value, r.map), -1};
        kernel_.buffers[at(store.buffer)].written = true;
        if (is_row_store(r.value)) {
          store.value = need(values[i], s);
          row_blocks_[at(s)].push_back({store});
        } else {
          store.value = need(values[i], s);
          stage_blocks_[at(s)].push_back({store});
        }
      }
    }
    return last;
  }
  bool is_row_store(ValueId v) const {
    if (reduced_.empty()) return true;
    std::int64_t rows = 1;
    for (const LoopVar x : parallel_) rows *= group_.space.extent(x);
    return g_.value(v).elements() == rows;
  }

  // Makes n available in the loop of a stage (or before it) and returns the node to use there.
  NodeId need(NodeId n, int stage) {
    if (kernel_.nodes[at(n)].op == Op::constant) return n;
    if (in_rows(n)) {
      if (!rows_done_.insert(n).second) return n;
      for (const NodeId i : kernel_.nodes[at(n)].in)
        if (i >= 0) need(i, stage);
      for (const auto& [i, scale] : kernel_.nodes[at(n)].dynamic) need(i, stage);
      row_blocks_[at(info_[at(n)].stage)].push_back({loops::Eval{n}});
      return n;
    }
    auto& done = stage_done_[at(stage)];
    if (const auto it = done.find(n); it != done.end()) return it->second;
    const Info info = info_[at(n)];
    // A row that costs more to compute again than to read back is kept. What is the same along the vector axis is no row.
    if (info.stage < stage && (info.costly || info.weight > 8) && lane_ >= 0 && is_reduced(lane_) && info.variables.contains(lane_)) {
      const NodeId kept = keep_row(n, info.stage);
      done.emplace(n, kept);
      stage_blocks_[at(stage)].push_back({loops::Eval{kept}});
      return kept;
    }
    // A loop of its own computes it anew, from operands of that loop.
    Node mine = kernel_.nodes[at(n)];
    bool same = !used_in_stage_.count(n);
    const auto replace = [&](NodeId& operand) {
      if (operand < 0) return;
      const NodeId x = need(operand, stage);
      same = same && x == operand;
      operand = x;
    };
    for (NodeId& i : mine.in) replace(i);
    for (auto& [i, scale] : mine.dynamic) replace(i);
    NodeId copy = n;
    if (!same) {
      kernel_.nodes.push_back(std::move(mine));
      info_.push_back(info);
      copy = static_cast<NodeId>(kernel_.nodes.size() - 1);
    }
    used_in_stage_.insert(n);
    done.emplace(n, copy);
    stage_blocks_[at(stage)].push_back({loops::Eval{copy}});
    return copy;
  }

  // Stores the row in its first stage; gives the node that loads it.
  NodeId keep_row(NodeId n, int stage) {
    std::int64_t size = 1;
    Affine where;
    for (std::size_t i = reduced_.size(); i-- > 0;) {
      where = where + variable_index(reduced_[i], size);
      size *= group_.space.extent(reduced_[i]);
    }
    const auto [it, fresh] = kept_rows_.try_emplace(n, static_cast<loops::BufferId>(kernel_.buffers.size()));
    if (fresh) {
      kernel_.buffers.push_back({kernel_.nodes[at(n)].dtype, size, true, true});
      const NodeId value = need(n, stage);
      stage_blocks_[at(stage)].push_back({loops::Store{it->second, where, value}});
    }
    return add({.op = Op::load, .dtype = kernel_.nodes[at(n)].dtype, .at = where, .buffer = it->second}, {});
  }

  // ---- loops

  // Statements of a stage inside its loops, each as far out as its variables allow.
  loops::Block nest(loops::Block statements) {
    std::vector<loops::Block> levels(reduced_.size() + 1);
    const auto depth = [&](const std::set<LoopVar>& variables) {
      for (std::size_t i = reduced_.size(); i-- > 0;)
        if (variables.count(reduced_[i])) return i + 1;
      return std::size_t{0};
    };
    for (auto& s : statements) {
      std::size_t d = reduced_.size();
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) d = depth(info_[at(e->node)].variables);
      levels[d].push_back(std::move(s));
    }
    loops::Block inner = std::move(levels[reduced_.size()]);
    for (std::size_t i = reduced_.size(); i-- > 0;) {
      loops::Loop loop{reduced_[i], extent(reduced_[i]), reduced_[i] == lane_, std::move(inner)};
      inner = std::move(levels[i]);
      inner.push_back({std::move(loop)});
    }
    return inner;
  }

  // ---- sums down the columns of a matrix

  // How many neighbouring columns to sum together, or 0: registers hold the sums then. Walking down a few columns at a
  // time touches a new page in every row; a tile of them reads rows as they lie, with the sums in the first-level cache.
  std::int64_t tile_width(int last) const {
    if (lane_ < 0 || is_reduced(lane_) || reduced_.empty() || group_.space.volume(reduced_) < 32) return 0;
    if (group_.is_running ? last != 0 || !row_blocks_[1].empty() : last != 1 || !stage_blocks_[1].empty()) return 0;
    const std::int64_t columns = extent(lane_);
    if (columns < 4 * lanes_) return 0;
    const std::int64_t wanted = std::clamp<std::int64_t>(columns / 2, 4 * lanes_, 1024);
    for (std::int64_t width = wanted; width >= 4 * lanes_; --width)
      if (columns % width == 0 && width % lanes_ == 0) return width;
    return columns <= 2048 ? columns : 0;
  }

  void sum_rows_in_tiles(std::int64_t width) {
    std::map<std::int32_t, loops::BufferId> sums;
    loops::Block start, before, inner, after;
    for (std::size_t i = 0; i < kernel_.accumulators.size(); ++i) {
      const loops::Accumulator& a = kernel_.accumulators[i];
      const auto buffer = static_cast<loops::BufferId>(kernel_.buffers.size());
      kernel_.buffers.push_back({a.dtype, width, true, true});
      sums[static_cast<std::int32_t>(i)] = buffer;
      start.push_back({loops::Store{buffer, variable_index(lane_), constant(a.dtype, a.initial)}});
    }
    std::set<NodeId> totals;
    const auto place = [&](loops::Statement s) {
      const auto* e = std::get_if<loops::Eval>(&s.what);
      if (e && totals.contains(e->node)) return;
      (e && !info_[at(e->node)].variables.count(lane_) ? before : inner).push_back(std::move(s));
    };
    loops::Block stores;   // of results that do not depend on the rows: once, when their loop has ended
    for (auto& s : row_blocks_[0]) {
      if (std::holds_alternative<loops::Store>(s.what)) stores.push_back(std::move(s));
      else place(std::move(s));
    }
    for (auto& s : stage_blocks_[0]) {
      const auto* a = std::get_if<loops::Accumulate>(&s.what);
      if (!a) {
        place(std::move(s));
        continue;
      }
      const loops::Accumulator accumulator = kernel_.accumulators[at(a->accumulator)];
      const loops::BufferId buffer = sums.at(a->accumulator);
      const NodeId sum = create({.op = Op::load, .dtype = accumulator.dtype, .at = variable_index(lane_), .buffer = buffer}, {});
      Node next{.op = accumulator.combine, .dtype = accumulator.dtype};
      next.in = {sum, a->value, -1};
      NodeId total = -1;
      if (group_.is_running) {   // what reads it reads the new sum
        const auto read = std::ranges::find_if(kernel_.nodes, [&](const Node& n) { return n.op == Op::read && n.accumulator == a->accumulator; });
        *read = std::move(next);
        total = static_cast<NodeId>(read - kernel_.nodes.begin());
        totals.insert(total);
      } else {
        total = create(std::move(next), {sum, a->value});
      }
      inner.push_back({loops::Eval{sum}});
      inner.push_back({loops::Eval{total}});
      inner.push_back({loops::Store{buffer, variable_index(lane_), total}});
    }
    for (auto& n : kernel_.nodes)
      if (n.op == Op::read) n = {.op = Op::load, .dtype = n.dtype, .at = variable_index(lane_), .buffer = sums.at(n.accumulator)};
    // What the results need from before the rows is computed again: its loop has ended.
    std::set<NodeId> done;
    const std::function<void(NodeId)> again = [&](NodeId n) {
      if (n < 0 || kernel_.nodes[at(n)].op == Op::constant || !done.insert(n).second) return;
      for (const NodeId i : kernel_.nodes[at(n)].in) again(i);
      for (const auto& [i, scale] : kernel_.nodes[at(n)].dynamic) again(i);
      after.push_back({loops::Eval{n}});
    };
    for (auto& s : stores) {
      again(std::get<loops::Store>(s.what).value);
      again(std::get<loops::Store>(s.what).mask);
      for (const auto& [i, scale] : std::get<loops::Store>(s.what).dynamic) again(i);
      after.push_back(std::move(s));
    }
    for (auto& s : row_blocks_[1]) {
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) again(e->node);
      else after.push_back(std::move(s));
    }
    kernel_.accumulators.clear();

    const auto lanes = [&](loops::Block body) { return loops::Statement{loops::Loop{lane_, width, true, std::move(body)}}; };
    loops::Block rows = std::move(before);
    rows.push_back(lanes(std::move(inner)));
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
    outer.back() = k.variables++;   // the tiles of the vector axis, which is the last parallel one
    split_variable(k, lane_, outer.back(), width);
    for (const LoopVar x : parallel_) k.parallel.push_back(x == lane_ ? extent(x) / width : extent(x));
    renumber(k, outer);
    collapse_loops(k);
    out_.kernel = std::move(k);
  }

  void finish(loops::Block rows) {
    std::vector<LoopVar> outer = parallel_;
    const bool lane_rows = lane_ >= 0 && !is_reduced(lane_);
    Kernel& k = kernel_;
    if (lane_rows && outer.size() > 1) {
      // The vector axis is the innermost parallel one; what does not vary along it stays outside its loop.
      loops::Block outside, inside;
      for (auto& s : rows) {
        const auto* e = std::get_if<loops::Eval>(&s.what);
        const bool uniform = e && !info_[at(e->node)].variables.count(lane_) && k.nodes[at(e->node)].op != Op::read && info_[at(e->node)].stage == 0;
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
    collapse_loops(k);
    split_sparse_rows(k, lanes_);
    tile_transposed_rows(k, lanes_);
    out_.kernel = std::move(k);
  }

  const int lanes_;
  LoopVar lane_ = -1;
  std::vector<loops::Block> row_blocks_, stage_blocks_;
  std::vector<std::map<NodeId, NodeId>> stage_done_;
  std::set<NodeId> rows_done_, used_in_stage_;
  std::map<NodeId, loops::BufferId> kept_rows_;
};

}  // namespace

std::vector<LoweredGroup> lower_group(const Graph& graph, const Plan& plan, const Group& group, int lanes) {
  std::vector<LoweredGroup> out;
  if (group.scatter) {
    out.push_back(lower_scatter(graph, plan, group, lanes));
    return out;
  }
  std::vector<Piece> pieces{{}};
  for (const auto& [x, cuts] : Lowering(graph, plan, group, lanes).cuts()) {
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
  for (const Piece& p : pieces) out.push_back(Lowering(graph, plan, group, lanes, p).run());
  return out;
}

}  // namespace tf2jax::compiler
