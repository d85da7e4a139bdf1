// Shapes, and movement of data that neither joins nor pads.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/window.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tf2jax::tf_import {
namespace {

Values shape_node(Node& n) { return {sizes_value(n.shape_of(0), false, n.attr<DType>("out_type"))}; }

Values shape_n(Node& n) {
  const DType type = n.attr<DType>("out_type");
  Values out;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) out.push_back(sizes_value(n.shape_of(i), false, type));
  return out;
}

Values reshape_node(Node& n) {
  Shape sizes = n.shape(1);
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check<ShapeError>(sizes.size() == 1 || (sizes.empty() && ints->values.size() == 1),
                      "the number of sizes must not change. Got {} for shape {}.", ints->values.size(),
                      to_string(sizes));
    return {Value(SymbolicInts{ints->values, sizes.empty()})};
  }
  const bool empty = std::ranges::any_of(sizes, [](Dim d) { return identical(d, Dim(0)); });
  // With a zero among the sizes, the size to infer could be any; TensorFlow takes 1.
  if (empty) std::ranges::replace_if(sizes, [](Dim d) { return identical(d, Dim(-1)); }, Dim(1));
  Shape known = sizes;
  if (const auto inferred = std::ranges::find_if(known, [](Dim d) { return identical(d, Dim(-1)); });
      inferred != known.end())
    *inferred = 1;
  check_sizes(known, "Reshape");
  return {reshape(n.array(0), sizes)};
}

Values expand_dims_node(Node& n) {
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check<ShapeError>(ints->scalar, "only single symbolic sizes become lists. Got {} of them.", ints->values.size());
    return {Value(SymbolicInts{ints->values, false})};
  }
  const Array x = n.array(0);
  return {expand_dims(x, {n.axis(1, x.rank() + 1)})};
}

Values squeeze_node(Node& n) {
  const auto axes = n.attr<std::vector<std::int64_t>>("squeeze_dims");
  if (const auto* ints = n.input(0).get_if<SymbolicInts>())
    return {Value(SymbolicInts{ints->values, ints->values.size() == 1})};
  const Array x = n.array(0);
  return {axes.empty() ? squeeze(x) : squeeze(x, normalize_axes(axes, x.rank(), "Squeeze"))};
}

Values transpose_node(Node& n) {
  const Array x = n.array(0);
  const auto permutation = n.integers(1);
  check(normalize_axes(permutation, x.rank(), n.op()).size() == static_cast<std::size_t>(x.rank()),
        "the permutation must name each axis once. Got {} for {}.", tuple_string(permutation), x.aval());
  const Array y = transpose(x, permutation);
  // The Python library's result is complex for real operands too.
  return {n.op() == "ConjugateTranspose" ? conj_p().bind1({y}, InputDtype{y.dtype()}) : y};
}

Values tile_node(Node& n) {
  const Array x = n.array(0);
  const auto counts = n.integers(1, x.shape().size(), 0);
  Shape sizes = x.shape();
  for (std::size_t i = 0; i < counts.size(); ++i) sizes[i] *= Dim(counts[i]);
  check_sizes(sizes, "Tile");
  return {tile(x, counts)};
}

Values roll_node(Node& n) {
  Array x = n.array(0);
  const auto shifts = n.integers(1), axes = n.integers(2);
  check(shifts.size() == axes.size(), "there must be one shift per axis. Got {}; expected {}.", shifts.size(),
        axes.size());
  for (std::size_t i = 0; i < shifts.size(); ++i) x = roll(x, shifts[i], normalize_axis(axes[i], x.rank(), "Roll"));
  return {x};
}

Values broadcast_args(Node& n) {
  const Shape shapes[] = {n.sizes(0), n.sizes(1)};
  return {sizes_value(broadcast_shapes(shapes, "BroadcastArgs"), false, i32)};
}

