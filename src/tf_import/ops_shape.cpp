// Shapes, movement of data, and creation.
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

// Sizes as a host value; with symbolic ones among them they stay expressions.
Value sizes_value(const Shape& sizes, bool scalar, DType dtype) {
  check<DtypeError>(dtype == i32 || dtype == i64, "sizes as {}: expected i32 or i64", dtype);
  if (!is_concrete(sizes)) return Value(SymbolicInts{sizes, scalar});
  const Dims dims = concrete(sizes);
  const Dims shape = scalar ? Dims{} : Dims{static_cast<std::int64_t>(dims.size())};
  if (dtype == i64) return Value(detail::exact_array({i64, symbolic(shape), false}, std::as_bytes(std::span(dims))), true);
  for (const auto d : dims) check(d <= Node::kHighest, "the size {} does not fit in 32 bits", d);
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

Dims reshaped_strings(const StringTensor& strings, Dims sizes) {
  const auto total = static_cast<std::int64_t>(strings.values.size());
  const auto inferred = std::ranges::find(sizes, -1);
  if (inferred != sizes.end()) {
    *inferred = 1;
    check_sizes(sizes, "Reshape");
    *inferred = total / std::max<std::int64_t>(num_elements(sizes), 1);
  }
  check_sizes(sizes, "Reshape");
  check<ShapeError>(num_elements(sizes) == total, "Reshape: {} strings do not have the shape {}", total, tuple_string(sizes));
  return sizes;
}

Values reshape_node(Node& n) {
  if (const auto* strings = n.input(0).get_if<StringTensor>()) return {Value(StringTensor{reshaped_strings(*strings, n.integers(1)), strings->values})};
  Shape sizes = n.shape(1);
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check<ShapeError>(sizes.size() == 1 || (sizes.empty() && ints->values.size() == 1), "Reshape: {} sizes do not have the shape {}", ints->values.size(), to_string(sizes));
    return {Value(SymbolicInts{ints->values, sizes.empty()})};
  }
  const bool empty = std::ranges::any_of(sizes, [](Dim d) { return identical(d, Dim(0)); });
  // With a zero among the sizes, the size to infer could be any; TensorFlow takes 1.
  if (empty) std::ranges::replace_if(sizes, [](Dim d) { return identical(d, Dim(-1)); }, Dim(1));
  Shape known = sizes;
  if (const auto inferred = std::ranges::find_if(known, [](Dim d) { return identical(d, Dim(-1)); }); inferred != known.end()) *inferred = 1;
  check_sizes(known, "Reshape");
  return {reshape(n.array(0), sizes)};
}

Values expand_dims_node(Node& n) {
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check<ShapeError>(ints->scalar, "ExpandDims: only single symbolic sizes become lists. Got {} of them.", ints->values.size());
    return {Value(SymbolicInts{ints->values, false})};
  }
  const Array x = n.array(0);
  return {expand_dims(x, {n.axis(1, x.rank() + 1)})};
}

Values squeeze_node(Node& n) {
  const auto axes = n.attr<std::vector<std::int64_t>>("squeeze_dims");
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) return {Value(SymbolicInts{ints->values, ints->values.size() == 1})};
  const Array x = n.array(0);
  return {axes.empty() ? squeeze(x) : squeeze(x, normalize_axes(axes, x.rank(), "Squeeze"))};
}

Values transpose_node(Node& n) {
  const Array x = n.array(0);
  const auto permutation = n.integers(1);
  check(normalize_axes(permutation, x.rank(), n.op()).size() == static_cast<std::size_t>(x.rank()), "{}: the permutation {} has not all axes of {}", n.op(),
        tuple_string(permutation), x.aval());
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
    checked_count(static_cast<std::int64_t>(all.size()), Node::kMaxOutputs, n.op() + ": symbolic sizes");
    return {Value(SymbolicInts{all, false})};
  }
  return {concatenate(n.arrays(first, count), axis)};
}

Values concat_v2(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr_integer("N", 1));
  if (n.num_inputs() != count + 1) raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs());
  const std::int64_t axis = n.integer(count);
  return join(n, 0, count, any_symbolic(n, 0, count) ? 0 : normalize_axis(axis, n.array(0).rank(), "ConcatV2"));
}

