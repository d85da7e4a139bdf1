// Index maps through each kind of fusible operation.
#include "tf2jax/compiler/fusion/operand_maps.h"

#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::compiler {

std::optional<std::vector<MapId>> operand_maps(const Graph& graph, const GraphOp& op, IndexSpace& space, MapId id,
                                               const IndexMap& reduced_map) {
  const auto dims = [&](std::size_t i) -> const Dims& { return graph.value(op.in[i]).dims; };
  const IndexMap at = space.map(id);
  const auto size = [](const auto& v) { return v.size(); };
  switch (op.kind) {
    case OpKind::elementwise: {
      std::vector<MapId> out;
      for (std::size_t i = 0; i < op.in.size(); ++i) {
        if (dims(i).empty() || dims(i) == graph.value(op.out[0]).dims) {
          out.push_back(dims(i).empty() ? space.intern({}) : id);
          continue;
        }
        IndexMap m = at;  // axes of size 1 repeat
        for (std::size_t k = 0; k < m.size(); ++k)
          if (dims(i)[k] == 1) m[k] = constant_index(0);
        out.push_back(space.intern(m));
      }
      return out;
    }
    case OpKind::broadcast: {
      const Axes& axes = op.params.get<BroadcastInDim>().broadcast_dimensions;
      IndexMap m;
      for (std::size_t i = 0; i < axes.size(); ++i) m.push_back(dims(0)[i] == 1 ? constant_index(0) : at[axes[i]]);
      return std::vector{space.intern(m)};
    }
    case OpKind::reshape: {
      const auto m = space.reshaped(id, graph.value(op.out[0]).dims, dims(0));
      if (!m) return std::nullopt;
      return std::vector{space.intern(*m)};
    }
    case OpKind::transpose: {
      const Axes& p = op.params.get<TransposeParams>().permutation;
      IndexMap m(at.size());
      for (std::size_t i = 0; i < p.size(); ++i) m[p[i]] = at[i];
      return std::vector{space.intern(m)};
    }
    case OpKind::slice: {
      const SliceParams& s = op.params.get<SliceParams>();
      IndexMap m;
      for (std::size_t i = 0; i < at.size(); ++i)
        m.push_back(at[i] * (s.strides ? (*s.strides)[i] : 1) + s.start_indices[i].value());
      return std::vector{space.intern(m)};
    }
    case OpKind::reverse: {
      IndexMap m = at;
      for (const auto a : op.params.get<RevParams>().dimensions) {
        Affine& x = m[a];
        x = x * -1 + (dims(0)[a] - 1);
      }
      return std::vector{space.intern(m)};
    }
    case OpKind::pad: {
      const auto& config = op.params.get<PadParams>().padding_config;
      IndexMap m;
      for (std::size_t i = 0; i < at.size(); ++i) m.push_back(at[i] + -config[i].low.value());
      return std::vector{space.intern(m), space.intern({})};
    }
    case OpKind::windows: {  // the result's axes are those of the places, then those inside a window
      const Window w = rules::complete_window(op.primitive.name(), op.params.get<Window>(),
                                              static_cast<std::int64_t>(dims(0).size()));
      IndexMap m;
      for (std::size_t i = 0; i < dims(0).size(); ++i)
        m.push_back(at[i] * w.window_strides[i] + at[dims(0).size() + i] * w.window_dilation[i] + -w.padding[i].first);
      return std::vector{space.intern(m), space.intern({})};
    }
    case OpKind::concatenate: {
      const std::size_t axis = op.params.get<ConcatenateParams>().dimension;
      std::vector<MapId> out;
      std::int64_t start = 0;
      for (std::size_t i = 0; i < size(op.in); ++i) {
        IndexMap m = at;
        m[axis] = m[axis] + -start;
        start += dims(i)[axis];
        out.push_back(space.intern(m));
      }
      return out;
    }
    case OpKind::iota: return std::vector<MapId>{};
    case OpKind::cumulative: return std::vector{id};
    case OpKind::dynamic_slice: {
      std::vector<MapId> out{id};
      for (std::size_t i = 1; i < op.in.size(); ++i) out.push_back(space.intern({}));
      return out;
    }
    case OpKind::gather: {
      // The operand's map holds what the window adds; the start indices come on top.
      const GatherParams& g = op.params.get<GatherParams>();
      const GatherDims& d = g.dimension_numbers;
      IndexMap operand(dims(0).size()), batch;
      std::size_t offset = 0;
      for (std::size_t i = 0; i < at.size(); ++i)
        if (!contains(d.offset_dims, static_cast<std::int64_t>(i))) batch.push_back(at[i]);
      for (std::size_t i = 0; i < operand.size(); ++i) {
        const auto axis = static_cast<std::int64_t>(i);
        if (!contains(d.collapsed_slice_dims, axis) && !contains(d.operand_batching_dims, axis))
          operand[i] = at[d.offset_dims[offset++]];
      }
      for (std::size_t i = 0; i < d.operand_batching_dims.size(); ++i)
        operand[d.operand_batching_dims[i]] = batch[d.start_indices_batching_dims[i]];
      std::vector<MapId> out{space.intern(operand)};
      for (std::size_t k = 0; k < d.start_index_map.size(); ++k) {
        IndexMap m = batch;
        m.push_back(constant_index(static_cast<std::int64_t>(k)));
        out.push_back(space.intern(m));
      }
      return out;
    }
    case OpKind::reduce: {
      const Axes& axes = op.params.get<ReduceAxes>().axes;
      IndexMap m;
      std::size_t kept = 0, reduced = 0;
      for (std::size_t i = 0; i < dims(0).size(); ++i)
        m.push_back(contains(axes, static_cast<std::int64_t>(i)) ? reduced_map[reduced++] : at[kept++]);
      return std::vector{space.intern(m)};
    }
    default: return std::nullopt;
  }
}

