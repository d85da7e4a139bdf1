// Nodes of values: what each kind of operation computes at an index.
#include "tf2jax/compiler/lower/nodes.h"

#include <algorithm>

#include "tf2jax/compiler/loops/scalar_bits.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Node;
using loops::NodeId;
using loops::Op;

namespace {

bool is_half(DType d) { return d == DType::f16 || d == DType::bf16; }

bool is_costly(const Node& n) {
  return loops::is_function(n.op) || n.op == Op::sqrt || n.op == Op::rsqrt || n.op == Op::div || n.op == Op::rem;
}

// Equal nodes are shared.
std::size_t hash_of(const Node& n) {
  std::size_t h = static_cast<std::size_t>(n.op) * 31 + static_cast<std::size_t>(n.dtype);
  const auto mix = [&](std::uint64_t x) { h = h * 1000003 ^ static_cast<std::size_t>(x); };
  for (const NodeId i : n.in) mix(static_cast<std::uint64_t>(i));
  mix(n.bits);
  mix(static_cast<std::uint64_t>(n.at.offset));
  for (const auto& [v, c] : n.at.terms) mix(static_cast<std::uint64_t>(v * 7919 + c));
  mix(static_cast<std::uint64_t>(n.extent * 64 + n.buffer));
  return h;
}

bool equal(const Node& a, const Node& b) {
  return a.op == b.op && a.dtype == b.dtype && a.in == b.in && a.bits == b.bits && a.at == b.at &&
         a.extent == b.extent && a.buffer == b.buffer && a.dynamic == b.dynamic;
}

}  // namespace

NodeBuilder::NodeBuilder(const Graph& graph, const FusionPlan& plan, const Group& group, Piece piece)
    : g_(graph), plan_(plan), group_(group), piece_(std::move(piece)) {
  for (const LoopVar x : group.space.order()) {
    if (std::ranges::find(group.reduced, x) == group.reduced.end()) parallel_.push_back(x);
    else reduced_.push_back(x);
  }
  kernel_.variables = static_cast<std::int32_t>(group.space.size());
}

NodeId NodeBuilder::add(Node n, const std::vector<NodeId>& operands) {
  for (std::size_t i = 0; i < operands.size() && i < 3; ++i) n.in[i] = operands[i];
  const std::size_t key = hash_of(n);
  if (n.op != Op::read) {
    const auto [first, last] = seen_.equal_range(key);
    for (auto it = first; it != last; ++it)
      if (equal(kernel_.nodes[it->second], n)) return it->second;
  }
  const NodeId id = create(std::move(n), operands);
  if (kernel_.nodes[id].op != Op::read) seen_.emplace(key, id);
  return id;
}