Values invert_permutation(Node& n) {
  const Array x = n.array(0);
  if (x.rank() != 1) raise<ValueError>("Expected 1D array, found x.dims={}.", x.rank());
  if (!x.is_concrete()) return {astype(argsort(x), x.dtype())};
  const auto permutation = n.integers(0);
  auto sorted = permutation;
  std::ranges::sort(sorted);
  check(sorted == iota_axes(static_cast<std::int64_t>(permutation.size())), "this is not a permutation. Got {}.",
        tuple_string(permutation));
  return {sizes_value(symbolic(inverse_permutation(permutation)), false, x.dtype())};
}

// Axes over which the gradient of a broadcast operand is summed.
Values broadcast_gradient_args(Node& n) {
  const Shape shapes[] = {n.sizes(0), n.sizes(1)};
  const Shape all = broadcast_shapes(shapes, "BroadcastGradientArgs");
  Values out;
  for (const Shape& s : shapes) {
    Shape axes;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t missing = all.size() - s.size();
      if (i < missing || (identical(s[i - missing], Dim(1)) && !identical(all[i], Dim(1)))) axes.emplace_back(i);
    }
    out.push_back(sizes_value(axes, false, i32));
  }
  return out;
}

Values concat_offset(Node& n) {
  const std::size_t rank = n.shape(1).size();
  const std::size_t axis = n.axis(0, static_cast<std::int64_t>(rank));
  Dim offset = 0;
  Values out;
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    const Shape s = n.sizes(i);
    check(s.size() == rank, "the shapes must have one rank. Got {1} axes in shape {0}; expected {2}.", i - 1, s.size(),
          rank);
    Shape start(rank, Dim(0));
    start[axis] = offset;
    offset += s[axis];
    out.push_back(sizes_value(start, false, i32));
  }
  return out;
}

}  // namespace

Value sizes_value(const Shape& sizes, bool scalar, DType dtype) {
  check<DtypeError>(dtype == i32 || dtype == i64, "sizes must be i32 or i64. Got {}.", dtype);
  if (!is_concrete(sizes)) return Value(SymbolicInts{sizes, scalar});
  const Dims dims = concrete(sizes);
  const Dims shape = scalar ? Dims{} : Dims{static_cast<std::int64_t>(dims.size())};
  if (dtype == i64)
    return Value(detail::exact_array({i64, symbolic(shape), false}, std::as_bytes(std::span(dims))), true);
  for (const auto d : dims) check(d <= Node::kHighest, "a size does not fit in 32 bits. Got {}.", d);
  const std::vector<std::int32_t> narrow(dims.begin(), dims.end());
  return Value(from_span<std::int32_t>(std::span<const std::int32_t>(narrow), shape), true);
}

void add_shape_operations(ConverterTable& table) {
  table.add("Shape", shape_node);
  table.add("ShapeN", shape_n);
  table.add("Rank", [](Node& n) { return Values{sizes_value({Dim(n.shape_of(0).size())}, true, i32)}; });
  table.add("Size", [](Node& n) { return Values{sizes_value({num_elements(n.shape_of(0))}, true, i32)}; },
            {.ignored = {"out_type"}});
  table.add("Reshape", reshape_node);
  table.add("ExpandDims", expand_dims_node);
  table.add("Squeeze", squeeze_node);
  table.add("Transpose", transpose_node);
  table.add("ConjugateTranspose", transpose_node);
  table.add("ConcatOffset", concat_offset, {.ignored = {"shape_type"}});
  table.add("Tile", tile_node);
  table.add("Roll", roll_node);
  table.add("ReverseV2", [](Node& n) {
    const Array x = n.array(0);
    return Values{rev(x, n.axes(1, x.rank()))};
  });
  table.add("BroadcastTo", [](Node& n) { return Values{broadcast_to(n.array(0), n.sizes(1))}; });
  table.add("BroadcastArgs", broadcast_args);
  table.add("BroadcastGradientArgs", broadcast_gradient_args);
  table.add("InvertPermutation", invert_permutation);
}

}  // namespace tf2jax::tf_import
