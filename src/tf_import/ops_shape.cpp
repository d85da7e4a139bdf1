// Shapes, movement of data, and creation.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tf2jax::tf_import {
namespace {

// Sizes as a host value; with symbolic ones among them they stay expressions.
Value sizes_value(const Shape& sizes, bool scalar, DType dtype) {
  if (!is_concrete(sizes)) return Value(SymbolicInts{sizes, scalar});
  const Dims dims = concrete(sizes);
  const Dims shape = scalar ? Dims{} : Dims{static_cast<std::int64_t>(dims.size())};
  if (dtype == i64) return Value(detail::exact_array({i64, symbolic(shape), false}, std::as_bytes(std::span(dims))), true);
  const std::vector<std::int32_t> narrow(dims.begin(), dims.end());
  return Value(from_span<std::int32_t>(std::span<const std::int32_t>(narrow), shape), true);
}

Values shape_node(Node& n) { return {sizes_value(n.shape_of(0), false, n.attr<DType>("out_type"))}; }

Values shape_n(Node& n) {
  const DType type = n.attr<DType>("out_type");
  Values out;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) out.push_back(sizes_value(n.shape_of(i), false, type));
  return out;
}

Values reshape_node(Node& n) {
  if (const auto* strings = n.input(0).get_if<StringTensor>()) {
    Dims dims = n.integers(1);
    std::int64_t known = 1;
    for (const auto d : dims) known *= d < 0 ? 1 : d;
    for (auto& d : dims) d = d < 0 ? static_cast<std::int64_t>(strings->values.size()) / std::max<std::int64_t>(known, 1) : d;
    return {Value(StringTensor{dims, strings->values})};
  }
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) return {Value(SymbolicInts{ints->values, n.shape(1).empty()})};
  Shape sizes = n.shape(1);
  const bool empty = std::ranges::any_of(sizes, [](Dim d) { return identical(d, Dim(0)); });
  // With a zero among the sizes, the size to infer could be any; TensorFlow takes 1.
  if (empty) std::ranges::replace_if(sizes, [](Dim d) { return identical(d, Dim(-1)); }, Dim(1));
  return {reshape(n.array(0), sizes)};
}

Values expand_dims_node(Node& n) {
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) return {Value(SymbolicInts{ints->values, false})};
  const Array x = n.array(0);
  return {expand_dims(x, {normalize_axis(n.integer(1), x.rank() + 1, "ExpandDims")})};
}

Values squeeze_node(Node& n) {
  const auto axes = n.attr<std::vector<std::int64_t>>("squeeze_dims");
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) return {Value(SymbolicInts{ints->values, true})};
  const Array x = n.array(0);
  return {axes.empty() ? squeeze(x) : squeeze(x, normalize_axes(axes, x.rank(), "Squeeze"))};
}

Values transpose_node(Node& n) {
  const Array x = n.array(0);
  const auto permutation = n.integers(1);
  const Array y = transpose(x, permutation);
  return {n.op() == "ConjugateTranspose" ? conj(y) : y};
}

bool any_symbolic(const Node& n, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    if (n.input(i).get_if<SymbolicInts>()) return true;
  }
  return false;
}

Values join(Node& n, std::size_t first, std::size_t count, std::int64_t axis) {
  if (any_symbolic(n, first, count)) {
    Shape all;
    for (std::size_t i = first; i < first + count; ++i) {
      const Shape part = n.shape(i);
      all.insert(all.end(), part.begin(), part.end());
    }
    return {Value(SymbolicInts{all, false})};
  }
  return {concatenate(n.arrays(first, count), axis)};
}

Values concat_v2(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr<std::int64_t>("N"));
  if (n.num_inputs() != count + 1) raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs());
  const std::int64_t axis = n.integer(count);
  return join(n, 0, count, any_symbolic(n, 0, count) ? 0 : normalize_axis(axis, n.array(0).rank(), "ConcatV2"));
}

Values concat_v1(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr<std::int64_t>("N"));
  if (n.num_inputs() != count + 1) raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs() - 1);
  return join(n, 1, count, normalize_axis(n.integer(0), n.array(1).rank(), "Concat"));
}

Values pack(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr<std::int64_t>("N"));
  const auto axis = n.attr<std::int64_t>("axis");
  if (n.num_inputs() != count) raise<ValueError>("Pack expects {} inputs, found {}.", count, n.num_inputs());
  if (any_symbolic(n, 0, count)) return join(n, 0, count, 0);
  if (n.input(0).get_if<StringTensor>()) {
    StringTensor all{{static_cast<std::int64_t>(count)}, {}};
    for (std::size_t i = 0; i < count; ++i) all.values.insert(all.values.end(), n.strings(i).values.begin(), n.strings(i).values.end());
    return {Value(std::move(all))};
  }
  return {stack(n.arrays(), normalize_axis(axis, n.array(0).rank() + 1, "Pack"))};
}

