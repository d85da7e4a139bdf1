// The loop as if all comparisons failed, and the loop around the place where they may hold.
#include "tf2jax/compiler/loops/peel_points.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "tf2jax/compiler/loops/merge_loops.h"

namespace tf2jax::compiler {

namespace {

using loops::Affine;
using loops::Block;
using loops::Kernel;
using loops::LoopVar;
using loops::Node;
using loops::NodeId;
using loops::Op;

template <class F>
void for_operands(Node& n, F&& f) {
  for (NodeId& i : n.in)
    if (i >= 0) f(i);
  for (auto& [i, scale] : n.dynamic) f(i);
}

// Where one comparison holds: the lane variable equals `node` (-1: 0) + at.
struct Point {
  NodeId node = -1;
  Affine at;
};

class SparseRows {
 public:
  SparseRows(Kernel& kernel, loops::Loop& loop, int lanes) : k_(kernel), loop_(loop), lanes_(lanes) {}

  // What takes the loop's place, if that is worth it.
  std::optional<Block> split() {
    if (!is_simple()) return std::nullopt;
    find_points();
    if (points_.empty()) return std::nullopt;
    const auto by_offset = [](const auto& a, const auto& b) { return a.second.at.offset < b.second.at.offset; };
    const auto [low, high] = std::minmax_element(points_.begin(), points_.end(), by_offset);
    const std::int64_t reach = high->second.at.offset - low->second.at.offset + 1;
    const std::int64_t width = (reach + lanes_ - 1) / lanes_ * lanes_;
    if (width > loop_.extent) return std::nullopt;
    const std::size_t nodes = k_.nodes.size();
    const auto variables = k_.variables;
    Block alike = without_points();
    const auto trips = [&](std::int64_t n) { return static_cast<double>((n + lanes_ - 1) / lanes_); };
    const double whole = trips(loop_.extent) * weight_of(loop_.body);
    if (trips(loop_.extent) * weight_of(alike) + trips(width) * weight_of(loop_.body) + kOverhead > 2.0 / 3.0 * whole) {
      k_.nodes.resize(nodes);
      k_.variables = variables;
      return std::nullopt;
    }
    Block out = std::move(fixed_);
    Block around = around_points(low->second, width, out);
    out.push_back({loops::Loop{loop_.var, loop_.extent, true, std::move(alike)}});
    out.push_back({loops::Loop{k_.variables++, width, true, std::move(around)}});
    return out;
  }

 private:
  static constexpr double kOverhead = 8;  // of the second loop, in operations

  const Node& node(NodeId n) const { return k_.nodes[n]; }
  NodeId add(Node n) {
    k_.nodes.push_back(std::move(n));
    return static_cast<NodeId>(k_.nodes.size() - 1);
  }
  NodeId constant(DType dtype, std::uint64_t bits) { return add({.op = Op::constant, .dtype = dtype, .bits = bits}); }
  bool varies(NodeId n) const { return varying_.contains(n); }

  // Elements that depend on nothing but their index may be computed twice. Fixed values move to `fixed_`.
  bool is_simple() {
    std::set<loops::BufferId> stored, loaded;
    for (const auto& s : loop_.body) {
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
        Node n = node(e->node);
        bool changes = coefficient(n.at, loop_.var) != 0;
        for_operands(n, [&](NodeId i) { changes = changes || varies(i); });
        if (n.op == Op::read || n.op == Op::get) return false;
        if (n.op == Op::load) loaded.insert(n.buffer);
        if (changes) varying_.insert(e->node);
        else fixed_.push_back(s);
        if (changes && n.op == Op::in_range && coefficient(n.at, loop_.var) != 1) return false;
      } else if (const auto* store = std::get_if<loops::Store>(&s.what)) {
        stored.insert(store->buffer);
      } else {
        return false;
      }
    }
    return std::ranges::none_of(stored, [&](loops::BufferId b) { return loaded.contains(b); });
  }

  // Comparisons with one place, a few elements around it allowed: the first and those that lie near it.
  void find_points() {
    for (const NodeId n : varying_) {
      const auto p = point_of(n);
      if (!p) continue;
      if (!points_.empty()) {
        const Point& first = points_.begin()->second;
        if (p->node != first.node || p->at.terms != first.at.terms ||
            std::abs(p->at.offset - first.at.offset) >= lanes_)
          continue;
      }
      points_.emplace(n, *p);
    }
  }
  std::optional<Point> point_of(NodeId id) const {
    const Node& n = node(id);
    if (n.op != Op::eq) return std::nullopt;
    for (const auto& [x, y] : {std::pair(n.in[0], n.in[1]), std::pair(n.in[1], n.in[0])}) {
      const Node &index = node(x), &place = node(y);
      if (index.op != Op::index || coefficient(index.at, loop_.var) != 1 || varies(y)) continue;
      if (index.dtype != DType::i32 && index.dtype != DType::i64) continue;
      Point p{.node = place.op == Op::index ? -1 : y, .at = {.offset = -index.at.offset}};
      if (place.op == Op::index) p.at = {.offset = place.at.offset - index.at.offset, .terms = place.at.terms};
      for (const auto& [v, c] : index.at.terms) {
        if (v == loop_.var) continue;
        const auto same = std::ranges::find(p.at.terms, v, [](const auto& t) { return t.first; });
        if (same == p.at.terms.end()) p.at.terms.emplace_back(v, -c);
        else if ((same->second -= c) == 0) p.at.terms.erase(same);
      }
      std::ranges::sort(p.at.terms);
      return p;
    }
    return std::nullopt;
  }

