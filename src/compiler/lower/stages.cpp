// Stages: loops over the reduced variables, one after another, and what is computed once per row around them.
#include <algorithm>

#include "tf2jax/compiler/lower/internal/lowering.h"

namespace tf2jax::compiler {

using loops::Node;
using loops::NodeId;
using loops::Op;

int Lowering::build_stages() {
  int last = 0;
  for (const auto& a : accumulations_) last = std::max(last, a.stage);
  std::vector<NodeId> values;
  for (const ValueAt& r : group_.roots) {
    values.push_back(build(r.value, r.map, -1));
    last = std::max(last, info_[values.back()].stage);
  }
  row_blocks_.resize(last + 2);
  stage_blocks_.resize(last + 1);
  stage_done_.resize(last + 1);
  for (int s = 0; s <= last; ++s) {
    for (const auto& a : accumulations_)
      if (a.stage == s) stage_blocks_[s].push_back({loops::Accumulate{a.accumulator, need(a.value, s)}});
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (info_[values[i]].stage != s) continue;
      const ValueAt& r = group_.roots[i];
      loops::Store store{buffer(plan_.views.at(r.value).base), address(r.value, r.map), -1};
      kernel_.buffers[store.buffer].written = true;
      store.value = need(values[i], s);
      (is_row_store(r.value) ? row_blocks_ : stage_blocks_)[s].push_back({store});
    }
  }
  return last;
}

bool Lowering::in_rows(NodeId n) const {  // computed once per parallel index
  return std::ranges::none_of(info_[n].variables, [&](LoopVar x) { return is_reduced(x); });
}

bool Lowering::is_row_store(ValueId v) const {
  if (reduced_.empty()) return true;
  std::int64_t rows = 1;
  for (const LoopVar x : parallel_) rows *= group_.space.extent(x);
  return g_.value(v).elements() == rows;
}

// Makes n available in the loop of a stage (or before it) and returns the node to use there.
NodeId Lowering::need(NodeId n, int stage) {
  if (kernel_.nodes[n].op == Op::constant) return n;
  if (in_rows(n)) {
    if (!rows_done_.insert(n).second) return n;
    for (const NodeId i : kernel_.nodes[n].in)
      if (i >= 0) need(i, stage);
    for (const auto& [i, scale] : kernel_.nodes[n].dynamic) need(i, stage);
    row_blocks_[info_[n].stage].push_back({loops::Eval{n}});
    return n;
  }
  auto& done = stage_done_[stage];
  if (const auto it = done.find(n); it != done.end()) return it->second;
  const Info info = info_[n];
  // A row that costs more to compute again than to read back is kept. What is the same along the vector axis is no
  // row.
  if (info.stage < stage && (info.costly || info.weight > 8) && lane_ >= 0 && is_reduced(lane_) &&
      info.variables.contains(lane_)) {
    const NodeId kept = keep_row(n, info.stage);
    done.emplace(n, kept);
    stage_blocks_[stage].push_back({loops::Eval{kept}});
    return kept;
  }
  const NodeId copy = copied(n, stage);
  used_in_stage_.insert(n);
  done.emplace(n, copy);
  stage_blocks_[stage].push_back({loops::Eval{copy}});
  return copy;
}

// A loop of its own computes a node anew, from operands of that loop.
NodeId Lowering::copied(NodeId n, int stage) {
  Node mine = kernel_.nodes[n];
  bool same = !used_in_stage_.count(n);
  const auto replace = [&](NodeId& operand) {
    if (operand < 0) return;
    const NodeId x = need(operand, stage);
    same = same && x == operand;
    operand = x;
  };
  for (NodeId& i : mine.in) replace(i);
  for (auto& [i, scale] : mine.dynamic) replace(i);
  if (same) return n;
  kernel_.nodes.push_back(std::move(mine));
  info_.push_back(info_[n]);
  return static_cast<NodeId>(kernel_.nodes.size() - 1);
}

// Stores the row in its first stage; gives the node that loads it.
NodeId Lowering::keep_row(NodeId n, int stage) {
  std::int64_t size = 1;
  Affine where;
  for (std::size_t i = reduced_.size(); i-- > 0;) {
    where = where + variable_index(reduced_[i], size);
    size *= group_.space.extent(reduced_[i]);
  }
  const auto [it, fresh] = kept_rows_.try_emplace(n, static_cast<loops::BufferId>(kernel_.buffers.size()));
  if (fresh) {
    kernel_.buffers.push_back({kernel_.nodes[n].dtype, size, true, true});
    const NodeId value = need(n, stage);
    stage_blocks_[stage].push_back({loops::Store{it->second, where, value}});
  }
  return add({.op = Op::load, .dtype = kernel_.nodes[n].dtype, .at = where, .buffer = it->second}, {});
}

// Statements of a stage inside its loops, each as far out as its variables allow.
loops::Block Lowering::nest(loops::Block statements) {
  std::vector<loops::Block> levels(reduced_.size() + 1);
  const auto depth = [&](const std::set<LoopVar>& variables) {
    for (std::size_t i = reduced_.size(); i-- > 0;)
      if (variables.count(reduced_[i])) return i + 1;
    return std::size_t{0};
  };
  for (auto& s : statements) {
    std::size_t d = reduced_.size();
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) d = depth(info_[e->node].variables);
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

}  // namespace tf2jax::compiler
