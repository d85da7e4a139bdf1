// Along one axis: reversal of a part, running sums in logarithms, ranks.
#include <limits>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

// Of each example the first elements, as many as its length, in the other order.
Values reverse_sequence(Node& n) {
  n.ignore({"Tlen"});
  const Array x = n.array(0, 1), lengths = astype(n.array(1, 1, 1), i32);
  const auto axis = normalize_axis(n.attr<std::int64_t>("seq_dim"), x.rank(), n.op());
  const auto batch = normalize_axis(n.attr<std::int64_t>("batch_dim"), x.rank(), n.op());
  if (axis == batch) n.fail("seq_dim and batch_dim are the same axis.");
  check<ShapeError>(identical(lengths.shape()[0], x.shape()[batch]),
                    "there must be one length per example. Got {}; expected {}.", lengths.shape()[0], x.shape()[batch]);
  Shape pair(x.rank(), Dim(1));
  pair[axis] = x.shape()[axis];
  const Array place = iota(i32, pair, axis);
  const Array length = broadcast_in_dim(lengths,
                                        [&] {
                                          Shape s(x.rank(), Dim(1));
                                          s[batch] = x.shape()[batch];
                                          return s;
                                        }(),
                                        {batch});
  const Array from = where(less(place, length), sub(sub(length, 1), place), place);
  return {take_along(x, broadcast_to(from, x.shape()), axis)};
}

// An exclusive sum is the inclusive one a place later, with the logarithm of nothing before it.
Values cumulative_logsumexp(Node& n) {
  const Array x = n.array(0, 1);
  const auto axis = n.axis(1, x.rank());
  const bool reversed = n.attr<bool>("reverse");
  const Array all = cumlogsumexp(x, axis, reversed);
  if (!n.attr<bool>("exclusive") || identical(x.shape()[axis], Dim(0))) return {all};
  std::vector<PadAxis> shift(x.rank(), PadAxis{0, 0, 0});
  shift[axis] = reversed ? PadAxis{-1, 1, 0} : PadAxis{1, -1, 0};
  return {pad(all, astype(Array(-std::numeric_limits<double>::infinity()), x.dtype()), shift)};
}

// Whether the class of each target has fewer than k finite predictions above its own.
Values in_top_k(Node& n) {
  n.ignore({"T"});
  const Array predictions = n.array(0, 2, 2), targets = astype(n.array(1, 1, 1), i32);
  const Array k = n.op() == "InTopK" ? Array(static_cast<int>(n.attr<std::int64_t>("k"))) : astype(n.scalar(2), i32);
  const Dim classes = predictions.shape()[1];
  const Array valid = logical_and(greater_equal(targets, 0), less(targets, static_cast<std::int32_t>(classes.value())));
  const Array own = take_along(predictions, expand_dims(where(valid, targets, 0), {1}), 1);
  const Array above = sum(astype(greater(predictions, own), i32), 1);
  const Array finite = all_true(is_finite(predictions), 1);
  return {logical_and(logical_and(valid, finite), less(above, k))};
}

Values nth_element(Node& n) {
  const Array x = n.array(0, 1);
  const auto size = x.shape().back().value();
  check(size > 0, "the last axis is empty. Got {}.", x.aval());
  const auto at = n.integer(1, 0, size - 1);
  const auto place = n.attr<bool>("reverse") ? size - 1 - at : at;
  return {squeeze(slice_in_dim(sort(x, -1), place, place + 1, 1, x.rank() - 1), {-1})};
}

// TF1's Reverse: a flag for each axis.
Values reverse_flags(Node& n) {
  const Array x = n.array(0);
  const Axes flags = n.integers(1);
  check(static_cast<std::int64_t>(flags.size()) == x.rank(), "there must be one flag per axis. Got {} for {}.",
        flags.size(), x.aval());
  Axes axes;
  for (std::size_t i = 0; i < flags.size(); ++i)
    if (flags[i]) axes.push_back(static_cast<std::int64_t>(i));
  return {rev(x, axes)};
}

}  // namespace

void add_sequence_operations(ConverterTable& table) {
  table.add("ReverseSequence", reverse_sequence);
  table.add("CumulativeLogsumexp", cumulative_logsumexp);
  for (const char* op : {"InTopK", "InTopKV2"}) table.add(op, in_top_k);
  table.add("NthElement", nth_element);
  table.add("Reverse", reverse_flags);
}

}  // namespace tf2jax::tf_import
