// The text of a plan: its groups and other operations in the order they run.
#include <fmt/format.h>

#include <algorithm>

#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

namespace {

std::string index_text(const Affine& a) {
  std::string out;
  for (const auto& [variable, factor] : a.terms)
    out += fmt::format("{}{}i{}", out.empty() ? "" : " + ", factor == 1 ? "" : fmt::format("{}*", factor), variable);
  if (out.empty()) return std::to_string(a.offset);
  return a.offset == 0 ? out : fmt::format("{} + {}", out, a.offset);
}

std::string place_text(const Group& group, ValueId value, MapId map) {
  std::string out;
  for (const Affine& a : group.space.map(map)) out += (out.empty() ? "" : ", ") + index_text(a);
  return fmt::format("%{}[{}]", value, out);
}

// A line of the values that the group computes, or of those that it reads.
std::string values_text(const Group& group, bool computed) {
  std::vector<ValueId> values;
  for (const auto& demand : group.demands)
    if (group.is_inlined(demand.first) == computed) values.push_back(demand.first);
  std::ranges::sort(values);
  std::string out;
  for (const ValueId v : values)
    for (const MapId map : group.demands.at(v)) out += " " + place_text(group, v, map);
  return out;
}

std::string group_text(const Group& group) {
  std::string loops;
  for (const LoopVar v : group.space.order()) {
    const bool reduced = std::ranges::find(group.reduced, v) != group.reduced.end();
    loops +=
        fmt::format("{}i{} < {}{}", loops.empty() ? "" : ", ", v, group.space.extent(v), reduced ? " reduced" : "");
  }
  std::string roots;
  for (const ValueAt& root : group.roots) roots += " " + place_text(group, root.value, root.map);
  return fmt::format("{}\n  reads{}\n  computes{}\n  writes{}\n", loops, values_text(group, false),
                     values_text(group, true), roots);
}

}  // namespace

std::string to_string(const Graph& graph, const FusionPlan& plan) {
  std::string out;
  for (const Unit& u : plan.order)
    out += u.group < 0 ? fmt::format("step {}\n", op_text(graph.op(u.op)))
                       : fmt::format("group {}: {}", u.group, group_text(plan.groups[u.group]));
  return out;
}

}  // namespace tf2jax::compiler
