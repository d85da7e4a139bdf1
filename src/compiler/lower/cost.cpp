// What the decision on threads rests on.
#include "tf2jax/compiler/lower/cost.h"

#include <algorithm>

namespace tf2jax::compiler {

namespace {

// Nanoseconds of one pass through a block.
double cost_of(const loops::Kernel& k, const loops::Block& block, int lanes) {
  double total = 0;
  for (const auto& s : block) {
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
      const loops::Op op = k.nodes[e->node].op;
      total += loops::is_function(op) ? 6 : op == loops::Op::load ? 0.5 : 0.25;
    } else if (const auto* l = std::get_if<loops::Loop>(&s.what)) {
      const double trips =
          l->lanes ? (static_cast<double>(l->extent) + lanes - 1) / lanes : static_cast<double>(l->extent);
      total += trips * cost_of(k, l->body, lanes);
    } else {
      total += 0.7;
      loops::for_blocks(s, [&](const loops::Block& inner) { total += cost_of(k, inner, lanes); });
    }
  }
  return total;
}

}  // namespace

std::int64_t grain_of(const loops::Kernel& kernel, int lanes) {
  const double cost = cost_of(kernel, kernel.body, lanes), each = kernel.parallel_lanes ? cost / lanes : cost;
  const auto grain = std::max<std::int64_t>(1, static_cast<std::int64_t>(6000 / std::max(each, 1e-3)));
  return kernel.parallel_lanes ? (grain + 255) / 256 * 256 : grain;
}

bool is_parallel(const loops::Kernel& kernel, int lanes) {
  std::int64_t range = 1;
  for (const std::int64_t n : kernel.parallel) range *= n;
  return range > grain_of(kernel, lanes);
}

}  // namespace tf2jax::compiler
