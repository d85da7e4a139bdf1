// Lowering: choose the vector axis, order the loops, and place every node in the outermost loop that it can be in.
#include "tf2jax/backends/llvm/lower_group.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <set>

#include "tf2jax/backends/llvm/collapse.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

using loops::Kernel;
using loops::Node;
using loops::NodeId;
using loops::Op;

std::uint64_t scalar_bits(const Array& a) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, a.bytes().data(), std::min<std::size_t>(sizeof bits, a.bytes().size()));
  return bits;
}

template <class T>
std::uint64_t bits_of(T v) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof v);
  return bits;
}

// The neutral element of a reduction.
std::uint64_t neutral(Op op, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> std::uint64_t {
    if constexpr (std::is_same_v<T, bool>) return op == Op::bit_and || op == Op::min || op == Op::mul;
    else if constexpr (std::is_floating_point_v<T>) {
      const T inf = std::numeric_limits<T>::infinity();
      return bits_of(op == Op::add ? T(0) : op == Op::mul ? T(1) : op == Op::max ? -inf : inf);
    } else if constexpr (std::is_integral_v<T>) {
      switch (op) {
        case Op::mul: return bits_of(T(1));
        case Op::max: return bits_of(std::numeric_limits<T>::lowest());
        case Op::min: return bits_of(std::numeric_limits<T>::max());
        case Op::bit_and: return bits_of(static_cast<T>(~T(0)));
        default: return bits_of(T(0));
      }
    } else {
      return 0;
    }
  });
}

bool is_half(DType d) { return d == DType::f16 || d == DType::bf16; }

bool is_costly(const Node& n) {
  return (n.op >= Op::exp && n.op <= Op::cbrt) || n.op == Op::erf || n.op == Op::erfc || n.op == Op::pow || n.op == Op::atan2 || n.op == Op::div || n.op == Op::rem;
}

// A part of the index space: [first, second) of some variables.
using Piece = std::map<LoopVar, std::pair<std::int64_t, std::int64_t>>;

class Lowering {
 public:
  Lowering(const Graph& graph, const Plan& plan, const Group& group, int lanes, Piece piece = {}) : g_(graph), plan_(plan), group_(group), lanes_(lanes), piece_(std::move(piece)) {
    for (const LoopVar x : group.space.order()) {
      if (std::ranges::find(group.reduced, x) == group.reduced.end()) parallel_.push_back(x);
      else reduced_.push_back(x);
    }
    kernel_.variables = static_cast<std::int32_t>(group.space.size());
  }

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
  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
  static void append(loops::Block& to, loops::Block from) { std::ranges::move(from, std::back_inserter(to)); }

  // What is known of a node beyond the loop program.
  struct Info {
    std::set<LoopVar> variables;
    int stage = 0;          // the first loop over the reduced variables in which (or before which) it can be computed
    int weight = 1;         // operations to compute it from memory in its stage
    bool costly = false;
  };

  // Equal nodes are shared.
  static std::size_t hash_of(const Node& n) {
    std::size_t h = static_cast<std::size_t>(n.op) * 31 + static_cast<std::size_t>(n.dtype);
    const auto mix = [&](std::uint64_t x) { h = h * 1000003 ^ static_cast<std::size_t>(x); };
    for (const NodeId i : n.in) mix(static_cast<std::uint64_t>(i));
    mix(n.bits);
    mix(static_cast<std::uint64_t>(n.at.offset));
    for (const auto& [v, c] : n.at.terms) mix(static_cast<std::uint64_t>(v * 7919 + c));
    mix(static_cast<std::uint64_t>(n.extent * 64 + n.buffer));
    return h;
  }
  static bool equal(const Node& a, const Node& b) {
    return a.op == b.op && a.dtype == b.dtype && a.in == b.in && a.bits == b.bits && a.at == b.at && a.extent == b.extent && a.buffer == b.buffer && a.dynamic == b.dynamic;
  }