  // The statements with every comparison false; the values they then no longer need are left out.
  Block without_points() {
    std::map<NodeId, NodeId> now;
    const auto current = [&](NodeId n) {
      const auto it = now.find(n);
      return it == now.end() ? n : it->second;
    };
    Block out;
    for (const auto& s : loop_.body) {
      if (const auto* store = std::get_if<loops::Store>(&s.what)) {
        loops::Store mine = *store;
        mine.value = current(mine.value);
        if (mine.mask >= 0) mine.mask = current(mine.mask);
        for (auto& [i, scale] : mine.dynamic) i = current(i);
        out.push_back({std::move(mine)});
        continue;
      }
      const NodeId n = std::get<loops::Eval>(s.what).node;
      if (!varies(n)) continue;
      if (points_.contains(n)) {
        now[n] = constant(DType::bool_, 0);
        continue;
      }
      Node mine = node(n);
      bool same = true;
      for_operands(mine, [&](NodeId& i) { same = same && current(i) == i, i = current(i); });
      if (!same) now[n] = simplified(std::move(mine));
      if (const NodeId it = current(n); it == n || is_new_) out.push_back({loops::Eval{it}});
    }
    return with_uses(std::move(out));
  }

  // The node, or the one it equals now that an operand is a constant; `is_new_` tells which.
  NodeId simplified(Node n) {
    const auto decided = [&](NodeId i) -> std::optional<bool> {
      if (i < 0 || node(i).op != Op::constant || node(i).dtype != DType::bool_) return std::nullopt;
      return node(i).bits != 0;
    };
    is_new_ = false;
    const auto first = decided(n.in[0]), second = n.in[1] < 0 ? std::nullopt : decided(n.in[1]);
    if (n.op == Op::select && first) return n.in[*first ? 1 : 2];
    if (n.op == Op::convert && first == false) return constant(n.dtype, 0);
    if (n.op == Op::bit_and && n.dtype == DType::bool_ && (first || second))
      return first == false || second == false ? constant(DType::bool_, 0) : n.in[first ? 1 : 0];
    if (n.op == Op::bit_or && n.dtype == DType::bool_ && (first || second))
      return first == true || second == true ? constant(DType::bool_, 1) : n.in[first ? 1 : 0];
    if (n.op == Op::bit_not && first == false) return constant(DType::bool_, 1);
    is_new_ = true;
    return add(std::move(n));
  }

  Block with_uses(Block statements) const {
    std::set<NodeId> used;
    Block out;
    for (std::size_t i = statements.size(); i-- > 0;) {
      if (const auto* store = std::get_if<loops::Store>(&statements[i].what)) {
        used.insert({store->value, store->mask});
        for (const auto& [d, scale] : store->dynamic) used.insert(d);
      } else {
        const NodeId n = std::get<loops::Eval>(statements[i].what).node;
        if (!used.contains(n)) continue;
        Node mine = node(n);
        for_operands(mine, [&](NodeId x) { used.insert(x); });
      }
      out.push_back(std::move(statements[i]));
    }
    std::ranges::reverse(out);
    return out;
  }

  NodeId eval(Block& to, Node n) {
    const NodeId id = add(std::move(n));
    to.emplace_back(loops::Eval{id});
    return id;
  }

  // The first of `width` elements from the lowest point on, or as near to it as the row allows.
  NodeId first_element(const Point& lowest, std::int64_t width, Block& before) {
    NodeId first = eval(before, {.op = Op::index, .dtype = DType::i64, .at = lowest.at});
    if (lowest.node >= 0) {
      NodeId place = lowest.node;
      if (node(place).dtype != DType::i64)
        place = eval(before, {.op = Op::convert, .dtype = DType::i64, .in = {place, -1, -1}});
      first = eval(before, {.op = Op::add, .dtype = DType::i64, .in = {first, place, -1}});
    }
    first = eval(before, {.op = Op::max, .dtype = DType::i64, .in = {first, constant(DType::i64, 0), -1}});
    const NodeId last = constant(DType::i64, static_cast<std::uint64_t>(loop_.extent - width));
    return eval(before, {.op = Op::min, .dtype = DType::i64, .in = {first, last, -1}});
  }

  // The original statements with a variable of their own that counts from `first` on; what each loop needs once goes
  // before it.
  class Moved {
   public:
    Moved(SparseRows& rows, NodeId first, Block& before)
        : rows_(rows), first_(first), before_(before), first_as_{{DType::i64, first}} {}