Values unpack(Node& n) {
  const auto count = n.attr<std::int64_t>("num");
  Values out;
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    for (const Dim d : ints->values) out.emplace_back(SymbolicInts{{d}, true});
    return out;
  }
  const Array x = n.array(0);
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), x.rank(), "Unpack");
  const Dim size = x.shape()[static_cast<std::size_t>(axis)];
  check(identical(size, Dim(count)), "Unpack expects dimension of {} for axis={}, found {}, shape={}", count, axis, size, to_string(x.shape()));
  for (auto& piece : unstack(x, axis)) out.emplace_back(std::move(piece));
  return out;
}

Values pieces(const Array& x, const Axes& sizes, std::int64_t axis) {
  Values out;
  for (auto& piece : split(x, sizes, axis)) out.emplace_back(std::move(piece));
  return out;
}

Values split_node(Node& n) {
  const Array x = n.array(1);
  const auto axis = normalize_axis(n.integer(0), x.rank(), "Split");
  const auto count = n.attr<std::int64_t>("num_split");
  const auto size = x.shape()[static_cast<std::size_t>(axis)].value();
  check(count > 0 && size % count == 0, "Split: axis {} of size {} does not divide into {} equal pieces", axis, size, count);
  return pieces(x, Axes(static_cast<std::size_t>(count), size / count), axis);
}

Values split_v(Node& n) {
  const Array x = n.array(0);
  const auto axis = normalize_axis(n.integer(2), x.rank(), "SplitV");
  Axes sizes = n.integers(1);
  n.ignore({"num_split"});
  const auto size = x.shape()[static_cast<std::size_t>(axis)].value();
  const auto known = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}, [](auto a, auto b) { return a + std::max<std::int64_t>(b, 0); });
  for (auto& s : sizes) s = s < 0 ? size - known : s;
  const auto total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  check(total == size, "SplitV: the sizes {} add to {}; axis {} has {}", tuple_string(sizes), total, axis, size);
  return pieces(x, sizes, axis);
}

Values tile_node(Node& n) {
  const Array x = n.array(0);
  return {tile(x, n.integers(1))};
}

Values pad_node(Node& n) {
  const Array x = n.array(0);
  const auto widths = n.integers(1);
  check(widths.size() == 2 * static_cast<std::size_t>(x.rank()), "{}: {} paddings are given for rank {}", n.op(), widths.size(), x.rank());
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i < widths.size(); i += 2) pairs.emplace_back(widths[i], widths[i + 1]);
  return {pad(x, pairs, n.num_inputs() > 2 ? astype(n.array(2), x.dtype()) : zeros({}, x.dtype()))};
}

// Reflects about the edge elements, or with "SYMMETRIC" repeats them.
Values mirror_pad(Node& n) {
  Array x = n.array(0);
  const auto widths = n.integers(1);
  const auto mode = n.attr<std::string>("mode");
  const std::int64_t offset = mode == "REFLECT" ? 1 : 0;
  for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
    const auto size = x.dims()[static_cast<std::size_t>(axis)];
    const auto before = widths.at(static_cast<std::size_t>(2 * axis)), after = widths.at(static_cast<std::size_t>(2 * axis + 1));
    check(before <= size - offset && after <= size - offset && before >= 0 && after >= 0, "MirrorPad: paddings ({}, {}) do not fit axis {} of size {}", before,
          after, axis, size);
    Arrays parts;
    if (before > 0) parts.push_back(rev(slice_in_dim(x, offset, offset + before, 1, axis), {axis}));
    parts.push_back(x);
    if (after > 0) parts.push_back(rev(slice_in_dim(x, size - offset - after, size - offset, 1, axis), {axis}));
    if (parts.size() > 1) x = concatenate(parts, axis);
  }
  return {x};
}

Values fill(Node& n) { return {broadcast_to(n.array(1), n.shape(0))}; }

Values empty(Node& n) {
  n.ignore({"init"});
  const DType dtype = n.attr<DType>("dtype");
  return {zeros(n.shape(0), n.on_host() ? dtype : canonical_dtype(dtype))};
}