  NodeId add(Node n, const std::vector<NodeId>& operands) {
    for (std::size_t i = 0; i < operands.size() && i < 3; ++i) n.in[i] = operands[i];
    const std::size_t key = hash_of(n);
    if (n.op != Op::read) {
      const auto [first, last] = seen_.equal_range(key);
      for (auto it = first; it != last; ++it)
        if (equal(kernel_.nodes[at(it->second)], n)) return it->second;
    }
    const NodeId id = create(std::move(n), operands);
    if (kernel_.nodes[at(id)].op != Op::read) seen_.emplace(key, id);
    return id;
  }

  NodeId create(Node n, const std::vector<NodeId>& operands) {
    Info info;
    const auto use = [&](NodeId i) {
      if (i < 0) return;
      const Info& o = info_[at(i)];
      info.variables.insert(o.variables.begin(), o.variables.end());
      info.stage = std::max(info.stage, o.stage);
      if (kernel_.nodes[at(i)].op != Op::read) info.weight += o.weight, info.costly |= o.costly;
    };
    for (const NodeId i : operands) use(i);
    for (const auto& [x, c] : n.at.terms) info.variables.insert(x);
    info.weight = std::min(info.weight, 1000);
    info.costly |= is_costly(n);
    if (n.op == Op::constant) info.weight = 0;
    kernel_.nodes.push_back(std::move(n));
    info_.push_back(std::move(info));
    return static_cast<NodeId>(kernel_.nodes.size() - 1);
  }

  bool is_zero(NodeId n) const { return kernel_.nodes[at(n)].op == Op::constant && kernel_.nodes[at(n)].bits == 0; }
  NodeId constant(DType dtype, std::uint64_t bits) {
    const auto [it, fresh] = constants_.try_emplace({dtype, bits}, -1);
    if (fresh) it->second = add({.op = Op::constant, .dtype = dtype, .bits = bits}, {});
    return it->second;
  }
  NodeId integer(DType dtype, std::int64_t v) { return constant(dtype, static_cast<std::uint64_t>(v) & (itemsize(dtype) == 8 ? ~0ULL : (1ULL << (8 * itemsize(dtype))) - 1)); }

  static constexpr NodeId kAlways = -1, kNever = -2;
  NodeId both(NodeId a, NodeId b) {
    if (a == kNever || b == kNever) return kNever;
    if (a < 0 || b < 0) return a < 0 ? b : a;
    return add({.op = Op::bit_and, .dtype = DType::bool_}, {a, b});
  }
  NodeId in_range(const Affine& a, std::int64_t size) {
    std::int64_t low = a.offset, high = a.offset;
    for (const auto& [x, c] : a.terms) {
      const std::int64_t first = start(x), last = first + extent(x) - 1;
      low += std::min(c * first, c * last);
      high += std::max(c * first, c * last);
    }
    if (low >= 0 && high < size) return kAlways;
    if (high < 0 || low >= size) return kNever;
    return add({.op = Op::in_range, .dtype = DType::bool_, .at = a, .extent = size}, {});
  }
  // The part of a variable's range that this kernel runs over.
  std::int64_t start(LoopVar x) const {
    const auto it = piece_.find(x);
    return it == piece_.end() ? 0 : it->second.first;
  }
  std::int64_t extent(LoopVar x) const {
    const auto it = piece_.find(x);
    return it == piece_.end() ? group_.space.extent(x) : it->second.second - it->second.first;
  }

  loops::BufferId buffer(ValueId base) {
    const auto [it, fresh] = buffers_.try_emplace(base, static_cast<loops::BufferId>(kernel_.buffers.size()));
    if (fresh) {
      kernel_.buffers.push_back({g_.value(base).aval.dtype, g_.value(base).elements(), false, false});
      out_.bases.push_back(base);
    }
    return it->second;
  }
  Affine address(ValueId v, MapId map) const {
    const View& view = plan_.views.at(v);
    return group_.space.address(map, view.offset, view.strides);
  }

