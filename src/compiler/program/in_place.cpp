// Accesses of two buffers by their places in the kernel's text and by their index.
#include "tf2jax/compiler/program/in_place.h"

#include <algorithm>
#include <cstdlib>

namespace tf2jax::compiler {

namespace {

using loops::Affine;
using loops::BufferId;
using loops::Kernel;
using loops::LoopVar;
using loops::NodeId;

struct Access {
  std::vector<std::size_t> path;   // its position in each block around it, the outermost first
  std::vector<LoopVar> variables;  // of the loops around it: one less than positions
  const Affine* at;
};

class Accesses {
 public:
  Accesses(const Kernel& kernel, BufferId read, BufferId written)
      : kernel_(kernel), read_(read), written_(written), extents_(kernel.variables, 1) {
    for (std::size_t i = 0; i < kernel.parallel.size(); ++i) extents_[i] = kernel.parallel[i];
    visit(kernel.body);
  }

  bool in_order() const {
    if (unknown_ || stores.size() > 1) return false;
    if (loads.empty()) return true;
    return !stores.empty() && is_injective(*stores[0].at) && std::ranges::all_of(loads, [&](const Access& a) {
      return *a.at == *stores[0].at && precedes(a, stores[0]);
    });
  }

 private:
  void visit(const loops::Block& block) {
    path_.push_back(0);
    for (const loops::Statement& s : block) {
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
        const loops::Node& n = kernel_.nodes[e->node];
        if (n.op == loops::Op::load && n.buffer == read_) loads.push_back({path_, variables_, &n.at});
        unknown_ |= n.op == loops::Op::load && (n.buffer == written_ || (n.buffer == read_ && !n.dynamic.empty()));
      } else if (const auto* store = std::get_if<loops::Store>(&s.what)) {
        if (store->buffer == written_) stores.push_back({path_, variables_, &store->at});
        unknown_ |= store->buffer == read_ || !store->dynamic.empty();
      } else if (const auto* l = std::get_if<loops::Loop>(&s.what)) {
        std::int64_t& extent = extents_[l->var];
        extent = std::max(extent, l->extent);
        variables_.push_back(l->var);
        visit(l->body);
        variables_.pop_back();
      } else {
        unknown_ |= !std::holds_alternative<loops::Reset>(s.what) && !std::holds_alternative<loops::Accumulate>(s.what);
      }
      ++path_.back();
    }
    path_.pop_back();
  }

  std::int64_t extent(LoopVar x) const { return extents_[x]; }

  // Different values of the variables give different indices: each step is longer than all shorter ones together.
  bool is_injective(const Affine& at) const {
    auto terms = at.terms;
    std::ranges::sort(terms, {}, [](const auto& t) { return std::abs(t.second); });
    std::int64_t reach = 0;
    for (const auto& [x, c] : terms) {
      if (std::abs(c) <= reach) return false;
      reach += std::abs(c) * (extent(x) - 1);
    }
    return true;
  }

  // Under the loops they share, which the index must tell apart, the load comes first.
  bool precedes(const Access& load, const Access& store) const {
    const auto tells_apart = [&](LoopVar x) {
      return extent(x) == 1 || std::ranges::any_of(load.at->terms, [&](const auto& t) { return t.first == x; });
    };
    for (std::size_t i = 0; i < kernel_.parallel.size(); ++i)
      if (!tells_apart(static_cast<LoopVar>(i))) return false;
    std::size_t depth = 0;
    for (; load.path[depth] == store.path[depth]; ++depth)
      if (!tells_apart(load.variables[depth])) return false;  // the same position holds a loop: they differ further in
    return load.path[depth] < store.path[depth];
  }

