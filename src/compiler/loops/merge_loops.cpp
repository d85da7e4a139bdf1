// Loop merging on finished kernels.
#include "tf2jax/compiler/loops/merge_loops.h"

#include <algorithm>
#include <functional>

namespace tf2jax::compiler {

namespace {

using loops::Affine;
using loops::Block;
using loops::Kernel;
using loops::Loop;
using loops::LoopVar;

void visit_statements(Block& block, const std::function<void(loops::Statement&)>& f) {
  for (auto& s : block) {
    f(s);
    loops::for_blocks(s, [&](Block& inner) { visit_statements(inner, f); });
  }
}

void visit_indices(Kernel& k, const std::function<void(Affine&)>& f) {
  for (auto& n : k.nodes) f(n.at);
  visit_statements(k.body, [&](loops::Statement& s) {
    if (auto* store = std::get_if<loops::Store>(&s.what)) f(store->at);
  });
}

// True when stepping `outer` is `extent` steps of `inner` in every index.
bool are_contiguous(Kernel& k, LoopVar outer, LoopVar inner, std::int64_t extent) {
  bool yes = true;
  visit_indices(k, [&](Affine& a) { yes = yes && coefficient(a, outer) == coefficient(a, inner) * extent; });
  return yes;
}

void drop(Kernel& k, LoopVar v) {
  visit_indices(k, [&](Affine& a) { std::erase_if(a.terms, [&](const auto& t) { return t.first == v; }); });
}

// The loop over `inner` that is all there is in this one.
Loop* perfectly_nested(Loop& outer) {
  return outer.body.size() == 1 && !outer.lanes ? std::get_if<Loop>(&outer.body[0].what) : nullptr;
}

// Merges a pair of variables wherever they are nested, if they are always nested perfectly: several loops may share
// them.
bool merge_pair(Kernel& k) {
  std::vector<Loop*> all;
  visit_statements(k.body, [&](loops::Statement& s) {
    if (auto* l = std::get_if<Loop>(&s.what)) all.push_back(l);
  });
  for (Loop* candidate : all) {
    const Loop* nested = perfectly_nested(*candidate);
    if (!nested) continue;
    const LoopVar outer = candidate->var, inner = nested->var;
    const std::int64_t extent = nested->extent;
    bool yes = are_contiguous(k, outer, inner, extent);
    std::vector<Loop*> outers;
    std::size_t inners = 0;
    for (Loop* l : all) {
      inners += l->var == inner;
      if (l->var != outer) continue;
      const Loop* n = perfectly_nested(*l);
      yes = yes && n && n->var == inner;
      outers.push_back(l);
    }
    if (!yes || inners != outers.size()) continue;
    drop(k, outer);
    for (Loop* l : outers) {
      Loop& n = std::get<Loop>(l->body[0].what);
      Loop merged{inner, l->extent * n.extent, n.lanes, std::move(n.body)};
      *l = std::move(merged);
    }
    return true;
  }
  return false;
}

// Statements that use no variable may move into the loop that follows them.
Loop* only_loop(Kernel& k) {
  if (k.body.empty()) return nullptr;
  auto* loop = std::get_if<Loop>(&k.body.back().what);
  if (!loop || !loop->lanes) return nullptr;
  for (std::size_t i = 0; i + 1 < k.body.size(); ++i) {
    const auto* e = std::get_if<loops::Eval>(&k.body[i].what);
    if (!e || !k.nodes[e->node].at.terms.empty()) return nullptr;
    if (k.nodes[e->node].op == loops::Op::read) return nullptr;
  }
  return loop;
}

}  // namespace

std::int64_t coefficient(const Affine& a, LoopVar v) {
  for (const auto& [x, c] : a.terms)
    if (x == v) return c;
  return 0;
}

void renumber(Kernel& k, const std::vector<LoopVar>& outer) {
  std::vector<LoopVar> number(k.variables, -1);
  LoopVar next = 0;
  for (const LoopVar v : outer) number[v] = next++;
  for (LoopVar& n : number)
    if (n < 0) n = next++;
  visit_indices(k, [&](Affine& a) {
    for (auto& [v, c] : a.terms) v = number[v];
    std::ranges::sort(a.terms);
  });
  visit_statements(k.body, [&](loops::Statement& s) {
    if (auto* l = std::get_if<Loop>(&s.what)) l->var = number[l->var];
  });
}

void shift_variable(Kernel& k, LoopVar v, std::int64_t start) {
  visit_indices(k, [&](Affine& a) { a.offset += coefficient(a, v) * start; });
}

void split_variable(Kernel& k, LoopVar v, LoopVar tile, std::int64_t width) {
  const auto split = [&](Affine& a) {
    if (const std::int64_t c = coefficient(a, v)) a.terms.emplace_back(tile, c * width);
  };
  const auto is_own = [&](loops::BufferId b) { return b >= 0 && k.buffers[b].scratch; };
  for (auto& n : k.nodes)
    if (!is_own(n.buffer)) split(n.at);
  visit_statements(k.body, [&](loops::Statement& s) {
    if (auto* store = std::get_if<loops::Store>(&s.what); store && !is_own(store->buffer)) split(store->at);
  });
}

namespace {

// Gives the variables that are left.
std::vector<LoopVar> merge(Kernel& k) {
  while (merge_pair(k)) {
  }
  std::vector<LoopVar> vars;
  for (std::size_t i = 0; i < k.parallel.size(); ++i) vars.push_back(static_cast<LoopVar>(i));
  for (std::size_t i = vars.size(); i-- > 1;) {
    if (!are_contiguous(k, vars[i - 1], vars[i], k.parallel[i])) continue;
    drop(k, vars[i - 1]);
    k.parallel[i - 1] *= k.parallel[i];
    k.parallel.erase(k.parallel.begin() + static_cast<std::ptrdiff_t>(i));
    vars.erase(vars.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
  return vars;
}

}  // namespace

void merge_loops(Kernel& k) { renumber(k, merge(k)); }

void merge_loops_and_lanes(Kernel& k) {
  std::vector<LoopVar> vars = merge(k);
  // Rows that follow one another in every index are one long row.
  if (Loop* lanes = k.parallel_lanes || vars.empty() ? nullptr : only_loop(k);
      lanes && are_contiguous(k, vars.back(), lanes->var, lanes->extent)) {
    drop(k, vars.back());
    lanes->extent *= k.parallel.back();
    k.parallel.pop_back();
    vars.pop_back();
  }
  if (Loop* lanes = k.parallel_lanes || !vars.empty() ? nullptr : only_loop(k); lanes) {
    Block body(std::make_move_iterator(k.body.begin()), std::make_move_iterator(k.body.end() - 1));
    vars.push_back(lanes->var);
    k.parallel.push_back(lanes->extent);
    Block inner = std::move(lanes->body);
    std::ranges::move(inner, std::back_inserter(body));
    k.body = std::move(body);
    k.parallel_lanes = true;
  }
  renumber(k, vars);
}

}  // namespace tf2jax::compiler
