// Operations on values of few elements, as nodes for each element. Longer than other files because it has a case for
// every kind of operation.
#include "tf2jax/compiler/native/scalar_builder.h"

#include <algorithm>

#include "tf2jax/compiler/loops/scalar_bits.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Node;
using loops::NodeId;
using loops::Op;

namespace {

Dims index_of(std::int64_t i, const Dims& dims) {
  Dims out(dims.size());
  for (std::size_t k = dims.size(); k-- > 0;) {
    out[k] = i % dims[k];
    i /= dims[k];
  }
  return out;
}
std::int64_t position(const Dims& index, const Dims& dims) {
  std::int64_t i = 0;
  for (std::size_t k = 0; k < dims.size(); ++k) i = i * dims[k] + index[k];
  return i;
}
bool is_half(DType d) { return d == DType::f16 || d == DType::bf16; }

double time_of(const GraphOp& op) {
  const bool is_function = op.kind == OpKind::elementwise && loops::is_function(op.scalar);
  return is_function ? 4 : 0.3;
}

}  // namespace

// ---- nodes

NodeId ScalarBuilder::emit(Node n) {
  if (kernel_.nodes.size() >= kMostNodes) {
    give_up();
    return 0;
  }
  kernel_.nodes.push_back(std::move(n));
  const auto id = static_cast<NodeId>(kernel_.nodes.size() - 1);
  if (kernel_.nodes.back().op != Op::constant) statement({loops::Eval{id}});
  return id;
}

NodeId ScalarBuilder::node(Op op, DType dtype, NodeId a, NodeId b, NodeId c) {
  const auto key = std::tuple(op, dtype, a, b, c);
  if (const auto it = known_.find(key); it != known_.end()) return it->second;
  Node n{.op = op, .dtype = dtype};
  n.in = {a, b, c};
  const NodeId id = emit(std::move(n));
  known_.emplace(key, id);
  return id;
}

NodeId ScalarBuilder::constant(DType dtype, std::uint64_t bits) {
  const auto [it, fresh] = constants_.try_emplace({dtype, bits}, -1);
  if (fresh) it->second = emit({.op = Op::constant, .dtype = dtype, .bits = bits});
  return it->second;
}

// ---- values

loops::BufferId ScalarBuilder::buffer(DType dtype, std::int64_t elements, std::variant<ValueId, Array> what) {
  kernel_.buffers.push_back({dtype, elements, false, false});
  buffers_.push_back(std::move(what));
  return static_cast<loops::BufferId>(kernel_.buffers.size() - 1);
}

