// Building a graph: constants and operations that are there already, and movements that cancel or join.
#include "tf2jax/compiler/graph/builder.h"

#include <algorithm>
#include <cstring>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/passes/fold_constants.h"
#include "tf2jax/trace/same_bytes.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

Array scalar_of(DType dtype, double value) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> Array {
    T v{};
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      v = detail::convert_scalar<T>(value);
    return Array::from_bytes(dtype, {}, std::as_bytes(std::span(&v, 1)));
  });
}

}  // namespace

ValueId GraphBuilder::add_value(Aval aval) {
  GraphValue v;
  v.dims = aval.dims();
  v.aval = std::move(aval);
  graph_.values.push_back(std::move(v));
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId GraphBuilder::input(const Aval& aval) {
  graph_.inputs.push_back(add_value(aval));
  return graph_.inputs.back();
}

Graph GraphBuilder::finish(std::vector<ValueId> outputs) {
  graph_.outputs = std::move(outputs);
  prune(graph_);
  return std::move(graph_);
}

void GraphBuilder::count_equations(std::size_t n) {
  equations_ += static_cast<std::int64_t>(n);
  check<ResourceExhaustedError>(
      equations_ <= config().max_expanded_nodes,
      "compile: the program has more than {} equations once what it calls is inlined. Call loops instead, or raise "
      "Config::max_expanded_nodes.",
      config().max_expanded_nodes);
}

// ---- constants

bool GraphBuilder::is_number(ValueId v, double x) const {
  const GraphValue& g = value(v);
  return g.is_constant() && g.elements() == 1 && g.dims.empty() && g.constant.item<double>() == x;
}

ValueId GraphBuilder::constant(const Array& value) {
  check<UnexpectedTracerError>(value.is_concrete(),
                               "compile: the program captures a traced {}. Pass it as an argument.", value.aval());
  const bool small = value.bytes().size() <= 64;
  const std::size_t key =
      small ? std::hash<std::string_view>{}({reinterpret_cast<const char*>(value.bytes().data()), value.bytes().size()})
            : std::hash<const void*>{}(value.get());
  const auto [first, last] = constants_.equal_range(key);
  for (auto it = first; it != last; ++it)
    if (const Array& other = graph_.value(it->second).constant;
        other.same_as(value) || (small && other.aval() == value.aval() && same_bytes(other, value)))
      return it->second;
  const ValueId v = add_value(value.aval());
  graph_.values.back().constant = value;
  constants_.emplace(key, v);
  return v;
}

ValueId GraphBuilder::number(DType dtype, double value) { return constant(scalar_of(dtype, value)); }

ValueId GraphBuilder::empty(const Aval& aval) {
  return constant(Array::build(aval, [](std::byte*) {}));
}

// ---- operations

std::vector<ValueId> GraphBuilder::append(GraphOp op, const Avals& outputs, bool may_share) {
  const bool pure = may_share && !op.primitive.effectful();
  std::size_t key = std::hash<const void*>{}(op.primitive.id()) ^ op.params.hash() * 31 ^
                    static_cast<std::size_t>(op.scalar) * 131 ^ static_cast<std::size_t>(scope_) * 7919;
  for (const ValueId v : op.in) key = key * 1000003 + static_cast<std::size_t>(v);
  if (pure) {
    const auto [first, last] = seen_.equal_range(key);
    for (auto it = first; it != last; ++it) {
      const GraphOp& other = graph_.op(it->second.first);
      if (it->second.second == scope_ && other.primitive == op.primitive && other.in == op.in &&
          other.scalar == op.scalar && other.kind == op.kind &&
          std::ranges::equal(other.out, outputs,
                             [&](ValueId v, const Aval& a) { return graph_.value(v).aval.matches(a); }) &&
          other.params == op.params)
        return other.out;
    }
  }
  const auto id = static_cast<OpId>(graph_.ops.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId v = add_value(outputs[i]);
    graph_.values.back().op = id;
    graph_.values.back().result = static_cast<std::int32_t>(i);
    op.out.push_back(v);
  }
  const std::vector<ValueId> out = op.out;
  if (pure) seen_.emplace(key, std::pair(id, scope_));
  graph_.ops.push_back(std::move(op));
  return out;
}

ValueId GraphBuilder::append(const Primitive& p, EquationParams params, OpKind kind, std::vector<ValueId> in,
                             const Aval& out) {
  return append({p, std::move(params), kind, Op::constant, std::move(in), {}}, {out.strong()})[0];
}

ValueId GraphBuilder::scalar_op(Op op, const std::vector<ValueId>& in, const Aval& out) {
  return append({copy_p(), no_params(), OpKind::elementwise, op, in, {}}, {out.strong()})[0];
}

ValueId GraphBuilder::reshape(ValueId v, const Dims& to) {
  if (dims(v) == to) return v;
  if (const GraphOp* p = producer(v); p && p->kind == OpKind::reshape) return reshape(p->in[0], to);
  return append(reshape_p(), ReshapeParams{symbolic(to)}, OpKind::reshape, {v}, {dtype(v), symbolic(to), false});
}

ValueId GraphBuilder::transpose(ValueId v, const Axes& permutation) {
  const Dims d = dims(v);
  if (permutation == iota_axes(static_cast<std::int64_t>(d.size()))) return v;
  if (const GraphOp* p = producer(v); p && p->kind == OpKind::transpose) {
    const Axes first = p->params.get<TransposeParams>().permutation;
    Axes both;
    for (const auto a : permutation) both.push_back(first[a]);
    return transpose(p->in[0], both);
  }
  Dims to;
  Axes moved;  // axes longer than 1, in their new order
  for (const auto a : permutation) {
    to.push_back(d[a]);
    if (to.back() != 1) moved.push_back(a);
  }
  if (std::ranges::is_sorted(moved)) return reshape(v, to);
  if (const GraphValue& known = value(v); known.is_constant() && known.elements() <= kLargestFolded) {
    const TraceScope scope(eval_trace());
    return constant(tf2jax::transpose(known.constant, permutation));
  }
  return append(transpose_p(), TransposeParams{permutation}, OpKind::transpose, {v}, {dtype(v), symbolic(to), false});
}

ValueId GraphBuilder::slice(ValueId v, const Dims& start, const Dims& limit, const Dims& strides) {
  Dims to;
  for (std::size_t i = 0; i < start.size(); ++i)
    to.push_back(limit[i] <= start[i] ? 0 : (limit[i] - start[i] + strides[i] - 1) / strides[i]);
  if (to == dims(v)) return v;
  return append(slice_p(), SliceParams{symbolic(start), symbolic(limit), strides}, OpKind::slice, {v},
                {dtype(v), symbolic(to), false});
}

ValueId GraphBuilder::broadcast(ValueId v, const Dims& to, const Axes& axes) {
  if (dims(v) == to) return v;
  if (num_elements(to) == value(v).elements() && std::ranges::is_sorted(axes)) return reshape(v, to);
  return append(broadcast_in_dim_p(), BroadcastInDim{axes, symbolic(to)}, OpKind::broadcast, {v},
                {dtype(v), symbolic(to), false});
}

ValueId GraphBuilder::iota(DType dtype, const Dims& to, std::int64_t axis) {
  const Shape shape = symbolic(to);
  return append(iota_p(), IotaParams{dtype, shape, axis}, OpKind::iota, {}, {dtype, shape, false});
}

ValueId GraphBuilder::in_memory(ValueId v, bool may_share) {
  const Aval aval = value(v).aval.strong();
  const BroadcastInDim same{iota_axes(aval.rank()), aval.shape};
  return append({broadcast_in_dim_p(), same, OpKind::broadcast, Op::constant, {v}, {}, true}, {aval}, may_share)[0];
}

// ---- reductions

ValueId GraphBuilder::reduce(Op op, ValueId v, const Axes& axes) {
  const Dims d = dims(v);
  Dims kept;
  std::int64_t reduced = 1, parallel = 1;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(d.size()); ++i) {
    const std::int64_t n = d[i];
    if (contains(axes, i)) reduced *= n;
    else kept.push_back(n), parallel *= n;
  }
  if (reduced == 1 && value(v).elements() > 0) return reshape(v, kept);
  if (parallel < 16 && reduced > 16384 && itemsize(dtype(v)) >= 4)  // halves would round in between
    if (const ValueId staged = reduce_in_stages(op, v, axes); staged >= 0) return staged;
  Axes sorted = axes;
  std::ranges::sort(sorted);
  return append({reduce_sum_p(), ReduceAxes{sorted}, OpKind::reduce, op, {v}, {}},
                {{dtype(v), symbolic(kept), false}})[0];
}