NodeId NodeBuilder::create(Node n, const std::vector<NodeId>& operands) {
  Info info;
  const auto use = [&](NodeId i) {
    if (i < 0) return;
    const Info& o = info_[i];
    info.variables.insert(o.variables.begin(), o.variables.end());
    info.stage = std::max(info.stage, o.stage);
    if (kernel_.nodes[i].op != Op::read) info.weight += o.weight, info.costly |= o.costly;
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

bool NodeBuilder::is_zero(NodeId n) const { return kernel_.nodes[n].op == Op::constant && kernel_.nodes[n].bits == 0; }
NodeId NodeBuilder::constant(DType dtype, std::uint64_t bits) {
  const auto [it, fresh] = constants_.try_emplace({dtype, bits}, -1);
  if (fresh) it->second = add({.op = Op::constant, .dtype = dtype, .bits = bits}, {});
  return it->second;
}
NodeId NodeBuilder::integer(DType dtype, std::int64_t v) {
  return constant(dtype,
                  static_cast<std::uint64_t>(v) & (itemsize(dtype) == 8 ? ~0ULL : (1ULL << (8 * itemsize(dtype))) - 1));
}

NodeId NodeBuilder::both(NodeId a, NodeId b) {
  if (a == kNever || b == kNever) return kNever;
  if (a < 0 || b < 0) return a < 0 ? b : a;
  return add({.op = Op::bit_and, .dtype = DType::bool_}, {a, b});
}
NodeId NodeBuilder::in_range(const Affine& a, std::int64_t size) {
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
std::int64_t NodeBuilder::start(LoopVar x) const {
  const auto it = piece_.find(x);
  return it == piece_.end() ? 0 : it->second.first;
}
std::int64_t NodeBuilder::extent(LoopVar x) const {
  const auto it = piece_.find(x);
  return it == piece_.end() ? group_.space.extent(x) : it->second.second - it->second.first;
}

loops::BufferId NodeBuilder::buffer(ValueId base) {
  const auto [it, fresh] = buffers_.try_emplace(base, static_cast<loops::BufferId>(kernel_.buffers.size()));
  if (fresh) {
    const DType dtype = g_.value(base).aval.dtype;  // loops read pairs as two of their parts
    kernel_.buffers.push_back({part_dtype(dtype), g_.value(base).elements() * (is_pair(dtype) ? 2 : 1), false, false});
    out_.bases.push_back(base);
  }
  return it->second;
}
Affine NodeBuilder::address(ValueId v, MapId map) const {
  const View& view = plan_.views.at(v);
  return group_.space.address(map, view.offset, view.strides);
}

// The node of a value at a map; `mask`: reads outside of it are not allowed.
NodeId NodeBuilder::build(ValueId v, MapId map, NodeId mask) {
  const GraphValue& value = g_.value(v);
  if (value.is_constant() && value.elements() == 1 && itemsize(value.aval.dtype) <= 8)
    return constant(value.aval.dtype, scalar_bits(value.constant));
  const auto key = std::tuple(v, map, mask);
  if (const auto it = built_.find(key); it != built_.end()) return it->second;
  const NodeId n = group_.is_inlined(v) ? compute(v, map, mask) : load(v, map, mask);
  built_.emplace(key, n);
  return n;
}

NodeId NodeBuilder::load(ValueId v, MapId map, NodeId mask) {
  Node n{
      .op = Op::load, .dtype = g_.value(v).aval.dtype, .at = address(v, map), .buffer = buffer(plan_.views.at(v).base)};
  return add(std::move(n), mask < 0 ? std::vector<NodeId>{} : std::vector{mask});
}

NodeId NodeBuilder::compute(ValueId v, MapId map, NodeId mask) {
  const GraphOp& op = *g_.producer(v);
  const DType dtype = g_.value(v).aval.dtype;
  const std::vector<MapId>& maps = group_.operands.at({v, map});
  switch (op.kind) {
    case OpKind::elementwise: {
      std::vector<NodeId> in;
      for (std::size_t i = 0; i < op.in.size(); ++i) in.push_back(build(op.in[i], maps[i], mask));
      if (op.scalar == Op::add && !piece_.empty() && is_zero(in[0]))
        return in[1];  // what a pad adds outside of its operand
      if (op.scalar == Op::add && !piece_.empty() && is_zero(in[1])) return in[0];
      return apply(op.scalar, dtype, in);
    }
    case OpKind::iota: {
      const DType counter = dtype == DType::i64 || dtype == DType::u64 || dtype == DType::u32 ? dtype : DType::i32;
      const NodeId n = add(
          {.op = Op::index, .dtype = counter, .at = group_.space.map(map)[op.params.get<IotaParams>().dimension]}, {});
      return counter == dtype ? n : add({.op = Op::convert, .dtype = dtype}, {n});
    }
    case OpKind::pad:
    case OpKind::windows: {
      NodeId inside = -1;
      const IndexMap& inner = group_.space.map(maps[0]);
      for (std::size_t i = 0; i < inner.size(); ++i)
        inside = both(inside, in_range(inner[i], g_.value(op.in[0]).dims[i]));
      if (inside == kNever) return build(op.in[1], maps[1], mask);
      const NodeId x = build(op.in[0], maps[0], both(mask, inside));
      return inside < 0 ? x : add({.op = Op::select, .dtype = dtype}, {inside, x, build(op.in[1], maps[1], mask)});
    }
    case OpKind::concatenate: {
      const std::size_t axis = op.params.get<ConcatenateParams>().dimension;
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
    case OpKind::cumulative: return running_total(op, dtype, maps[0]);
    default: return build(op.in[0], maps[0], mask);  // pure movement
  }
}

NodeId NodeBuilder::clamped(NodeId start, DType type, std::int64_t highest) {
  const NodeId zero = integer(type, 0);
  if (highest == 0) return zero;
  const NodeId bounded = add({.op = Op::min, .dtype = type}, {start, integer(type, highest)});
  return type >= DType::u8 && type <= DType::u64 ? bounded : add({.op = Op::max, .dtype = type}, {bounded, zero});
}
// An i64 copy of an index, so that bounds of large axes are representable.
NodeId NodeBuilder::wide_index(NodeId n, DType type) {
  if (type == DType::u64) n = add({.op = Op::min, .dtype = type}, {n, integer(type, INT64_MAX)});
  return type == DType::i64 ? n : add({.op = Op::convert, .dtype = DType::i64}, {n});
}

NodeId NodeBuilder::dynamic_load(ValueId v, MapId map, const std::vector<std::pair<NodeId, std::size_t>>& starts,
                                 NodeId mask) {
  const View& view = plan_.views.at(v);
  Node n{.op = Op::load, .dtype = g_.value(v).aval.dtype, .at = address(v, map), .buffer = buffer(view.base)};
  std::vector<NodeId> operands;
  for (const auto& [start, axis] : starts) n.dynamic.emplace_back(start, view.strides[axis]);
  const NodeId id = create(n, {});
  Info& info = info_[id];
  if (mask >= 0) kernel_.nodes[id].in[0] = mask;
  for (const auto& [start, scale] : kernel_.nodes[id].dynamic) merge_info(info, start);
  if (mask >= 0) merge_info(info, mask);
  return id;
}
void NodeBuilder::merge_info(Info& info, NodeId from) {
  const Info& o = info_[from];
  info.variables.insert(o.variables.begin(), o.variables.end());
  info.stage = std::max(info.stage, o.stage);
  info.weight += o.weight;
  info.costly |= o.costly;
}

NodeId NodeBuilder::dynamic_slice(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask) {
  const Dims &whole = g_.value(op.in[0]).dims, &window = g_.value(v).dims;
  std::vector<std::pair<NodeId, std::size_t>> starts;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == window[i]) continue;
    const DType type = g_.value(op.in[i + 1]).aval.dtype;
    starts.emplace_back(
        clamped(wide_index(build(op.in[i + 1], maps[i + 1], -1), type), DType::i64, whole[i] - window[i]), i);
  }
  return dynamic_load(op.in[0], maps[0], starts, mask);
}

NodeBuilder::Starts NodeBuilder::starts(ValueId indices, std::span<const MapId> maps, const Axes& axes,
                                        const Dims& highest, bool ask, NodeId mask) {
  Starts out;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::size_t axis = axes[k];
    const NodeId index = wide_index(build(indices, maps[k], mask), g_.value(indices).aval.dtype);
    const NodeId bounded = clamped(index, DType::i64, highest[axis]);
    if (ask) out.inside = both(out.inside, add({.op = Op::eq, .dtype = DType::bool_}, {index, bounded}));
    out.along.emplace_back(bounded, axis);
  }
  return out;
}

NodeId NodeBuilder::gather(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask) {
  const GatherParams& p = op.params.get<GatherParams>();
  const DType dtype = g_.value(v).aval.dtype;
  Dims highest = g_.value(op.in[0]).dims;
  for (std::size_t i = 0; i < highest.size(); ++i) highest[i] -= p.slice_sizes[i];
  const Starts at = starts(op.in[1], std::span(maps).subspan(1), p.dimension_numbers.start_index_map, highest,
                           p.mode == GatherScatterMode::fill_or_drop, mask);
  const NodeId x = dynamic_load(op.in[0], maps[0], at.along, mask);
  if (at.inside < 0) return x;
  return add({.op = Op::select, .dtype = dtype}, {at.inside, x, constant(dtype, fill_bits(p, dtype))});
}

// The conditions of a mask on parallel variables. Those on reduced ones are the reader's, which reads the total in a
// part of its own range only.
NodeId NodeBuilder::of_rows(NodeId mask) {
  if (mask < 0 || std::ranges::none_of(info_[mask].variables, [&](LoopVar x) { return is_reduced(x); })) return mask;
  const Node& n = kernel_.nodes[mask];
  if (n.op != Op::bit_and) return kAlways;
  const auto [a, b] = std::pair(n.in[0], n.in[1]);
  return both(of_rows(a), of_rows(b));
}

// Halves add up in singles. So do singles, unless they are many: a running sum of 2^20 equal terms is off by a percent.
// Where sums are that long, memory is slower than the wider additions.
DType NodeBuilder::running_type(const GraphOp& op, DType dtype) const {
  constexpr std::int64_t kMany = 1 << 16;
  const bool is_single = dtype == DType::f32 || is_half(dtype);
  if (is_single && op.scalar == Op::add && group_.space.volume(reduced_) >= kMany) return DType::f64;
  return is_half(dtype) ? DType::f32 : dtype;
}

NodeId NodeBuilder::reduction(const GraphOp& op, DType dtype, MapId map, NodeId mask) {
  const NodeId x = build(op.in[0], map, of_rows(mask));
  const DType running = running_type(op, dtype);
  const NodeId addend = running == dtype ? x : add({.op = Op::convert, .dtype = running}, {x});
  const auto accumulator = static_cast<std::int32_t>(kernel_.accumulators.size());
  kernel_.accumulators.push_back({running, op.scalar, neutral(op.scalar, running)});
  const NodeId total = add({.op = Op::read, .dtype = running, .accumulator = accumulator}, {});
  info_[total].stage = info_[addend].stage + 1;
  for (const LoopVar v : parallel_) info_[total].variables.insert(v);  // of the scope in which it was reset
  accumulations_.push_back({accumulator, addend, info_[addend].stage});
  accumulator_stage_[accumulator] = info_[addend].stage;
  return running == dtype ? total : add({.op = Op::convert, .dtype = dtype}, {total});
}

// Read in the loop that accumulates it.
NodeId NodeBuilder::running_total(const GraphOp& op, DType dtype, MapId map) {
  const NodeId x = build(op.in[0], map, -1);
  const DType running = running_type(op, dtype);
  const NodeId addend = running == dtype ? x : add({.op = Op::convert, .dtype = running}, {x});
  const auto accumulator = static_cast<std::int32_t>(kernel_.accumulators.size());
  kernel_.accumulators.push_back({running, op.scalar, neutral(op.scalar, running), true});
  const NodeId total = add({.op = Op::read, .dtype = running, .accumulator = accumulator}, {});
  Info& info = info_[total];
  info.stage = info_[addend].stage;
  for (const LoopVar v : group_.space.order()) info.variables.insert(v);
  accumulations_.push_back({accumulator, addend, info.stage});
  accumulator_stage_[accumulator] = info.stage;
  return running == dtype ? total : add({.op = Op::convert, .dtype = dtype}, {total});
}

}  // namespace tf2jax::compiler