  // The node of a value at a map; `mask`: reads outside of it are not allowed.
  NodeId build(ValueId v, MapId map, NodeId mask) {
    const GraphValue& value = g_.value(v);
    if (value.is_constant() && value.elements() == 1 && itemsize(value.aval.dtype) <= 8) return constant(value.aval.dtype, scalar_bits(value.constant));
    const auto key = std::tuple(v, map, mask);
    if (const auto it = built_.find(key); it != built_.end()) return it->second;
    const NodeId n = group_.is_inlined(v) ? compute(v, map, mask) : load(v, map, mask);
    built_.emplace(key, n);
    return n;
  }

  NodeId load(ValueId v, MapId map, NodeId mask) {
    Node n{.op = Op::load, .dtype = g_.value(v).aval.dtype, .at = address(v, map), .buffer = buffer(plan_.views.at(v).base)};
    return add(std::move(n), mask < 0 ? std::vector<NodeId>{} : std::vector{mask});
  }

  NodeId compute(ValueId v, MapId map, NodeId mask) {
    const GraphOp& op = *g_.producer(v);
    const DType dtype = g_.value(v).aval.dtype;
    const std::vector<MapId>& maps = group_.operands.at({v, map});
    switch (op.kind) {
      case OpKind::elementwise: {
        std::vector<NodeId> in;
        for (std::size_t i = 0; i < op.in.size(); ++i) in.push_back(build(op.in[i], maps[i], mask));
        if (op.scalar == Op::add && !piece_.empty() && is_zero(in[0])) return in[1];   // what a pad adds outside of its operand
        if (op.scalar == Op::add && !piece_.empty() && is_zero(in[1])) return in[0];
        return add({.op = op.scalar, .dtype = dtype}, in);
      }
      case OpKind::iota: {
        const DType counter = dtype == DType::i64 || dtype == DType::u64 || dtype == DType::u32 ? dtype : DType::i32;
        const NodeId n = add({.op = Op::index, .dtype = counter, .at = group_.space.map(map)[static_cast<std::size_t>(op.params.get<IotaParams>().dimension)]}, {});
        return counter == dtype ? n : add({.op = Op::convert, .dtype = dtype}, {n});
      }
      case OpKind::pad: {
        NodeId inside = -1;
        const IndexMap& inner = group_.space.map(maps[0]);
        for (std::size_t i = 0; i < inner.size(); ++i) inside = both(inside, in_range(inner[i], g_.value(op.in[0]).dims[i]));
        if (inside == kNever) return build(op.in[1], maps[1], mask);
        const NodeId x = build(op.in[0], maps[0], both(mask, inside));
        return inside < 0 ? x : add({.op = Op::select, .dtype = dtype}, {inside, x, build(op.in[1], maps[1], mask)});
      }
      case OpKind::concatenate: {
        const auto axis = static_cast<std::size_t>(op.params.get<ConcatenateParams>().dimension);
        NodeId result = -1;
        for (std::size_t i = op.in.size(); i-- > 0;) {
          const NodeId inside = in_range(group_.space.map(maps[i])[axis], g_.value(op.in[i]).dims[axis]);
          if (inside == kNever) continue;
          const NodeId x = build(op.in[i], maps[i], both(mask, inside));
          result = result < 0 || inside < 0 ? x : add({.op = Op::select, .dtype = dtype}, {inside, x, result});
        }
        return result;
      }
      case OpKind::dynamic_slice: return dynamic_slice(op, v, maps, mask);
      case OpKind::gather: return gather(op, v, maps, mask);
      case OpKind::reduce: return reduction(op, dtype, maps[0], mask);
      default: return build(op.in[0], maps[0], mask);   // pure movement
    }
  }

  NodeId clamped(NodeId start, DType type, std::int64_t highest) {
    const NodeId zero = integer(type, 0);
    if (highest == 0) return zero;
    const NodeId bounded = add({.op = Op::min, .dtype = type}, {start, integer(type, highest)});
    return type >= DType::u8 && type <= DType::u64 ? bounded : add({.op = Op::max, .dtype = type}, {bounded, zero});
  }
  // An i64 copy of an index, so that bounds of large axes are representable.
  NodeId wide_index(NodeId n, DType type) { return type == DType::i64 ? n : add({.op = Op::convert, .dtype = DType::i64}, {n}); }