// A long reduction to few results goes in two stages: rows in parallel, then the column of their results. -1 where the
// only axis has no size that divides it well.
ValueId GraphBuilder::reduce_in_stages(Op op, ValueId v, const Axes& axes) {
  const Dims d = dims(v);
  Axes sorted = axes;
  std::ranges::sort(sorted);
  std::erase_if(sorted, [&](std::int64_t a) { return d[a] == 1; });
  if (sorted.size() > 1) {
    Axes inner;
    for (std::int64_t volume = 1; sorted.size() > 1 && volume < 64; sorted.pop_back()) {
      volume *= d[sorted.back()];
      inner.push_back(sorted.back());
    }
    const ValueId rows = reduce(op, v, inner);
    Axes rest;
    for (const auto a : axes)
      if (!contains(inner, a)) rest.push_back(a - std::ranges::count_if(inner, [&](std::int64_t b) { return b < a; }));
    return reduce(op, rows, rest);
  }
  const std::int64_t axis = sorted[0], n = d[axis];
  for (std::int64_t rows = 1024; rows >= 8; --rows) {
    if (n % rows) continue;
    Dims split = d;
    split[axis] = rows;
    split.insert(split.begin() + axis + 1, n / rows);
    return reduce(op, reduce(op, reshape(v, split), {axis + 1}), axes);  // the axis that was split keeps its number
  }
  return -1;
}