    void add(loops::Store s) {
      for (NodeId* n : {&s.value, &s.mask}) *n = current(*n);
      for (auto& [i, scale] : s.dynamic) i = current(i);
      if (const std::int64_t c = coefficient(s.at, rows_.loop_.var)) s.dynamic.emplace_back(first_, c);
      s.at = moved(s.at);
      s.streaming = false;
      out.push_back({std::move(s)});
    }
    void add(NodeId n) {
      if (!rows_.varies(n)) return;
      Node mine = rows_.node(n);
      for_operands(mine, [&](NodeId& i) { i = current(i); });
      const std::int64_t c = coefficient(mine.at, rows_.loop_.var);
      if (mine.op == Op::index && c != 0) {
        now_[n] = index(mine.at, mine.dtype);
      } else if (mine.op == Op::in_range && c != 0) {
        const auto compare = [&](Op op, NodeId i, std::int64_t bound) {
          const NodeId limit = rows_.constant(DType::i64, static_cast<std::uint64_t>(bound));
          return put({.op = op, .dtype = DType::bool_, .in = {i, limit, -1}});
        };
        const NodeId i = index(mine.at, DType::i64);
        const NodeId above = compare(Op::ge, i, 0), below = compare(Op::lt, i, mine.extent);
        now_[n] = put({.op = Op::bit_and, .dtype = DType::bool_, .in = {above, below, -1}});
      } else {
        if (c != 0) mine.dynamic.emplace_back(first_, c);
        mine.at = moved(mine.at);
        now_[n] = put(std::move(mine));
      }
    }
    Block out;

   private:
    NodeId current(NodeId n) const {
      const auto it = now_.find(n);
      return it == now_.end() ? n : it->second;
    }
    NodeId put(Node n) { return rows_.eval(out, std::move(n)); }
    Affine moved(Affine a) const {
      for (auto& [v, c] : a.terms)
        if (v == rows_.loop_.var) v = rows_.k_.variables;  // the highest: terms still ascend once it is the last
      std::ranges::sort(a.terms);
      return a;
    }
    NodeId index(const Affine& a, DType dtype) {
      const auto [it, fresh] = first_as_.try_emplace(dtype, -1);
      if (fresh) it->second = rows_.eval(before_, {.op = Op::convert, .dtype = dtype, .in = {first_, -1, -1}});
      const NodeId inner = put({.op = Op::index, .dtype = dtype, .at = moved(a)});
      const std::int64_t c = coefficient(a, rows_.loop_.var);
      NodeId start = it->second;
      if (c != 1) {
        const NodeId scale = rows_.constant(dtype, static_cast<std::uint64_t>(c) & mask_of(dtype));
        start = put({.op = Op::mul, .dtype = dtype, .in = {start, scale, -1}});
      }
      return put({.op = Op::add, .dtype = dtype, .in = {inner, start, -1}});
    }

    SparseRows& rows_;
    NodeId first_;
    Block& before_;
    std::map<DType, NodeId> first_as_;
    std::map<NodeId, NodeId> now_;
  };

  // The original statements for `width` elements around the lowest point.
  Block around_points(const Point& lowest, std::int64_t width, Block& before) {
    Moved moved(*this, first_element(lowest, width, before), before);
    for (const auto& s : loop_.body) {
      if (const auto* store = std::get_if<loops::Store>(&s.what)) moved.add(*store);
      else moved.add(std::get<loops::Eval>(s.what).node);
    }
    return std::move(moved.out);
  }
  static std::uint64_t mask_of(DType dtype) {
    return itemsize(dtype) == 8 ? ~0ULL : (1ULL << (8 * itemsize(dtype))) - 1;
  }

  // Operations on each vector: what the emitter keeps outside the loop costs nothing.
  double weight_of(const Block& block) const {
    std::set<NodeId> changing;
    double total = 0;
    for (const auto& s : block) {
      const auto* e = std::get_if<loops::Eval>(&s.what);
      if (!e) {
        total += 1;
        continue;
      }
      Node n = node(e->node);
      bool changes = coefficient(n.at, loop_.var) != 0;
      for_operands(n, [&](NodeId i) { changes = changes || changing.contains(i); });
      if (!changes) continue;
      changing.insert(e->node);
      total += loops::is_function(n.op) ? 12 : 1;
    }
    return total;
  }

  Kernel& k_;
  loops::Loop& loop_;
  const int lanes_;
  std::set<NodeId> varying_;
  Block fixed_;
  std::map<NodeId, Point> points_;
  bool is_new_ = false;
};

}  // namespace

void peel_points(Kernel& kernel, int lanes) {
  Block out;
  for (auto& s : kernel.body) {
    auto* loop = std::get_if<loops::Loop>(&s.what);
    auto rows =
        loop && loop->lanes && loop->extent >= 3 * lanes ? SparseRows(kernel, *loop, lanes).split() : std::nullopt;
    kernel.rewrites = kernel.rewrites || rows;
    if (rows) std::ranges::move(*rows, std::back_inserter(out));
    else out.push_back(std::move(s));
  }
  kernel.body = std::move(out);
}

}  // namespace tf2jax::compiler