Values concat_v1(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr_integer("N", 1));
  if (n.num_inputs() != count + 1) raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs() - 1);
  return join(n, 1, count, any_symbolic(n, 1, count) ? 0 : n.axis(0, n.array(1).rank()));
}

Values pack(Node& n) {
  const auto count = static_cast<std::size_t>(n.attr_integer("N", 1));
  const auto axis = n.attr<std::int64_t>("axis");
  if (n.num_inputs() != count) raise<ValueError>("Pack expects {} inputs, found {}.", count, n.num_inputs());
  if (any_symbolic(n, 0, count)) return join(n, 0, count, 0);
  if (n.input(0).get_if<StringTensor>()) {
    StringTensor all{{static_cast<std::int64_t>(count)}, {}};
    for (std::size_t i = 0; i < count; ++i) {
      check<NotImplementedError>(n.strings(i).values.size() == 1, "Pack: only single strings are packed. Input {} has {}.", i, n.strings(i).values.size());
      all.values.push_back(n.strings(i).values[0]);
    }
    return {Value(std::move(all))};
  }
  return {stack(n.arrays(), normalize_axis(axis, n.array(0).rank() + 1, "Pack"))};
}

Values unpack(Node& n) {
  const auto count = n.attr_integer("num", 0, Node::kMaxOutputs);
  Values out;
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check(ints->values.size() == static_cast<std::size_t>(count), "Unpack expects dimension of {}, found {}", count, ints->values.size());
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
  const auto axis = n.axis(0, x.rank());
  const auto count = n.attr_integer("num_split", 1, Node::kMaxOutputs);
  const auto size = x.shape()[static_cast<std::size_t>(axis)].value();
  check(size % count == 0, "Split: axis {} of size {} does not divide into {} equal pieces", axis, size, count);
  return pieces(x, Axes(static_cast<std::size_t>(count), size / count), axis);
}

Values split_v(Node& n) {
  const Array x = n.array(0);
  const auto axis = n.axis(2, x.rank());
  const Axes sizes = n.integers(1);
  n.ignore({"num_split"});
  checked_count(static_cast<std::int64_t>(sizes.size()), Node::kMaxOutputs, "SplitV: pieces");
  const auto size = x.shape()[static_cast<std::size_t>(axis)].value();
  Axes whole = sizes;
  auto rest = whole.end();
  std::int64_t left = size;
  for (auto s = whole.begin(); s != whole.end(); ++s) {
    if (*s == -1 && rest == whole.end()) {
      rest = s;
      continue;
    }
    check(*s >= 0 && *s <= left, "SplitV: the sizes {} do not add to the size {} of axis {}; one of them may be -1", tuple_string(sizes), size, axis);
    left -= *s;
  }
  if (rest != whole.end()) *rest = std::exchange(left, 0);
  check(left == 0, "SplitV: the sizes {} add to {}; axis {} has {}", tuple_string(sizes), size - left, axis, size);
  return pieces(x, whole, axis);
}

Values tile_node(Node& n) {
  const Array x = n.array(0);
  const auto counts = n.integers(1, x.shape().size(), 0);
  Shape sizes = x.shape();
  for (std::size_t i = 0; i < counts.size(); ++i) sizes[i] *= Dim(counts[i]);
  check_sizes(sizes, "Tile");
  return {tile(x, counts)};
}

// (before, after) of every axis.
Padding widths_of(const Node& n, std::size_t i, std::size_t axes) {
  const auto flat = n.integers(i, 2 * axes, 0);
  Padding pairs;
  for (std::size_t k = 0; k < flat.size(); k += 2) pairs.emplace_back(flat[k], flat[k + 1]);
  return pairs;
}

// `x` with zeros, or `value`, around it.
Array padded_by(const Array& x, const Padding& widths, const Array& value, std::string_view where) {
  Shape sizes = x.shape();
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] += Dim(widths[i].first) + Dim(widths[i].second);
  check_sizes(sizes, where);
  return pad(x, widths, value);
}