// ---- pairs

ValueId GraphBuilder::pairs(ValueId v) {
  if (const GraphOp* made = producer(v); made && made->kind == OpKind::reinterpret) return made->in[0];
  Dims wide = dims(v);
  wide.push_back(2);
  return append(copy_p(), no_params(), OpKind::reinterpret, {v}, {part_dtype(dtype(v)), symbolic(wide), false});
}

ComplexParts GraphBuilder::parts(ValueId v) {
  if (const auto it = parts_.find(v); it != parts_.end()) return it->second;
  const auto remember = [&](const ComplexParts& z) {
    joined_.emplace(std::pair(z.real, z.imag), v);
    return parts_[v] = z;
  };
  if (value(v).is_constant()) return remember(parts_of_constant(value(v).constant, part_dtype(dtype(v))));
  const Dims own = dims(v);
  Dims wide = own;
  wide.push_back(2);
  const ValueId both = pairs(v);
  const auto part = [&](std::int64_t k) {
    Dims start(wide.size(), 0), limit = wide;
    start.back() = k, limit.back() = k + 1;
    return reshape(slice(both, start, limit, Dims(wide.size(), 1)), own);
  };
  return remember({part(0), part(1)});
}

ComplexParts GraphBuilder::parts_of_constant(const Array& both, DType real) {
  const Array held = both;  // adding a constant moves the values
  const std::size_t size = itemsize(real);
  const auto part = [&](std::size_t k) {
    return constant(Array::build({real, held.shape(), false}, [&](std::byte* to) {
      for (std::size_t at = k * size; at < held.bytes().size(); at += 2 * size, to += size)
        std::memcpy(to, held.bytes().data() + at, size);
    }));
  };
  return {part(0), part(1)};
}

ValueId GraphBuilder::join(const ComplexParts& z, DType complex) {
  if (const auto it = joined_.find({z.real, z.imag}); it != joined_.end()) return it->second;
  const Dims to = dims(z.real);
  Dims wide = to;
  wide.push_back(2);
  const Aval part{dtype(z.real), symbolic(to), false};
  const ValueId one = number(part.dtype, 1);
  // A value for this place alone; loops drop the factor.
  const auto placed = [&](ValueId x) {
    return append({copy_p(), no_params(), OpKind::elementwise, Op::mul, {x, one}, {}}, {part}, false)[0];
  };
  const ValueId re = placed(z.real), im = placed(z.imag);
  const ValueId both = append(copy_p(), no_params(), OpKind::interleave, {re, im}, {part.dtype, symbolic(wide), false});
  const ValueId v = append(copy_p(), no_params(), OpKind::reinterpret, {both}, {complex, symbolic(to), false});
  parts_[v] = z;
  joined_.emplace(std::pair(z.real, z.imag), v);
  return v;
}

}  // namespace tf2jax::compiler