ScatterMaps scatter_maps(const Graph& graph, OpId id, IndexSpace& space) {
  const GraphOp& op = graph.op(id);
  const ScatterParams& p = op.params.get<ScatterParams>();
  const ScatterDims& d = p.dimension_numbers;
  const Dims &whole = graph.value(op.in[0]).dims, &updates = graph.value(op.in[2]).dims;
  ScatterMaps out{{id, {}, {}, op.scalar == loops::Op::constant}, 0, space.identity(updates), {}};
  const IndexMap at = space.map(out.updates);
  const auto list = [](std::vector<LoopVar>& to, const Affine& a) {
    for (const auto& [x, c] : a.terms) to.push_back(x);
  };
  IndexMap window(whole.size()), batch;
  for (std::size_t i = 0; i < at.size(); ++i)
    if (!contains(d.update_window_dims, static_cast<std::int64_t>(i))) batch.push_back(at[i]);
  for (std::size_t i = 0, next = 0; i < whole.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    if (contains(d.inserted_window_dims, axis) || contains(d.operand_batching_dims, axis)) continue;
    const std::size_t from = d.update_window_dims[next++];
    window[i] = at[from];
    out.loops.has_lanes = out.loops.has_lanes || updates[from] >= 4;
    if (contains(d.scatter_dims_to_operand_dims, axis) && updates[from] < whole[i]) list(out.loops.moving, at[from]);
  }
  for (std::size_t i = 0; i < d.operand_batching_dims.size(); ++i)
    window[d.operand_batching_dims[i]] = batch[d.scatter_indices_batching_dims[i]];
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!p.unique_indices && !contains(d.scatter_indices_batching_dims, static_cast<std::int64_t>(i)))
      list(out.loops.in_order, batch[i]);
  for (std::size_t k = 0; k < d.scatter_dims_to_operand_dims.size(); ++k) {
    IndexMap m = batch;
    m.push_back(constant_index(static_cast<std::int64_t>(k)));
    out.indices.push_back(space.intern(m));
  }
  out.out = space.intern(window);
  return out;
}

}  // namespace tf2jax::compiler
