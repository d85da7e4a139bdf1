// Padding, and blocks of space that move to the batch or the channels.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

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
  return {padded_by(x, widths_of(n, 1, x.shape().size()),
                    n.num_inputs() > 2 ? astype(n.scalar(2), x.dtype()) : zeros({}, x.dtype()), n.op())};
}

// Reflects about the edge elements, or with "SYMMETRIC" repeats them.
Values mirror_pad(Node& n) {
  Array x = n.array(0);
  const Padding widths = widths_of(n, 1, x.shape().size());
  const auto mode = n.attr<std::string>("mode");
  check(mode == "REFLECT" || mode == "SYMMETRIC", "the mode is not known. Got '{}'; expected REFLECT or SYMMETRIC.",
        mode);
  const std::int64_t offset = mode == "REFLECT" ? 1 : 0;
  for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
    const auto size = x.dims()[axis];
    const auto [before, after] = widths[axis];
    check(std::max(before, after) <= std::max<std::int64_t>(size - offset, 0),
          "the paddings do not fit the axis. Got ({}, {}) for axis {} of size {}.", before, after, axis, size);
    Arrays parts;
    parts.reserve(3);
    if (before > 0) parts.push_back(rev(slice_in_dim(x, offset, offset + before, 1, axis), {axis}));
    parts.push_back(x);
    if (after > 0) parts.push_back(rev(slice_in_dim(x, size - offset - after, size - offset, 1, axis), {axis}));
    if (parts.size() > 1) x = concatenate(parts, axis);
  }
  return {x};
}

// The sizes of the blocks, of as many axes as follow the first.
Dims block_of(const Node& n, std::size_t rank) {
  const auto count = n.integers(1).size();
  check(count < rank, "there are too many blocks. Got {} for rank {}.", count, rank);
  return n.integers(1, count, 1);
}

Values space_to_batch(Node& n) {
  const Array x = n.array(0);
  const std::size_t rank = x.rank();
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
    check(outer.has_value(), "an axis does not divide into blocks. Got axis {} of size {}; expected a multiple of {}.",
          i + 1, p[i + 1], block[i]);
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
  check(batch.has_value(), "the batch does not divide into blocks. Got {}; expected a multiple of {}.", s[0], factor);
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
    check(definitely_ge(limit[i + 1], start[i + 1]).value_or(true),
          "crops exceed the axis. Got ({}, {}) for axis {} of size {}.", crops[i].first, crops[i].second, i + 1,
          merged[i + 1]);
  }
  return {slice(y, start, limit)};
}

// "NHWC" only: blocks of channels become blocks of pixels, and back.
Values depth_to_space(Node& n, bool to_space) {
  check(n.attr<std::string>("data_format") == "NHWC", "Found unsupported data format {}.",
        n.attr<std::string>("data_format"));
  const Dim block(n.attr_integer("block_size", 1));
  const Array x = n.array(0, 4, 4);
  const Shape& s = x.shape();
  if (to_space) {
    const Dim depth = floordiv(s[3], block * block);
    return {reshape(transpose(reshape(x, {s[0], s[1], s[2], block, block, depth}), {0, 1, 3, 2, 4, 5}),
                    {s[0], s[1] * block, s[2] * block, depth})};
  }
  const Dim h = floordiv(s[1], block), w = floordiv(s[2], block);
  return {reshape(transpose(reshape(x, {s[0], h, block, w, block, s[3]}), {0, 1, 3, 2, 4, 5}),
                  {s[0], h, w, s[3] * block * block})};
}

}  // namespace

void add_padding_operations(ConverterTable& table) {
  table.add("Pad", pad_node);
  table.add("PadV2", pad_node);
  table.add("MirrorPad", mirror_pad);
  table.add("SpaceToBatchND", space_to_batch);
  table.add("BatchToSpaceND", batch_to_space);
  table.add("SpaceToDepth", [](Node& n) { return depth_to_space(n, false); });
  table.add("DepthToSpace", [](Node& n) { return depth_to_space(n, true); });
}

}  // namespace tf2jax::tf_import
