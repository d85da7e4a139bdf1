// Lowering of scatters: which loops go in order, which one is a vector, and what threads may share.
#include "tf2jax/compiler/lower/scatter.h"

#include <algorithm>
#include <set>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/compiler/loops/merge_loops.h"
#include "tf2jax/compiler/lower/nodes.h"
#include "tf2jax/ops/gather.h"

namespace tf2jax::compiler {

namespace {

using loops::NodeId;
using loops::Op;

class ScatterLowering : NodeBuilder {
 public:
  ScatterLowering(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes)
      : NodeBuilder(graph, plan, group, {}),
        op_(graph.op(group.scatter->op)),
        params_(op_.params.get<ScatterParams>()),
        lanes_(lanes) {}

  LoweredGroup run() {
    build_update();
    choose_lanes();
    order_loops();
    loops::Block body = nest();
    share_columns(body);
    kernel_.body = std::move(body);
    for (const LoopVar x : outer_) kernel_.parallel.push_back(x == tiles_ ? tile_count_ : extent(x));
    renumber(kernel_, outer_);
    if (has(group_.scatter->in_order, lane_)) merge_loops(kernel_);  // its lanes stay on one thread
    else merge_loops_and_lanes(kernel_);
    out_.kernel = std::move(kernel_);
    return std::move(out_);
  }

 private:
  bool has(const std::vector<LoopVar>& list, LoopVar x) const {
    return x >= 0 && std::ranges::find(list, group_.space.origin(x)) != list.end();
  }
  bool is_long(LoopVar x) const { return extent(x) > 1; }
  bool depends(NodeId n, LoopVar x) const { return n >= 0 && info_[n].variables.contains(x); }
  /// True for a variable from window to window.
  bool moves_start(LoopVar x) const {
    return std::ranges::any_of(store_.dynamic, [&](const auto& s) { return depends(s.first, x); });
  }

  void build_update() {
    const ValueAt& out = group_.roots[0];
    const std::vector<MapId>& maps = group_.operands.at(out);
    const ScatterDims& d = params_.dimension_numbers;
    Dims highest = g_.value(op_.in[0]).dims;
    const Dims& updates = g_.value(op_.in[2]).dims;
    for (std::size_t i = 0, next = 0; i < highest.size(); ++i) {
      const auto axis = static_cast<std::int64_t>(i);
      const bool single = contains(d.inserted_window_dims, axis) || contains(d.operand_batching_dims, axis);
      highest[i] -= single ? 1 : updates[d.update_window_dims[next++]];
    }
    // Updates that stick out are dropped in every mode but clip: a promise that does not hold must not write outside.
    const Starts starts =
        this->starts(op_.in[1], std::span(maps).first(maps.size() - 1), d.scatter_dims_to_operand_dims, highest,
                     params_.mode != GatherScatterMode::clip, -1);
    inside_ = starts.inside;
    const View& view = plan_.views.at(out.value);
    store_ = {buffer(view.base), address(out.value, out.map), build(op_.in[2], maps.back(), -1)};
    kernel_.buffers[store_.buffer].written = true;
    for (const auto& [start, axis] : starts.along) store_.dynamic.emplace_back(start, view.strides[axis]);
    update_ = store_.value;
    if (op_.scalar != Op::constant)
      store_.value = apply(op_.scalar, g_.value(out.value).aval.dtype,
                           {dynamic_load(out.value, out.map, starts.along, -1), update_});
  }

  // ---- loops

  // Contiguous accesses are cheap; lanes from window to window gather and scatter.
  void choose_lanes() {
    const ScatterLoops& s = *group_.scatter;
    const auto& order = group_.space.order();
    const bool moves = std::ranges::any_of(order, [&](LoopVar x) { return is_long(x) && has(s.moving, x); });
    const auto last =
        std::ranges::find_if(order.rbegin(), order.rend(), [&](LoopVar x) { return is_long(x) && has(s.in_order, x); });
    double best = -1e30;
    for (const LoopVar x : order) {
      if (!is_long(x)) continue;
      // The lanes of a scattered vector are written in order; what is added needs the sum before it.
      if (has(s.in_order, x) && (op_.scalar != Op::constant || moves || x != *last)) continue;
      const auto score = [&](const Affine& a, const auto& dynamic) {
        if (std::ranges::any_of(dynamic, [&](const auto& d) { return depends(d.first, x); })) return -12.0;
        const auto term = std::ranges::find(a.terms, x, [](const auto& t) { return t.first; });
        const std::int64_t c = term == a.terms.end() ? 0 : term->second;
        return c == 1 ? 4.0 : c == 0 ? 1.0 : c == -1 ? 2.0 : c > 0 && c <= 4 ? -4.0 : -12.0;
      };
      double total = 2 * score(store_.at, store_.dynamic);
      for (const auto& n : kernel_.nodes)
        if (n.op == Op::load) total += score(n.at, n.dynamic);
      if (extent(x) < lanes_ && total > 0) total *= static_cast<double>(extent(x)) / lanes_;
      if (total >= best) best = total, lane_ = x;
    }
  }