ScalarBuilder::ScalarValue ScalarBuilder::held(const Aval& aval) const {
  ScalarValue out{aval.dtype, aval.dims(), {}, {}, false};
  if (out.size() <= kFew) out.elements.assign(out.size(), -1);
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::dense(DType dtype, const Dims& dims, loops::BufferId buffer) {
  ScalarValue out{dtype, dims, {}, Storage{buffer, {}, row_major_strides(dims)}, false};
  if (out.size() <= kFew) out.elements.assign(out.size(), -1);
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::array(const Array& constant) {
  const DType dtype = constant.dtype();
  const Dims dims = constant.dims();
  if (num_elements(dims) > kFew || itemsize(dtype) > 8)
    return dense(dtype, dims, buffer(dtype, num_elements(dims), constant));
  ScalarValue out = held(constant.aval());
  const auto bytes = constant.bytes();
  for (std::int64_t i = 0; i < out.size(); ++i) {
    std::uint64_t bits = 0;
    std::copy_n(bytes.data() + i * itemsize(dtype), itemsize(dtype), reinterpret_cast<std::byte*>(&bits));
    out.elements[i] = this->constant(dtype, bits);
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::scratch(DType dtype, const Dims& dims) {
  scratch_bytes_ += num_elements(dims) * itemsize(dtype);
  if (scratch_bytes_ > kMostScratch) give_up();
  kernel_.buffers.push_back({dtype, num_elements(dims), true, true});
  return dense(dtype, dims, static_cast<loops::BufferId>(kernel_.buffers.size() - 1));
}

NodeId ScalarBuilder::element(ScalarValue& v, std::int64_t i) {
  if (v.elements.empty()) {
    give_up();
    return 0;
  }
  NodeId& n = v.elements[i];
  if (n < 0) n = load(v, index_of(i, v.dims), {});
  return n;
}

// The element at index + starts, axis by axis.
NodeId ScalarBuilder::load(ScalarValue& v, const Dims& index,
                           const std::vector<std::pair<NodeId, std::int64_t>>& starts) {
  const Storage& m = in_memory(v);
  Node n{.op = Op::load, .dtype = v.dtype, .at = m.offset, .buffer = m.buffer};
  for (std::size_t k = 0; k < index.size(); ++k) n.at.offset += index[k] * m.strides[k];
  for (const auto& [start, axis] : starts) n.dynamic.emplace_back(start, m.strides[axis]);
  return emit(std::move(n));
}

const ScalarBuilder::Storage& ScalarBuilder::in_memory(ScalarValue& v) {
  if (!v.memory) {
    Storage place = *scratch(v.dtype, v.dims).memory;
    store(v, place);
    v.memory = std::move(place);
  }
  return *v.memory;
}

void ScalarBuilder::store(ScalarValue v, const Storage& to) {
  kernel_.buffers[to.buffer].written = true;
  if (v.elements.empty()) return store_from_memory(v, to);
  for (std::int64_t i = 0; i < v.size(); ++i) element(v, i);
  for (std::int64_t i = 0; i < v.size(); ++i) {
    loops::Store s{to.buffer, to.offset, element(v, i)};
    const Dims index = index_of(i, v.dims);
    for (std::size_t k = 0; k < index.size(); ++k) s.at.offset += index[k] * to.strides[k];
    statement({std::move(s)});
  }
}

void ScalarBuilder::store_from_memory(const ScalarValue& v, const Storage& to) {
  const Storage& from = *v.memory;
  Affine source = from.offset, target = to.offset;
  std::vector<std::pair<LoopVar, std::int64_t>> loops;
  for (std::size_t k = 0; k < v.dims.size(); ++k) {
    if (v.dims[k] == 1) continue;
    loops.emplace_back(kernel_.variables++, v.dims[k]);
    source = source + variable_index(loops.back().first, from.strides[k]);
    target = target + variable_index(loops.back().first, to.strides[k]);
  }
  std::erase_if(source.terms, [](const auto& t) { return t.second == 0; });
  loops::Block body = inside([&] {
    const NodeId x = emit({.op = Op::load, .dtype = v.dtype, .at = source, .buffer = from.buffer});
    statement({loops::Store{to.buffer, target, x}});
  });
  for (std::size_t k = loops.size(); k-- > 0;) {
    loops::Block outer;
    outer.push_back({loops::Loop{loops[k].first, loops[k].second, k + 1 == loops.size(), std::move(body)}});
    body = std::move(outer);
  }
  for (auto& s : body) statement(std::move(s));
}

// ---- graphs

ScalarBuilder::ScalarValue& ScalarBuilder::value(GraphNodes& s, ValueId v) {
  ScalarValue& h = s.values[v];
  if (!h.memory && h.elements.empty()) {
    const GraphValue& x = s.graph.value(v);
    // What has no elements is known by no element and no place.
    h = x.elements() == 0 ? unsuited(dense(x.aval.dtype, x.dims, -1)) : array(x.constant);
  }
  return h;
}

bool ScalarBuilder::is_last_use(const GraphNodes& s, OpId op, std::size_t k) const {
  const ValueId v = s.graph.op(op).in[k];
  const GraphValue& x = s.graph.value(v);
  return x.times_output == 0 && !x.users.empty() && x.users.back() == op &&
         std::ranges::count(s.graph.op(op).in, v) == 1;
}

ScalarBuilder::ScalarValue ScalarBuilder::take(GraphNodes& s, OpId op, std::size_t k) {
  ScalarValue out = value(s, s.graph.op(op).in[k]);
  out.owned = out.owned && is_last_use(s, op, k);
  return out;
}

std::optional<std::vector<ScalarBuilder::ScalarValue>> ScalarBuilder::run(const Graph& graph,
                                                                          std::vector<ScalarValue> inputs) {
  GraphNodes s{graph, std::vector<ScalarValue>(graph.values.size())};
  for (std::size_t i = 0; i < inputs.size(); ++i) s.values[graph.inputs[i]] = std::move(inputs[i]);
  for (OpId o = 0; o < static_cast<OpId>(graph.ops.size()); ++o) {
    const GraphOp& op = graph.op(o);
    std::vector<ScalarValue> out;
    const auto operands = [&] {
      std::vector<ScalarValue> in;
      for (std::size_t k = 0; k < op.in.size(); ++k) in.push_back(take(s, o, k));
      return in;
    };
    if (op.kind == OpKind::scan) out = scan(op.params.get<ScanParams>(), operands(), {});
    else if (op.kind == OpKind::while_loop) out = while_loop(op.params.get<WhileParams>(), operands(), {});
    else if (op.kind == OpKind::branch) out = branch(s, o);
    else out.push_back(compute(s, o));
    if (!is_suited_) return std::nullopt;
    for (std::size_t k = 0; k < out.size(); ++k) s.values[op.out[k]] = std::move(out[k]);
  }
  std::vector<ScalarValue> results;
  for (const ValueId v : graph.outputs) results.push_back(value(s, v));
  return is_suited_ ? std::optional(std::move(results)) : std::nullopt;
}

ScalarBuilder::ScalarValue ScalarBuilder::compute(GraphNodes& s, OpId id) {
  const GraphOp& op = s.graph.op(id);
  const GraphValue& v = s.graph.value(op.out[0]);
  ScalarValue out = held(v.aval);
  switch (op.kind) {
    case OpKind::broadcast:
    case OpKind::reshape:
    case OpKind::transpose:
    case OpKind::slice:
    case OpKind::reverse: return move(s, op, std::move(out));
    case OpKind::update_slice: return update_slice(s, id, std::move(out));
    default: break;
  }
  if (out.elements.empty()) return unsuited(std::move(out));
  const std::int64_t n = op.kind == OpKind::reduce ? s.graph.value(op.in[0]).elements() : out.size();
  scalar_time_ += times_ * static_cast<double>(n) * time_of(op);
  vector_time_ += times_ * (static_cast<double>((n + kLanes - 1) / kLanes) * time_of(op) * 1.5 +
                            (op.kind == OpKind::reduce ? 4 : 0));
  switch (op.kind) {
    case OpKind::elementwise: return elementwise(s, op, std::move(out));
    case OpKind::iota:
      for (std::int64_t i = 0; i < out.size(); ++i)
        out.elements[i] = constant(
            out.dtype,
            number_bits(out.dtype, static_cast<double>(index_of(i, out.dims)[op.params.get<IotaParams>().dimension])));
      return out;
    case OpKind::pad: return pad(s, op, std::move(out));
    case OpKind::concatenate: return concatenate(s, op, std::move(out));
    case OpKind::dynamic_slice: return dynamic_slice(s, op, std::move(out));
    case OpKind::gather: return gather(s, op, std::move(out));
    case OpKind::reduce: return reduce(s, op, std::move(out));
    case OpKind::cumulative: return running_total(s, op, std::move(out));
    case OpKind::dot: return dot(s, op, std::move(out));
    default: return unsuited(std::move(out));
  }
}

ScalarBuilder::ScalarValue ScalarBuilder::pad(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  const auto& config = op.params.get<PadParams>().padding_config;
  ScalarValue &x = value(s, op.in[0]), &filling = value(s, op.in[1]);
  for (std::int64_t i = 0; i < out.size(); ++i) {
    Dims index = index_of(i, out.dims);
    bool within = true;
    for (std::size_t k = 0; k < index.size(); ++k) {
      index[k] -= config[k].low.value();
      within = within && index[k] >= 0 && index[k] < x.dims[k];
    }
    out.elements[i] = within ? element(x, position(index, x.dims)) : element(filling, 0);
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::concatenate(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  const std::size_t axis = op.params.get<ConcatenateParams>().dimension;
  for (std::int64_t i = 0; i < out.size(); ++i) {
    Dims index = index_of(i, out.dims);
    for (const ValueId part : op.in) {
      ScalarValue& x = value(s, part);
      if (index[axis] < x.dims[axis]) {
        out.elements[i] = element(x, position(index, x.dims));
        break;
      }
      index[axis] -= x.dims[axis];
    }
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::elementwise(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  for (std::int64_t i = 0; i < out.size(); ++i) {
    std::array<NodeId, 3> in{-1, -1, -1};
    for (std::size_t k = 0; k < op.in.size(); ++k) {
      ScalarValue& x = value(s, op.in[k]);
      std::int64_t from = i;
      if (x.dims.empty()) {
        from = 0;
      } else if (x.dims != out.dims) {  // axes of size 1 repeat
        Dims index = index_of(i, out.dims);
        for (std::size_t a = 0; a < index.size(); ++a) index[a] = x.dims[a] == 1 ? 0 : index[a];
        from = position(index, x.dims);
      }
      in[k] = element(x, from);
    }
    out.elements[i] = node(op.scalar, out.dtype, in[0], in[1], in[2]);
  }
  return out;
}

// Movements of what is in memory are views of it, unless it may change.
ScalarBuilder::ScalarValue ScalarBuilder::move(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  ScalarValue& x = value(s, op.in[0]);
  Dims start(out.dims.size(), 0), scale(out.dims.size(), 1);  // of each axis of the result
  std::vector<std::int64_t> axis(out.dims.size(), -1);        // of the operand that it walks; -1: none
  if (op.kind == OpKind::broadcast) {
    const Axes& axes = op.params.get<BroadcastInDim>().broadcast_dimensions;
    for (std::size_t k = 0; k < axes.size(); ++k)
      if (x.dims[k] != 1) axis[axes[k]] = static_cast<std::int64_t>(k);
  } else if (op.kind == OpKind::transpose) {
    axis = op.params.get<TransposeParams>().permutation;
  } else if (op.kind != OpKind::reshape) {
    for (std::size_t k = 0; k < axis.size(); ++k) axis[k] = static_cast<std::int64_t>(k);
    if (op.kind == OpKind::slice) {
      const SliceParams& p = op.params.get<SliceParams>();
      start = concrete(p.start_indices);
      if (p.strides) scale = *p.strides;
    } else {
      for (const auto a : op.params.get<RevParams>().dimensions) start[a] = x.dims[a] - 1, scale[a] = -1;
    }
  }
  const bool loaded = std::ranges::all_of(x.elements, [](NodeId n) { return n >= 0; }) && !x.elements.empty();
  if (!loaded && !x.owned && (op.kind != OpKind::reshape || x.memory->strides == row_major_strides(x.dims))) {
    Storage m = *x.memory;
    if (op.kind == OpKind::reshape) {
      m.strides = row_major_strides(out.dims);
    } else {
      m.strides.assign(out.dims.size(), 0);
      for (std::size_t k = 0; k < axis.size(); ++k) {
        if (axis[k] < 0) continue;
        const std::int64_t stride = x.memory->strides[axis[k]];
        m.offset.offset += start[k] * stride;
        m.strides[k] = scale[k] * stride;
      }
    }
    out.memory = std::move(m);
    return out;
  }
  if (out.elements.empty()) return unsuited(std::move(out));
  for (std::int64_t i = 0; i < out.size(); ++i) {
    std::int64_t from = i;
    if (op.kind != OpKind::reshape) {
      const Dims index = index_of(i, out.dims);
      Dims source(x.dims.size(), 0);
      for (std::size_t k = 0; k < axis.size(); ++k)
        if (axis[k] >= 0) source[axis[k]] = start[k] + scale[k] * index[k];
      from = position(source, x.dims);
    }
    out.elements[i] = x.elements.empty() ? load(x, index_of(from, x.dims), {}) : element(x, from);
  }
  return out;
}

// ---- indexing

NodeId ScalarBuilder::clamped(ScalarValue& start, std::int64_t highest) {
  const NodeId n = element(start, 0), zero = constant(DType::i64, 0);
  const NodeId wide = start.dtype == DType::i64 ? n : node(Op::convert, DType::i64, n);
  return node(Op::max, DType::i64,
              node(Op::min, DType::i64, wide, constant(DType::i64, static_cast<std::uint64_t>(highest))), zero);
}

ScalarBuilder::ScalarValue ScalarBuilder::dynamic_slice(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  ScalarValue& x = value(s, op.in[0]);
  std::vector<std::pair<NodeId, std::int64_t>> starts;
  for (std::size_t k = 0; k < x.dims.size(); ++k)
    if (x.dims[k] != out.dims[k])
      starts.emplace_back(clamped(value(s, op.in[k + 1]), x.dims[k] - out.dims[k]), static_cast<std::int64_t>(k));
  for (std::int64_t i = 0; i < out.size(); ++i) out.elements[i] = load(x, index_of(i, out.dims), starts);
  return out;
}

// In place where the operand is ours and nobody reads it afterwards.
ScalarBuilder::ScalarValue ScalarBuilder::update_slice(GraphNodes& s, OpId id, ScalarValue out) {
  const GraphOp& op = s.graph.op(id);
  ScalarValue &x = value(s, op.in[0]), update = value(s, op.in[1]);
  std::vector<std::pair<NodeId, std::int64_t>> starts;
  for (std::size_t k = 0; k < x.dims.size(); ++k)
    if (x.dims[k] != update.dims[k])
      starts.emplace_back(clamped(value(s, op.in[k + 2]), x.dims[k] - update.dims[k]), static_cast<std::int64_t>(k));
  if (x.owned && is_last_use(s, id, 0)) {
    for (std::int64_t i = 0; i < update.size(); ++i) element(update, i);
    const Storage m = *x.memory;
    for (std::int64_t i = 0; i < update.size(); ++i) {
      loops::Store store{m.buffer, m.offset, element(update, i)};
      const Dims index = index_of(i, update.dims);
      for (std::size_t k = 0; k < index.size(); ++k) store.at.offset += index[k] * m.strides[k];
      for (const auto& [start, axis] : starts) store.dynamic.emplace_back(start, m.strides[axis]);
      statement({std::move(store)});
    }
    out.elements.clear();
    out.memory = m;
    out.owned = true;
    return out;
  }
  if (out.elements.empty() || x.elements.empty()) return unsuited(std::move(out));
  for (std::int64_t i = 0; i < out.size(); ++i) out.elements[i] = element(x, i);
  Dims places;  // where the window may begin
  for (std::size_t k = 0; k < x.dims.size(); ++k) places.push_back(x.dims[k] - update.dims[k] + 1);
  const std::vector<NodeId> old = out.elements;
  for (std::int64_t p = 0; p < num_elements(places); ++p) {
    const Dims begin = index_of(p, places);
    NodeId here = -1;
    for (const auto& [start, axis] : starts) {
      const NodeId hit =
          node(Op::eq, DType::bool_, start, constant(DType::i64, static_cast<std::uint64_t>(begin[axis])));
      here = here < 0 ? hit : node(Op::bit_and, DType::bool_, here, hit);
    }
    for (std::int64_t i = 0; i < update.size(); ++i) {
      Dims index = index_of(i, update.dims);
      for (std::size_t k = 0; k < index.size(); ++k) index[k] += begin[k];
      NodeId& to = out.elements[position(index, out.dims)];
      to = here < 0 ? element(update, i) : node(Op::select, out.dtype, here, element(update, i), to);
    }
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::gather(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  const GatherParams& p = op.params.get<GatherParams>();
  const GatherDims& d = p.dimension_numbers;
  ScalarValue &x = value(s, op.in[0]), &indices = value(s, op.in[1]);
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const Dims index = index_of(i, out.dims);
    Dims window(x.dims.size(), 0), batch;
    for (std::size_t k = 0; k < index.size(); ++k)
      if (!contains(d.offset_dims, static_cast<std::int64_t>(k))) batch.push_back(index[k]);
    std::size_t offset = 0;
    for (std::size_t k = 0; k < window.size(); ++k) {
      const auto axis = static_cast<std::int64_t>(k);
      if (!contains(d.collapsed_slice_dims, axis) && !contains(d.operand_batching_dims, axis))
        window[k] = index[d.offset_dims[offset++]];
    }
    for (std::size_t k = 0; k < d.operand_batching_dims.size(); ++k)
      window[d.operand_batching_dims[k]] = batch[d.start_indices_batching_dims[k]];
    std::vector<std::pair<NodeId, std::int64_t>> starts;
    NodeId within = -1;
    for (std::size_t k = 0; k < d.start_index_map.size(); ++k) {
      const std::int64_t axis = d.start_index_map[k];
      Dims where = batch;
      where.push_back(static_cast<std::int64_t>(k));
      ScalarValue start{
          indices.dtype,
          {},
          {indices.elements.empty() ? load(indices, where, {}) : element(indices, position(where, indices.dims))},
          {},
          false};
      const NodeId bounded = clamped(start, x.dims[axis] - p.slice_sizes[axis]);
      starts.emplace_back(bounded, axis);
      if (p.mode != GatherScatterMode::fill_or_drop) continue;
      const NodeId wide =
          start.dtype == DType::i64 ? start.elements[0] : node(Op::convert, DType::i64, start.elements[0]);
      const NodeId same = node(Op::eq, DType::bool_, wide, bounded);
      within = within < 0 ? same : node(Op::bit_and, DType::bool_, within, same);
    }
    const NodeId read = load(x, window, starts);
    out.elements[i] =
        within < 0 ? read : node(Op::select, out.dtype, within, read, constant(out.dtype, fill_bits(p, out.dtype)));
  }
  return out;
}

// ---- sums

// Pairwise, for accuracy and because the additions of a level run at once.
NodeId ScalarBuilder::sum(Op op, DType dtype, std::vector<NodeId> terms) {
  while (terms.size() > 1) {
    std::vector<NodeId> next;
    for (std::size_t i = 0; i + 1 < terms.size(); i += 2) next.push_back(node(op, dtype, terms[i], terms[i + 1]));
    if (terms.size() % 2) next.push_back(terms.back());
    terms = std::move(next);
  }
  return terms[0];
}

ScalarBuilder::ScalarValue ScalarBuilder::reduce(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  ScalarValue& x = value(s, op.in[0]);
  if (x.elements.empty()) return unsuited(std::move(out));
  const Axes& axes = op.params.get<ReduceAxes>().axes;
  std::vector<std::vector<NodeId>> terms(out.size());
  const DType running = is_half(out.dtype) ? DType::f32 : out.dtype;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const Dims index = index_of(i, x.dims);
    Dims kept;
    for (std::size_t k = 0; k < index.size(); ++k)
      if (!contains(axes, static_cast<std::int64_t>(k))) kept.push_back(index[k]);
    const NodeId n = element(x, i);
    terms[position(kept, out.dims)].push_back(running == out.dtype ? n : node(Op::convert, running, n));
  }
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const NodeId total = sum(op.scalar, running, std::move(terms[i]));
    out.elements[i] = running == out.dtype ? total : node(Op::convert, out.dtype, total);
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::running_total(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  ScalarValue& x = value(s, op.in[0]);
  const Cumulative& c = op.params.get<Cumulative>();
  const DType running = is_half(out.dtype) ? DType::f32 : out.dtype;
  const std::int64_t n = out.dims[c.axis];
  for (std::int64_t i = 0; i < out.size(); ++i) {
    Dims index = index_of(i, out.dims);
    if (index[c.axis] != 0) continue;
    NodeId total = -1;
    for (std::int64_t k = 0; k < n; ++k) {
      index[c.axis] = c.reverse ? n - 1 - k : k;
      const std::int64_t here = position(index, out.dims);
      const NodeId next = running == out.dtype ? element(x, here) : node(Op::convert, running, element(x, here));
      total = total < 0 ? next : node(op.scalar, running, total, next);
      out.elements[here] = running == out.dtype ? total : node(Op::convert, out.dtype, total);
    }
  }
  return out;
}

ScalarBuilder::ScalarValue ScalarBuilder::dot(GraphNodes& s, const GraphOp& op, ScalarValue out) {
  constexpr std::size_t kChain = 4;  // products that are added one after another
  const DotDims& d = op.params.get<DotParams>().dimension_numbers;
  ScalarValue &x = value(s, op.in[0]), &y = value(s, op.in[1]);
  const auto free_axes = [](const ScalarValue& v, const Axes& batch, const Axes& contract) {
    Axes fixed = batch;
    fixed.insert(fixed.end(), contract.begin(), contract.end());
    return other_axes(fixed, static_cast<std::int64_t>(v.dims.size()));
  };
  const Axes rows = free_axes(x, d.lhs_batch, d.lhs_contract), columns = free_axes(y, d.rhs_batch, d.rhs_contract);
  Dims contracted;
  for (const auto a : d.lhs_contract) contracted.push_back(x.dims[a]);
  const std::int64_t products = out.size() * num_elements(contracted);
  if (products > 512) return unsuited(std::move(out));
  scalar_time_ += times_ * static_cast<double>(products) * 0.3;
  std::int64_t width = 1;
  for (const auto a : columns) width *= y.dims[a];
  vector_time_ +=
      times_ *
      (15 + 0.4 * static_cast<double>(out.size() / width * ((width + kLanes - 1) / kLanes) * num_elements(contracted)));
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const Dims index = index_of(i, out.dims);
    Dims left(x.dims.size()), right(y.dims.size());
    std::size_t k = 0;
    for (std::size_t b = 0; b < d.lhs_batch.size(); ++b, ++k) left[d.lhs_batch[b]] = right[d.rhs_batch[b]] = index[k];
    for (const auto a : rows) left[a] = index[k++];
    for (const auto a : columns) right[a] = index[k++];
    std::vector<NodeId> chains;
    for (std::int64_t c = 0; c < num_elements(contracted); ++c) {
      const Dims inner = index_of(c, contracted);
      for (std::size_t a = 0; a < inner.size(); ++a) left[d.lhs_contract[a]] = right[d.rhs_contract[a]] = inner[a];
      const NodeId product =
          node(Op::mul, out.dtype, element(x, position(left, x.dims)), element(y, position(right, y.dims)));
      if (c % kChain == 0) chains.push_back(product);
      else chains.back() = node(Op::add, out.dtype, chains.back(), product);
    }
    out.elements[i] = sum(Op::add, out.dtype, std::move(chains));
  }
  return out;
}

}  // namespace tf2jax::compiler