Values range(Node& n) {
  const Array start = n.array(0), limit = n.array(1), delta = n.array(2);
  const DType dtype = start.dtype();
  const double a = n.real(0), b = n.real(1), d = n.real(2);
  check(d != 0, "Range: the step is zero");
  const double steps = std::ceil((b - a) / d);
  check(steps < 1e9, "Range: from {} to {} by {} gives too many elements", a, b, d);
  const auto count = static_cast<std::int64_t>(std::max(0.0, steps));
  return {Array::build({dtype, {Dim(count)}, false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      if constexpr (!std::is_same_v<T, complex64> && !std::is_same_v<T, complex128>) {
        auto* p = reinterpret_cast<T*>(out);
        for (std::int64_t i = 0; i < count; ++i) {
          if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) p[i] = static_cast<T>(start.item<std::int64_t>() + i * delta.item<std::int64_t>());
          else p[i] = static_cast<T>(static_cast<float>(a + static_cast<double>(i) * d));
        }
      }
    });
  })};
}

Values lin_space(Node& n) {
  const auto count = n.integer(2);
  check(count > 0, "LinSpace: {} points are asked for; expected at least 1", count);
  const Array start = n.array(0), stop = n.array(1);
  if (count == 1) return {reshape(start, {1})};
  const Array step = divide(sub(stop, start), static_cast<double>(count - 1));
  return {add(start, mul(step, astype(iota(i32, {Dim(count)}, 0), start.dtype())))};
}

Values roll_node(Node& n) {
  Array x = n.array(0);
  const auto shifts = n.integers(1), axes = n.integers(2);
  for (std::size_t i = 0; i < shifts.size(); ++i) x = roll(x, shifts[i], normalize_axis(axes.at(i), x.rank(), "Roll"));
  return {x};
}

Values broadcast_args(Node& n) {
  const Shape shapes[] = {n.shape(0), n.shape(1)};
  return {sizes_value(broadcast_shapes(shapes, "BroadcastArgs"), false, i32)};
}

Values invert_permutation(Node& n) {
  const Array x = n.array(0);
  if (x.rank() != 1) raise<ValueError>("Expected 1D array, found x.dims={}", x.rank());
  if (!x.is_concrete()) return {argsort(x)};
  const auto permutation = n.integers(0);
  auto sorted = permutation;
  std::ranges::sort(sorted);
  check(sorted == iota_axes(static_cast<std::int64_t>(permutation.size())), "InvertPermutation: {} is no permutation", tuple_string(permutation));
  return {sizes_value(symbolic(inverse_permutation(permutation)), false, x.dtype())};
}

