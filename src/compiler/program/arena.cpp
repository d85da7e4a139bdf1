// Best-fit placement in order of first use.
#include "tf2jax/compiler/program/arena.h"

#include <algorithm>
#include <map>

#include "tf2jax/compiler/program/steps.h"

namespace tf2jax::compiler {

std::int64_t plan_arena(std::vector<Program::Slot>& slots) {
  std::vector<Program::Slot*> order;
  for (auto& s : slots)
    if (s.kind == Program::Slot::Kind::arena) order.push_back(&s);
  std::ranges::stable_sort(order, {}, [](const auto* s) { return s->first; });
  std::multimap<std::int32_t, std::pair<std::int64_t, std::int64_t>> live;  // last use -> (offset, size)
  std::map<std::int64_t, std::int64_t> free;                                // offset -> size
  std::int64_t top = 0;
  const auto release = [&](std::int64_t offset, std::int64_t size) {
    auto it = free.emplace(offset, size).first;
    if (const auto next = std::next(it); next != free.end() && it->first + it->second == next->first) {
      it->second += next->second;
      free.erase(next);
    }
    if (it != free.begin())
      if (const auto before = std::prev(it); before->first + before->second == it->first) {
        before->second += it->second;
        free.erase(it);
      }
  };
  for (Program::Slot* s : order) {
    while (!live.empty() && live.begin()->first < s->first) {
      release(live.begin()->second.first, live.begin()->second.second);
      live.erase(live.begin());
    }
    const std::int64_t size = aligned_size(std::max<std::int64_t>(s->bytes, 1));
    auto best = free.end();
    for (auto it = free.begin(); it != free.end(); ++it)
      if (it->second >= size && (best == free.end() || it->second < best->second)) best = it;
    if (best != free.end()) {
      s->where = best->first;
      const auto [offset, whole] = *best;
      free.erase(best);
      if (whole > size) free.emplace(offset + size, whole - size);
    } else if (!free.empty() && free.rbegin()->first + free.rbegin()->second == top) {  // grow the last hole
      s->where = free.rbegin()->first;
      free.erase(std::prev(free.end()));
      top = s->where + size;
    } else {
      s->where = top;
      top += size;
    }
    live.emplace(s->last, std::pair(s->where, size));
  }
  return top;
}

}  // namespace tf2jax::compiler
