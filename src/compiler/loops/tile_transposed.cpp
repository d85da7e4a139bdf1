// The choice of the variable to walk along, and the cutting of the lane loop.
#include "tf2jax/compiler/loops/tile_transposed.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "tf2jax/compiler/loops/merge_loops.h"

namespace tf2jax::compiler {

namespace {

using loops::Kernel;
using loops::LoopVar;

constexpr std::int64_t kLineElements = 16;  // f32 numbers in a line of the cache

// The lane loop that ends the body, if what comes before it is cheap enough to repeat for each tile.
loops::Loop* last_loop(Kernel& k) {
  auto* loop = k.body.empty() ? nullptr : std::get_if<loops::Loop>(&k.body.back().what);
  if (!loop || !loop->lanes || !k.accumulators.empty()) return nullptr;
  for (std::size_t i = 0; i + 1 < k.body.size(); ++i) {
    const auto* e = std::get_if<loops::Eval>(&k.body[i].what);
    if (!e || loops::is_function(k.nodes[e->node].op)) return nullptr;
  }
  return loop;
}

// The parallel variable along which something lies in memory that is read with a stride in the loop.
std::optional<LoopVar> transposed_variable(const Kernel& k, const loops::Loop& loop) {
  for (const auto& s : loop.body) {
    const auto* e = std::get_if<loops::Eval>(&s.what);
    if (!e) continue;
    const loops::Node& n = k.nodes[e->node];
    if (n.op != loops::Op::load || !n.dynamic.empty()) continue;
    const auto stride = std::ranges::find(n.at.terms, loop.var, [](const auto& t) { return t.first; });
    const auto along = std::ranges::find(n.at.terms, 1, [](const auto& t) { return std::abs(t.second); });
    if (stride == n.at.terms.end() || along == n.at.terms.end() || std::abs(stride->second) < kLineElements) continue;
    const std::size_t i = along->first;
    if (i < k.parallel.size() && k.parallel[i] >= kLineElements) return along->first;
  }
  return std::nullopt;
}

}  // namespace

void tile_transposed(Kernel& k, int lanes) {
  loops::Loop* loop = last_loop(k);
  const auto along = loop ? transposed_variable(k, *loop) : std::nullopt;
  if (!along) return;
  const std::int64_t width = loop->extent % (2 * lanes) == 0 ? 2 * lanes : lanes;
  if (loop->extent % width != 0 || loop->extent == width) return;
  const LoopVar tile = k.variables++;
  split_variable(k, loop->var, tile, width);
  const std::int64_t tiles = loop->extent / width, rows = k.parallel[*along];
  loop->extent = width;
  std::vector<LoopVar> outer;
  for (std::size_t i = 0; i < k.parallel.size(); ++i)
    if (static_cast<LoopVar>(i) != *along) outer.push_back(static_cast<LoopVar>(i));
  k.parallel.erase(k.parallel.begin() + *along);
  outer.insert(outer.end(), {tile, *along});
  k.parallel.insert(k.parallel.end(), {tiles, rows});
  renumber(k, outer);
}

}  // namespace tf2jax::compiler