Values pad_node(Node& n) {
  const Array x = n.array(0);
  return {padded_by(x, widths_of(n, 1, x.shape().size()), n.num_inputs() > 2 ? astype(n.scalar(2), x.dtype()) : zeros({}, x.dtype()), n.op())};
}

// Reflects about the edge elements, or with "SYMMETRIC" repeats them.
Values mirror_pad(Node& n) {
  Array x = n.array(0);
  const Padding widths = widths_of(n, 1, x.shape().size());
  const auto mode = n.attr<std::string>("mode");
  check(mode == "REFLECT" || mode == "SYMMETRIC", "MirrorPad: unknown mode '{}'; expected REFLECT or SYMMETRIC", mode);
  const std::int64_t offset = mode == "REFLECT" ? 1 : 0;
  for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
    const auto size = x.dims()[static_cast<std::size_t>(axis)];
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    check(std::max(before, after) <= std::max<std::int64_t>(size - offset, 0), "MirrorPad: paddings ({}, {}) do not fit axis {} of size {}", before,
          after, axis, size);
    Arrays parts;
    if (before > 0) parts.push_back(rev(slice_in_dim(x, offset, offset + before, 1, axis), {axis}));
    parts.push_back(x);
    if (after > 0) parts.push_back(rev(slice_in_dim(x, size - offset - after, size - offset, 1, axis), {axis}));
    if (parts.size() > 1) x = concatenate(parts, axis);
  }
  return {x};
}

Values fill(Node& n) { return {broadcast_to(n.scalar(1), n.sizes(0))}; }

Values empty(Node& n) {
  n.ignore({"init"});
  const DType dtype = n.attr<DType>("dtype");
  return {zeros(n.sizes(0), n.on_host() ? dtype : canonical_dtype(dtype))};
}

// How many numbers start, start + delta, ... lie before limit.
std::int64_t range_count(const Array& start, const Array& limit, const Array& delta) {
  if (is_integer(start.dtype())) {
    const auto a = start.item<std::int64_t>(), b = limit.item<std::int64_t>(), d = delta.item<std::int64_t>();
    check(d != 0, "Range: the step is zero");
    // The distance as an unsigned number, since the difference of two integers may not fit.
    const bool up = d > 0;
    if (up ? a >= b : a <= b) return 0;
    const auto distance = up ? static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
    const auto step = up ? static_cast<std::uint64_t>(d) : std::uint64_t{0} - static_cast<std::uint64_t>(d);
    const auto count = (distance - 1) / step + 1;
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max()));
  }
  const double a = start.item<double>(), b = limit.item<double>(), d = delta.item<double>();
  check(d != 0, "Range: the step is zero");
  const double steps = std::ceil((b - a) / d);
  check(!std::isnan(steps), "Range: from {} to {} by {} is no number of elements", a, b, d);
  return static_cast<std::int64_t>(std::clamp(steps, 0.0, 0x1p62));
}

Values range(Node& n) {
  for (std::size_t i = 0; i < 3; ++i) n.real(i);   // known now
  const Array start = n.scalar(0), limit = n.scalar(1), delta = n.scalar(2);
  const DType dtype = start.dtype();
  check<DtypeError>(is_integer(dtype) || is_floating(dtype), "Range: a range of {} is not supported", dtype);
  check<DtypeError>(limit.dtype() == dtype && delta.dtype() == dtype, "Range: the types differ. Got {}, {} and {}.", dtype, limit.dtype(), delta.dtype());
  const auto count = range_count(start, limit, delta);
  check_sizes(Dims{count}, "Range");
  return {Array::build({dtype, {Dim(count)}, false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      auto* p = reinterpret_cast<T*>(out);
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        const auto a = start.item<std::uint64_t>(), d = delta.item<std::uint64_t>();
        for (std::int64_t i = 0; i < count; ++i) p[i] = static_cast<T>(a + static_cast<std::uint64_t>(i) * d);
      } else if constexpr (!std::is_same_v<T, complex64> && !std::is_same_v<T, complex128>) {
        const auto a = start.item<double>(), d = delta.item<double>();
        for (std::int64_t i = 0; i < count; ++i) p[i] = static_cast<T>(static_cast<float>(a + static_cast<double>(i) * d));
      }
    });
  })};
}