  // Outside: what threads share. Then windows in order, then the elements of one.
  void order_loops() {
    const ScatterLoops& s = *group_.scatter;
    const auto& order = group_.space.order();
    const bool repeats = std::ranges::any_of(order, [&](LoopVar x) { return is_long(x) && has(s.in_order, x); });
    for (const LoopVar x : order)
      if (is_long(x) && x != lane_ && has(s.in_order, x)) loops_.push_back(x);
    for (const LoopVar x : order) {
      if (!is_long(x) || x == lane_ || has(s.in_order, x)) continue;
      const bool is_free = !has(s.moving, x) && (moves_start(x) || !repeats);
      (is_free ? outer_ : loops_).push_back(x);
    }
    if (lane_ >= 0) loops_.push_back(lane_);
    for (const LoopVar x : loops_) extents_.push_back(extent(x));
  }

  std::size_t depth(NodeId n) const {
    for (std::size_t i = loops_.size(); i-- > 0;)
      if (depends(n, loops_[i])) return i + 1;
    return 0;
  }
  void place(NodeId n) {
    if (n < 0 || kernel_.nodes[n].op == Op::constant || !done_.insert(n).second) return;
    for (const NodeId i : kernel_.nodes[n].in) place(i);
    for (const auto& d : kernel_.nodes[n].dynamic) place(d.first);
    levels_[tail_ ? loops_.size() + 1 : depth(n)].push_back({loops::Eval{n}});
  }

  // Every node as far out as its variables allow; windows that stick out are skipped.
  loops::Block nest() {
    levels_.resize(loops_.size() + 2);
    for (const auto& d : store_.dynamic) place(d.first);
    place(inside_);
    place(update_);
    tail_ = true;  // after the window's place is known to be inside
    place(store_.value);
    const std::size_t innermost = loops_.size();
    const bool by_lane = lane_ >= 0 && depends(inside_, lane_);
    if (by_lane) store_.mask = inside_;
    levels_[innermost + 1].push_back({store_});
    const std::size_t test = inside_ < 0 || by_lane ? innermost + 1 : depth(inside_);
    loops::Block inner = std::move(levels_[innermost + 1]);
    for (std::size_t i = innermost + 1; i-- > 0;) {
      if (i < innermost) {
        loops::Block loop;
        loop.push_back({loops::Loop{loops_[i], extents_[i], loops_[i] == lane_, std::move(inner)}});
        inner = std::move(loop);
      }
      if (i == test) {
        loops::Block guarded;
        guarded.push_back({loops::If{inside_, std::move(inner), {}}});
        inner = std::move(guarded);
      }
      std::ranges::move(inner, std::back_inserter(levels_[i]));
      inner = std::move(levels_[i]);
    }
    return inner;
  }

  // Where windows go in order, threads take columns: each goes through all windows.
  void share_columns(loops::Block& body) {
    if (!outer_.empty()) return;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const LoopVar x = loops_[i];
      if (has(group_.scatter->in_order, x) || has(group_.scatter->moving, x) || moves_start(x)) continue;
      for (std::int64_t count = num_threads(); count > 1; --count) {
        const std::int64_t width = extent(x) / count;
        if (extent(x) % count || (x == lane_ && width < 4 * lanes_)) continue;
        tiles_ = kernel_.variables++;
        tile_count_ = count;
        outer_ = {tiles_};
        shorten(body, x, width);
        kernel_.body = std::move(body);
        split_variable(kernel_, x, tiles_, width);
        body = std::move(kernel_.body);
        return;
      }
    }
  }
  static void shorten(loops::Block& block, LoopVar x, std::int64_t width) {
    for (auto& s : block) {
      if (auto* l = std::get_if<loops::Loop>(&s.what); l && l->var == x) l->extent = width;
      loops::for_blocks(s, [&](loops::Block& inner) { shorten(inner, x, width); });
    }
  }

  const GraphOp& op_;
  const ScatterParams& params_;
  const int lanes_;
  loops::Store store_{};
  NodeId update_ = -1, inside_ = -1;
  LoopVar lane_ = -1, tiles_ = -1;
  std::int64_t tile_count_ = 1;
  std::vector<LoopVar> outer_, loops_;  // outermost first
  std::vector<std::int64_t> extents_;   // of loops_
  std::vector<loops::Block> levels_;    // by depth; the last one for what follows the test
  std::set<NodeId> done_;
  bool tail_ = false;
};

}  // namespace

LoweredGroup lower_scatter(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes) {
  return ScatterLowering(graph, plan, group, lanes).run();
}

}  // namespace tf2jax::compiler