  const Kernel& kernel_;
  const BufferId read_, written_;
  std::vector<std::int64_t> extents_;
  std::vector<std::size_t> path_;
  std::vector<LoopVar> variables_;
  std::vector<Access> loads, stores;
  bool unknown_ = false;
};

// Drops stores of what lies there already, and loops that are left without a store.
void drop_idle(const Kernel& kernel, loops::Block& block) {
  std::erase_if(block, [&](loops::Statement& s) {
    if (auto* l = std::get_if<loops::Loop>(&s.what)) {
      drop_idle(kernel, l->body);
      return l->body.empty();
    }
    const auto* store = std::get_if<loops::Store>(&s.what);
    if (!store || !store->dynamic.empty()) return false;
    const loops::Node& n = kernel.nodes[store->value];
    return n.op == loops::Op::load && n.buffer == store->buffer && n.at == store->at && n.dynamic.empty() &&
           n.in[0] < 0;
  });
  if (std::ranges::all_of(block, [](const loops::Statement& s) { return std::holds_alternative<loops::Eval>(s.what); }))
    block.clear();
}

void plain_stores(loops::Block& block, BufferId buffer) {
  for (loops::Statement& s : block) {
    if (auto* store = std::get_if<loops::Store>(&s.what); store && store->buffer == buffer)
      store->streaming = false;  // its lines are in the caches
    loops::for_blocks(s, [&](loops::Block& inner) { plain_stores(inner, buffer); });
  }
}

bool is_load(const Kernel& kernel, const loops::Statement& s, BufferId buffer) {
  const auto* e = std::get_if<loops::Eval>(&s.what);
  if (!e) return false;
  const loops::Node& n = kernel.nodes[e->node];
  return n.op == loops::Op::load && n.buffer == buffer;
}
bool touches(const Kernel& kernel, const loops::Statement& s, BufferId buffer) {
  const auto* store = std::get_if<loops::Store>(&s.what);
  bool found = is_load(kernel, s, buffer) || (store && store->buffer == buffer);
  loops::for_blocks(s, [&](const loops::Block& inner) {
    found = found || std::ranges::any_of(inner, [&](const auto& x) { return touches(kernel, x, buffer); });
  });
  return found;
}

// Loops around written[i] = read[i] and nothing else.
bool is_copy(const Kernel& kernel, const loops::Statement& s, BufferId read, BufferId written) {
  const loops::Statement* inner = &s;
  std::int64_t elements = 1;
  while (const auto* l = std::get_if<loops::Loop>(&inner->what)) {
    elements *= l->extent;
    if (l->body.size() == 2 && is_load(kernel, l->body[0], read)) {
      const NodeId loaded = std::get<loops::Eval>(l->body[0].what).node;
      const loops::Node& n = kernel.nodes[loaded];
      const auto* store = std::get_if<loops::Store>(&l->body[1].what);
      return store && store->buffer == written && store->value == loaded && store->at == n.at && store->mask < 0 &&
             n.in[0] < 0 && store->dynamic.empty() && n.dynamic.empty() && elements == kernel.buffers[read].elements;
    }
    if (l->body.size() != 1) return false;
    inner = &l->body[0];
  }
  return false;
}

// The statement that copies one buffer to another, where it is the first to touch the one and the only one to touch the
// other.
loops::Block::const_iterator initial_copy(const Kernel& kernel, BufferId read, BufferId written) {
  const auto reads = [&](const loops::Statement& s) { return touches(kernel, s, read); };
  const auto first = std::ranges::find_if(
      kernel.body, [&](const loops::Statement& s) { return reads(s) || touches(kernel, s, written); });
  if (first == kernel.body.end() || !kernel.parallel.empty() || !is_copy(kernel, *first, read, written) ||
      std::any_of(first + 1, kernel.body.end(), reads))
    return kernel.body.end();
  return first;
}

}  // namespace

bool may_overwrite(const Kernel& kernel, BufferId read, BufferId written) {
  const loops::Buffer &from = kernel.buffers[read], &to = kernel.buffers[written];
  return from.dtype == to.dtype && from.elements == to.elements && !from.scratch && !to.scratch && !from.written &&
         (initial_copy(kernel, read, written) != kernel.body.end() || Accesses(kernel, read, written).in_order());
}

void overwrite(Kernel& kernel, BufferId read, BufferId written) {
  if (const auto copy = initial_copy(kernel, read, written); copy != kernel.body.end()) {
    kernel.body.erase(copy);
    return;
  }
  for (loops::Node& n : kernel.nodes)
    if (n.op == loops::Op::load && n.buffer == read) n.buffer = written;
  plain_stores(kernel.body, written);
  drop_idle(kernel, kernel.body);
}

std::vector<BufferId> buffers_of(const BoundKernel& bound, ValueId base) {
  std::vector<BufferId> out;
  auto next = bound.bases.begin();
  for (std::size_t i = 0; i < bound.kernel.buffers.size(); ++i)
    if (!bound.kernel.buffers[i].scratch && *next++ == base) out.push_back(static_cast<BufferId>(i));
  return out;
}

bool allows_overwrite(const BoundKernel& bound, ValueId operand, ValueId result) {
  const auto from = buffers_of(bound, operand), to = buffers_of(bound, result);
  return std::ranges::all_of(from, [&](BufferId b) { return to.size() == 1 && may_overwrite(bound.kernel, b, to[0]); });
}

}  // namespace tf2jax::compiler