  NodeId dynamic_load(ValueId v, MapId map, const std::vector<std::pair<NodeId, std::size_t>>& starts, NodeId mask) {
    const View& view = plan_.views.at(v);
    Node n{.op = Op::load, .dtype = g_.value(v).aval.dtype, .at = address(v, map), .buffer = buffer(view.base)};
    std::vector<NodeId> operands;
    for (const auto& [start, axis] : starts) n.dynamic.emplace_back(start, view.strides[axis]);
    const NodeId id = create(n, {});
    Info& info = info_[at(id)];
    if (mask >= 0) kernel_.nodes[at(id)].in[0] = mask;
    for (const auto& [start, scale] : kernel_.nodes[at(id)].dynamic) merge_info(info, start);
    if (mask >= 0) merge_info(info, mask);
    return id;
  }
  void merge_info(Info& info, NodeId from) {
    const Info& o = info_[at(from)];
    info.variables.insert(o.variables.begin(), o.variables.end());
    info.stage = std::max(info.stage, o.stage);
    info.weight += o.weight;
    info.costly |= o.costly;
  }

  NodeId dynamic_slice(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask) {
    const Dims &whole = g_.value(op.in[0]).dims, &window = g_.value(v).dims;
    std::vector<std::pair<NodeId, std::size_t>> starts;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      if (whole[i] == window[i]) continue;
      const DType type = g_.value(op.in[i + 1]).aval.dtype;
      starts.emplace_back(clamped(wide_index(build(op.in[i + 1], maps[i + 1], -1), type), DType::i64, whole[i] - window[i]), i);
    }
    return dynamic_load(op.in[0], maps[0], starts, mask);
  }

  NodeId gather(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask) {
    const GatherParams& p = op.params.get<GatherParams>();
    const Dims& whole = g_.value(op.in[0]).dims;
    const bool fill = p.mode == GatherScatterMode::fill_or_drop;
    std::vector<std::pair<NodeId, std::size_t>> starts;
    NodeId inside = -1;
    for (std::size_t k = 0; k < p.dimension_numbers.start_index_map.size(); ++k) {
      const auto axis = static_cast<std::size_t>(p.dimension_numbers.start_index_map[k]);
      const std::int64_t highest = whole[axis] - p.slice_sizes[axis];
      const NodeId index = wide_index(build(op.in[1], maps[k + 1], mask), g_.value(op.in[1]).aval.dtype);
      const NodeId bounded = clamped(index, DType::i64, highest);
      if (fill) inside = both(inside, add({.op = Op::eq, .dtype = DType::bool_}, {index, bounded}));
      starts.emplace_back(bounded, axis);
    }
    const NodeId x = dynamic_load(op.in[0], maps[0], starts, mask);
    if (inside < 0) return x;
    return add({.op = Op::select, .dtype = g_.value(v).aval.dtype}, {inside, x, constant(g_.value(v).aval.dtype, fill_bits(p, g_.value(v).aval.dtype))});
  }
  // jax.lax.gather: NaN for inexact types, the lowest integer, the largest unsigned, true.
  static std::uint64_t fill_bits(const GatherParams& p, DType dtype) {
    return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> std::uint64_t {
      if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
        if (p.fill_value.value) return bits_of(detail::convert_scalar<T>(*p.fill_value.value));
        if constexpr (std::is_same_v<T, bool>) return 1;
        else if constexpr (std::is_integral_v<T>) return bits_of(std::is_signed_v<T> ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max());
        else return bits_of(detail::convert_scalar<T>(std::numeric_limits<double>::quiet_NaN()));
      } else {
        return 0;
      }
    });
  }

  NodeId reduction(const GraphOp& op, DType dtype, MapId map, NodeId mask) {
    const NodeId x = build(op.in[0], map, mask);
    const DType running = is_half(dtype) ? DType::f32 : dtype;
    const NodeId addend = running == dtype ? x : add({.op = Op::convert, .dtype = running}, {x});
    const auto accumulator = static_cast<std::int32_t>(kernel_.accumulators.size());
    kernel_.accumulators.push_back({running, op.scalar, neutral(op.scalar, running)});
    const NodeId total = add({.op = Op::read, .dtype = running, .accumulator = accumulator}, {});
    info_[at(total)].stage = info_[at(addend)].stage + 1;
    for (const LoopVar v : parallel_) info_[at(total)].variables.insert(v);   // of the scope in which it was reset
    accumulations_.push_back({accumulator, addend, info_[at(addend)].stage});
    accumulator_stage_[accumulator] = info_[at(addend)].stage;
    return running == dtype ? total : add({.op = Op::convert, .dtype = dtype}, {total});
  }

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
  bool is_reduced(LoopVar x) const { return std::ranges::find(reduced_, x) != reduced_.end(); }

  void choose_lanes() {
    double best = -1e30;
    for (const LoopVar x : group_.space.order()) {
      const std::int64_t n = extent(x);
      if (n < 2) continue;
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
          need(values[i], s);
          store.value = current(values[i], s);
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

  NodeId current(NodeId n, int stage) const {
    if (in_rows(n)) return n;
    const auto it = stage_done_[at(stage)].find(n);
    return it == stage_done_[at(stage)].end() ? n : it->second;
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
    // A row that costs more to compute again than to read back is kept.
    if (info.stage < stage && (info.costly || info.weight > 8) && lane_ >= 0 && is_reduced(lane_)) {
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
    if (lane_ < 0 || is_reduced(lane_) || reduced_.empty() || last != 1 || !stage_blocks_[1].empty() || group_.space.volume(reduced_) < 32) return 0;
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
    const auto place = [&](loops::Statement s) {
      const auto* e = std::get_if<loops::Eval>(&s.what);
      (e && !info_[at(e->node)].variables.count(lane_) ? before : inner).push_back(std::move(s));
    };
    for (auto& s : row_blocks_[0]) place(std::move(s));
    for (auto& s : stage_blocks_[0]) {
      const auto* a = std::get_if<loops::Accumulate>(&s.what);
      if (!a) {
        place(std::move(s));
        continue;
      }
      const loops::Accumulator& accumulator = kernel_.accumulators[at(a->accumulator)];
      const loops::BufferId buffer = sums.at(a->accumulator);
      const NodeId sum = create({.op = Op::load, .dtype = accumulator.dtype, .at = variable_index(lane_), .buffer = buffer}, {});
      Node next{.op = accumulator.combine, .dtype = accumulator.dtype};
      next.in = {sum, a->value, -1};
      const NodeId total = create(std::move(next), {sum, a->value});
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
    k.body.push_back(lanes(std::move(after)));

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
    out_.kernel = std::move(k);
  }

  const Graph& g_;
  const Plan& plan_;
  const Group& group_;
  const int lanes_;
  const Piece piece_;
  std::vector<LoopVar> parallel_, reduced_;
  LoopVar lane_ = -1;
  Kernel kernel_;
  LoweredGroup out_;
  std::vector<Info> info_;
  std::unordered_multimap<std::size_t, NodeId> seen_;
  std::map<std::tuple<ValueId, MapId, NodeId>, NodeId> built_;
  std::map<std::pair<DType, std::uint64_t>, NodeId> constants_;
  std::map<ValueId, loops::BufferId> buffers_;
  struct Accumulation {
    std::int32_t accumulator;
    NodeId value;
    int stage;
  };
  std::vector<Accumulation> accumulations_;
  std::map<std::int32_t, int> accumulator_stage_;
  std::vector<loops::Block> row_blocks_, stage_blocks_;
  std::vector<std::map<NodeId, NodeId>> stage_done_;
  std::set<NodeId> rows_done_, used_in_stage_;
  std::map<NodeId, loops::BufferId> kept_rows_;
};

}  // namespace

std::vector<LoweredGroup> lower_group(const Graph& graph, const Plan& plan, const Group& group, int lanes) {
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
  std::vector<LoweredGroup> out;
  for (const Piece& p : pieces) out.push_back(Lowering(graph, plan, group, lanes, p).run());
  return out;
}

}  // namespace tf2jax::compiler
