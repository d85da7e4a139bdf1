// Gathers and scatters.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/grad.h"

#include <algorithm>

namespace tf2jax::tf_import {

Arrays unravelled(const Array& positions, const Dims& sizes) {
  Arrays out(sizes.size());
  Array rest = positions;
  for (std::size_t k = sizes.size(); k-- > 1;) {
    const Array size = full_like(rest, sizes[k]);
    out[k] = mod(rest, size);
    rest = floor_divide(rest, size);
  }
  if (!out.empty()) out[0] = rest;
  return out;
}

namespace {

// x[..., indices, ...] along `axis`; positions outside give NaN or the like, negative ones count from the end.
Array take(const Array& x, const Array& indices, std::int64_t axis, std::int64_t batch) {
  if (std::ranges::any_of(indices.shape(), [](Dim d) { return identical(d, Dim(0)); })) {
    Shape shape(x.shape().begin(), x.shape().begin() + axis);
    shape.insert(shape.end(), indices.shape().begin() + batch, indices.shape().end());
    shape.insert(shape.end(), x.shape().begin() + axis + 1, x.shape().end());
    return zeros(shape, x.dtype());
  }
  return gather_along(x, rules::wrap_negative(indices, x.shape()[axis]), axis, batch);
}

Values gather_v2(Node& n) {
  n.ignore({"validate_indices", "dtype"});
  const auto batch = n.op() == "Gather" ? 0 : n.attr<std::int64_t>("batch_dims");
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    SymbolicInts out{{}, n.shape_of(1).empty()};
    const auto count = static_cast<std::int64_t>(ints->values.size());
    for (const auto i : n.integers(1)) out.values.push_back(ints->values[normalize_axis(i, count, "index")]);
    return {Value(std::move(out))};
  }
  const Array x = n.array(0), indices = n.indices(1);
  if (batch < 0) raise<ValueError>("batch_dims must not be negative. Got {}.", batch);
  const auto axis = n.num_inputs() > 2 ? n.axis(2, x.rank()) : normalize_axis(batch, x.rank(), n.op());
  check(batch <= std::min(axis, indices.rank()),
        "batch_dims exceeds the axis or the rank of the indices. Got {}; expected at most {} and {}.", batch, axis,
        indices.rank());
  return {take(x, indices, axis, batch)};
}

// Dimension numbers of an index whose last axis addresses the leading axes of the operand.
struct NdIndex {
  std::int64_t depth, batch;
  Axes leading, windows, trailing;
};
NdIndex nd_index(const Array& indices, std::int64_t rank) {
  check(indices.rank() >= 1, "the indices need an axis. Got {}.", indices.aval());
  const std::int64_t depth = indices.shape().back().value(), batch = indices.rank() - 1;
  check(depth <= rank, "the indices address more axes than there are. Got depth {} for rank {}.", depth, rank);
  return {depth, batch, iota_axes(depth), iota_axes(rank - depth, batch), iota_axes(rank - depth, depth)};
}

Values gather_nd(Node& n) {
  n.ignore({"bad_indices_policy"});
  const Array x = n.array(0), indices = n.indices(1);
  const NdIndex d = nd_index(indices, x.rank());
  Dims sizes = x.dims();
  for (std::int64_t i = 0; i < d.depth; ++i) sizes[i] = 1;
  if (d.depth == 0)
    return {broadcast_to(x, [&] {
      Shape s(indices.shape().begin(), indices.shape().end() - 1);
      s.insert(s.end(), x.shape().begin(), x.shape().end());
      check_sizes(s, "GatherNd");
      return s;
    }())};
  std::vector<std::int32_t> limits;
  for (std::int64_t i = 0; i < d.depth; ++i) limits.push_back(static_cast<std::int32_t>(x.dims()[i]));
  const Array limit =
      astype(from_span<std::int32_t>(std::span<const std::int32_t>(limits), {d.depth}), indices.dtype());
  const Array wrapped = where(less(indices, 0), add(indices, limit), indices);
  // Positions outside are unknown, as those of GatherV2: TensorFlow refuses them.
  return {gather(x, wrapped,
                 {.offset_dims = d.windows, .collapsed_slice_dims = d.leading, .start_index_map = d.leading}, sizes)};
}

template <Scatter f>
Values tensor_scatter(Node& n) {
  n.ignore({"bad_indices_policy"});
  return {scatter_windows(f, n.array(0), n.indices(1), n.array(2))};
}

Values scatter_nd(Node& n) {
  n.ignore({"bad_indices_policy"});
  const Array updates = n.array(1);
  return {scatter_windows(scatter_add, zeros(n.sizes(2), updates.dtype()), n.indices(0), updates)};
}

// The coordinates of positions in an array of the given sizes, one row an axis. TensorFlow refuses positions outside;
// those that are known are refused, traced ones give coordinates that are none.
Values unravel_index(Node& n) {
  const Array positions = n.array(0, 0, 1);
  const std::vector<std::int64_t> sizes = n.integers(1);
  std::int64_t elements = 1;
  for (const auto size : sizes) {
    check(size >= 1 && elements <= Node::kHighest / size, "the sizes are not those of an array. Got {}.",
          tuple_string(sizes));
    elements *= size;
  }
  if (positions.is_concrete())
    for (const auto p : positions.to_vector<std::int64_t>())
      check(p >= 0 && p < elements, "a position is outside the array. Got {} for sizes {}.", p, tuple_string(sizes));
  if (sizes.empty()) return {zeros({0}, positions.dtype())};
  return {stack(unravelled(positions, sizes))};
}

// Whole slices along axis 0 replaced or added to.
Values inplace(Node& n) {
  const Array x = n.array(0), indices = n.indices(1), updates = n.array(2);
  const Array column = expand_dims(indices, {indices.rank()});
  return {scatter_windows(n.op() == "InplaceAdd" ? scatter_add : scatter, x, column, updates)};
}

}  // namespace

Array scatter_windows(Scatter f, const Array& x, const Array& indices, const Array& updates) {
  const NdIndex d = nd_index(indices, x.rank());
  return f(
      x, indices, updates,
      {.update_window_dims = d.windows, .inserted_window_dims = d.leading, .scatter_dims_to_operand_dims = d.leading},
      {.mode = GatherScatterMode::fill_or_drop});
}

void add_index_operations(ConverterTable& table) {
  for (const char* op : {"GatherV2", "Gather", "ResourceGather"}) table.add(op, gather_v2);
  for (const char* op : {"GatherNd", "ResourceGatherNd"}) table.add(op, gather_nd);
  table.add("ScatterNd", scatter_nd);
  table.add("TensorScatterUpdate", tensor_scatter<scatter>);
  table.add("TensorScatterAdd", tensor_scatter<scatter_add>);
  table.add("ScatterNdNonAliasingAdd", tensor_scatter<scatter_add>);
  table.add("TensorScatterSub", tensor_scatter<scatter_sub>);
  table.add("TensorScatterMax", tensor_scatter<scatter_max>);
  table.add("TensorScatterMin", tensor_scatter<scatter_min>);
  table.add("UnravelIndex", unravel_index);
  table.add("InplaceAdd", inplace);
  table.add("InplaceUpdate", inplace);
}

}  // namespace tf2jax::tf_import