// Axes over which the gradient of a broadcast operand is summed.
Values broadcast_gradient_args(Node& n) {
  const Shape a = n.shape(0), b = n.shape(1);
  const Shape shapes[] = {a, b};
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

Values space_to_batch(Node& n) {
  const Array x = n.array(0);
  const auto block = n.integers(1), paddings = n.integers(2);
  const std::size_t m = block.size();
  const auto rank = static_cast<std::size_t>(x.rank());
  check(m + 1 <= rank && paddings.size() == 2 * m, "SpaceToBatchND: block {} does not fit rank {}", tuple_string(block), rank);
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(rank);
  for (std::size_t i = 0; i < m; ++i) widths[i + 1] = {paddings[2 * i], paddings[2 * i + 1]};
  const Array padded = pad(x, widths, zeros({}, x.dtype()));
  const Shape& p = padded.shape();
  Shape split_shape{p[0]}, result{p[0]};
  Axes order;
  for (std::size_t i = 0; i < m; ++i) {
    const auto outer = exact_div(p[i + 1], block[i]);
    check(outer.has_value(), "SpaceToBatchND: axis {} of size {} does not divide by {}", i + 1, p[i + 1], block[i]);
    split_shape.push_back(*outer);
    split_shape.emplace_back(block[i]);
    order.push_back(static_cast<std::int64_t>(2 * i + 2));
    result[0] *= Dim(block[i]);
    result.push_back(*outer);
  }
  order.push_back(0);
  for (std::size_t i = 0; i < m; ++i) order.push_back(static_cast<std::int64_t>(2 * i + 1));
  for (std::size_t i = m + 1; i < rank; ++i) {
    split_shape.push_back(p[i]);
    result.push_back(p[i]);
    order.push_back(static_cast<std::int64_t>(m + i));
  }
  return {reshape(transpose(reshape(padded, split_shape), order), result)};
}

Values batch_to_space(Node& n) {
  const Array x = n.array(0);
  const auto block = n.integers(1), crops = n.integers(2);
  const std::size_t m = block.size();
  const Shape& s = x.shape();
  check(m + 1 <= s.size() && crops.size() == 2 * m, "BatchToSpaceND: block {} does not fit rank {}", tuple_string(block), s.size());
  Dim factor = 1;
  for (const auto b : block) factor *= Dim(b);
  const auto batch = exact_div(s[0], factor);
  check(batch.has_value(), "BatchToSpaceND: the batch {} does not divide by {}", s[0], factor);
  Shape split_shape = symbolic(block), merged{*batch};
  split_shape.push_back(*batch);
  Axes order{static_cast<std::int64_t>(m)};
  for (std::size_t i = 1; i < s.size(); ++i) {
    split_shape.push_back(s[i]);
    order.push_back(static_cast<std::int64_t>(m + i));
    if (i <= m) order.push_back(static_cast<std::int64_t>(i - 1));
    merged.push_back(i <= m ? s[i] * Dim(block[i - 1]) : s[i]);
  }
  Array y = reshape(transpose(reshape(x, split_shape), order), merged);
  Shape start(merged.size(), Dim(0)), limit = merged;
  for (std::size_t i = 0; i < m; ++i) {
    start[i + 1] = crops[2 * i];
    limit[i + 1] -= Dim(crops[2 * i + 1]);
  }
  return {slice(y, start, limit)};
}

// "NHWC" only: blocks of channels become blocks of pixels, and back.
Values depth_to_space(Node& n, bool to_space) {
  check(n.attr<std::string>("data_format") == "NHWC", "Found unsupported data format {}.", n.attr<std::string>("data_format"));
  const auto b = n.attr<std::int64_t>("block_size");
  const Array x = n.array(0);
  check(x.rank() == 4 && b > 0, "{}: expected rank 4, got {}", n.op(), x.rank());
  const Shape& s = x.shape();
  const Dim block(b);
  if (to_space) {
    const Dim depth = floordiv(s[3], block * block);
    return {reshape(transpose(reshape(x, {s[0], s[1], s[2], block, block, depth}), {0, 1, 3, 2, 4, 5}), {s[0], s[1] * block, s[2] * block, depth})};
  }
  const Dim h = floordiv(s[1], block), w = floordiv(s[2], block);
  return {reshape(transpose(reshape(x, {s[0], h, block, w, block, s[3]}), {0, 1, 3, 2, 4, 5}), {s[0], h, w, s[3] * block * block})};
}

Values concat_offset(Node& n) {
  const auto axis = static_cast<std::size_t>(n.integer(0));
  Dim offset = 0;
  Values out;
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    const Shape s = n.shape(i);
    Shape start(s.size(), Dim(0));
    start.at(axis) = offset;
    offset += s.at(axis);
    out.push_back(sizes_value(start, false, i32));
  }
  return out;
}

}  // namespace

void add_symbolic_arithmetic(ConverterTable& table);

void add_shape_operations(ConverterTable& table) {
  table.add("Shape", shape_node);
  table.add("ShapeN", shape_n);
  table.add("Rank", [](Node& n) { return Values{sizes_value({Dim(n.shape_of(0).size())}, true, i32)}; });
  table.add("Size", [](Node& n) { return Values{sizes_value({num_elements(n.shape_of(0))}, true, i32)}; }, {"out_type"});
  table.add("Reshape", reshape_node);
  table.add("ExpandDims", expand_dims_node);
  table.add("Squeeze", squeeze_node);
  table.add("Transpose", transpose_node);
  table.add("ConjugateTranspose", transpose_node);
  table.add("ConcatV2", concat_v2);
  table.add("Concat", concat_v1);
  table.add("ConcatOffset", concat_offset, {"shape_type"});
  table.add("Pack", pack);
  table.add("Unpack", unpack);
  table.add("Split", split_node);
  table.add("SplitV", split_v);
  table.add("Tile", tile_node);
  table.add("Pad", pad_node);
  table.add("PadV2", pad_node);
  table.add("MirrorPad", mirror_pad);
  table.add("Fill", fill);
  table.add("Empty", empty);
  table.add("Range", range);
  table.add("LinSpace", lin_space);
  table.add("Roll", roll_node);
  table.add("ReverseV2", [](Node& n) {
    const Array x = n.array(0);
    return Values{rev(x, normalize_axes(n.integers(1), x.rank(), "ReverseV2"))};
  });
  table.add("BroadcastTo", [](Node& n) { return Values{broadcast_to(n.array(0), n.shape(1))}; });
  table.add("BroadcastArgs", broadcast_args);
  table.add("BroadcastGradientArgs", broadcast_gradient_args);
  table.add("InvertPermutation", invert_permutation);
  table.add("SpaceToBatchND", space_to_batch);
  table.add("BatchToSpaceND", batch_to_space);
  table.add("SpaceToDepth", [](Node& n) { return depth_to_space(n, false); });
  table.add("DepthToSpace", [](Node& n) { return depth_to_space(n, true); });
  add_symbolic_arithmetic(table);
}

}  // namespace tf2jax::tf_import