Values lin_space(Node& n) {
  const auto count = n.integer(2, 1);
  check_sizes(Dims{count}, "LinSpace");
  const Array start = n.scalar(0), stop = n.scalar(1);
  if (count == 1) return {reshape(start, {1})};
  const Array step = divide(sub(stop, start), static_cast<double>(count - 1));
  return {add(start, mul(step, astype(iota(i32, {Dim(count)}, 0), start.dtype())))};
}

Values roll_node(Node& n) {
  Array x = n.array(0);
  const auto shifts = n.integers(1), axes = n.integers(2);
  check(shifts.size() == axes.size(), "Roll: {} shifts are given for {} axes", shifts.size(), axes.size());
  for (std::size_t i = 0; i < shifts.size(); ++i) x = roll(x, shifts[i], normalize_axis(axes[i], x.rank(), "Roll"));
  return {x};
}

Values broadcast_args(Node& n) {
  const Shape shapes[] = {n.sizes(0), n.sizes(1)};
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

// The sizes of the blocks, of as many axes as follow the first.
Dims block_of(const Node& n, std::size_t rank) {
  const auto count = n.integers(1).size();
  check(count < rank, "{}: blocks of {} axes do not fit rank {}", n.op(), count, rank);
  return n.integers(1, count, 1);
}

Values space_to_batch(Node& n) {
  const Array x = n.array(0);
  const auto rank = static_cast<std::size_t>(x.rank());
  const auto block = block_of(n, rank);
  const std::size_t m = block.size();
  Padding widths = widths_of(n, 2, m);
  widths.insert(widths.begin(), {0, 0});
  widths.resize(rank, {0, 0});
  const Array padded = padded_by(x, widths, zeros({}, x.dtype()), n.op());
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
  const Shape& s = x.shape();
  const auto block = block_of(n, s.size());
  const std::size_t m = block.size();
  const Padding crops = widths_of(n, 2, m);
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
    start[i + 1] = crops[i].first;
    limit[i + 1] -= Dim(crops[i].second);
    check(definitely_ge(limit[i + 1], start[i + 1]).value_or(true), "BatchToSpaceND: crops ({}, {}) are more than axis {} of size {} has", crops[i].first,
          crops[i].second, i + 1, merged[i + 1]);
  }
  return {slice(y, start, limit)};
}

// "NHWC" only: blocks of channels become blocks of pixels, and back.
Values depth_to_space(Node& n, bool to_space) {
  check(n.attr<std::string>("data_format") == "NHWC", "Found unsupported data format {}.", n.attr<std::string>("data_format"));
  const Dim block(n.attr_integer("block_size", 1));
  const Array x = n.array(0, 4, 4);
  const Shape& s = x.shape();
  if (to_space) {
    const Dim depth = floordiv(s[3], block * block);
    return {reshape(transpose(reshape(x, {s[0], s[1], s[2], block, block, depth}), {0, 1, 3, 2, 4, 5}), {s[0], s[1] * block, s[2] * block, depth})};
  }
  const Dim h = floordiv(s[1], block), w = floordiv(s[2], block);
  return {reshape(transpose(reshape(x, {s[0], h, block, w, block, s[3]}), {0, 1, 3, 2, 4, 5}), {s[0], h, w, s[3] * block * block})};
}

Values concat_offset(Node& n) {
  const std::size_t rank = n.shape(1).size();
  const auto axis = static_cast<std::size_t>(n.axis(0, static_cast<std::int64_t>(rank)));
  Dim offset = 0;
  Values out;
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    const Shape s = n.sizes(i);
    check(s.size() == rank, "ConcatOffset: shape {} has {} axes, the first has {}", i - 1, s.size(), rank);
    Shape start(rank, Dim(0));
    start[axis] = offset;
    offset += s[axis];
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
    return Values{rev(x, n.axes(1, x.rank()))};
  });
  table.add("BroadcastTo", [](Node& n) { return Values{broadcast_to(n.array(0), n.sizes(1))}; });
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
