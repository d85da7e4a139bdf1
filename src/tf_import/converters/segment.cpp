// Reductions of rows by the segment, the bin or the bucket that each belongs to.
#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

// Rows of x by the first axes of its shape, which are those of `ids`; ids out of range are left out.
Array segment(const Node& n, Scatter f, const Array& x, const Array& ids, std::int64_t count, const Array& start) {
  const bool prefix =
      ids.rank() <= x.rank() && identical(ids.shape(), Shape(x.shape().begin(), x.shape().begin() + ids.rank()));
  check<ShapeError>(prefix, "the segments must begin the shape of the operand. Got {} and {}.", ids.aval(), x.aval());
  Shape shape{Dim(count)};
  shape.insert(shape.end(), x.shape().begin() + ids.rank(), x.shape().end());
  check_sizes(shape, n.op());
  const Shape flat_shape = [&] {
    Shape s{num_elements(ids.shape())};
    s.insert(s.end(), x.shape().begin() + ids.rank(), x.shape().end());
    return s;
  }();
  const Array rows = reshape(x, flat_shape);
  return scatter_windows(f, broadcast_to(start, shape), reshape(ids, {num_elements(ids.shape()), 1}), rows);
}

// What a segment without rows has, and how rows are joined.
struct Reduction {
  Scatter join;
  Array (*start)(DType);
};
const Reduction kSum{scatter_add, [](DType d) { return zeros({}, d); }};
const Reduction kProd{scatter_mul, [](DType d) { return ones({}, d); }};
const Reduction kMax{scatter_max, [](DType d) { return rules::extreme(d, true); }};
const Reduction kMin{scatter_min, [](DType d) { return rules::extreme(d, false); }};

Array reduced(const Node& n, const Reduction& r, const Array& x, const Array& ids, std::int64_t count) {
  return segment(n, r.join, x, ids, count, r.start(x.dtype()));
}

// How many rows each segment has, as a column beside rows of x's rank.
Array counts(const Node& n, const Array& x, const Array& ids, std::int64_t count) {
  const Array total = reduced(n, kSum, ones(ids.shape(), x.dtype()), ids, count);
  return expand_dims(total, iota_axes(x.rank() - ids.rank(), 1));
}

// Sorted ids begin with 0 and say how many segments there are, so they must be known.
std::int64_t number_of_segments(const Node& n, const Array& ids) {
  if (!ids.is_concrete())
    raise<ConcretizationError>(
        "import '{}' ({}): how many segments there are depends on the elements of {}, which are traced. Call without "
        "jit, pass the segments as a constant, or use the unsorted form of the operation.",
        n.name(), n.op(), ids.aval());
  const auto values = ids.to_vector<std::int64_t>();
  if (!std::ranges::is_sorted(values) || (!values.empty() && values.front() < 0))
    n.fail("the segments are not sorted, or negative.");
  return values.empty() ? 0 : values.back() + 1;
}

Array mean_of(const Node& n, const Array& x, const Array& ids, std::int64_t count, bool root) {
  const Array size = maximum(counts(n, x, ids, count), 1);
  return divide(reduced(n, kSum, x, ids, count), root ? sqrt(size) : size);
}

// Maxima and minima of segments without rows are 0.
Array extreme_of(const Node& n, const Reduction& r, const Array& x, const Array& ids, std::int64_t count) {
  const Array value = reduced(n, r, x, ids, count);
  return where(greater(counts(n, astype(x, f32), ids, count), 0.f), value, zeros_like(value));
}

template <const Reduction& r>
Values unsorted_segment(Node& n) {
  return {reduced(n, r, n.array(0), n.indices(1), n.integer(2, 0))};
}
template <const Reduction& r, bool is_extreme>
Values sorted_segment(Node& n) {
  const Array x = n.array(0, 1), ids = n.array(1, 1, 1);
  const std::int64_t count = number_of_segments(n, ids);
  return {is_extreme ? extreme_of(n, r, x, n.indices(1), count) : reduced(n, r, x, n.indices(1), count)};
}
Values segment_mean(Node& n) {
  const Array x = n.array(0, 1), ids = n.array(1, 1, 1);
  return {mean_of(n, x, n.indices(1), number_of_segments(n, ids), false)};
}

// Rows of the operand, input 0, at the indices, input 1, by their segments, input 2, of which input 3 may say how many.
enum class Sparse : std::uint8_t { sum, mean, root };
template <Sparse kind>
Values sparse_segment(Node& n) {
  const Array rows = take(n.array(0, 1), n.indices(1), 0), ids = n.array(2, 1, 1);
  const std::int64_t count = n.num_inputs() > 3 ? n.integer(3, 0) : number_of_segments(n, ids);
  if (kind == Sparse::sum) return {reduced(n, kSum, rows, n.indices(2), count)};
  return {mean_of(n, rows, n.indices(2), count, kind == Sparse::root)};
}

// ---- counting

// What is counted of each integer: its weight, or one.
Array weights_of(const Array& x, const Array& weights, bool binary) {
  const bool weighted = weights.size() > 0;
  check<ShapeError>(!weighted || identical(weights.shape(), x.shape()),
                    "the weights must have the shape of the operand. Got {} and {}.", weights.aval(), x.aval());
  return weighted && !binary ? weights : ones(x.shape(), weights.dtype());
}

// Each row has bins of its own; integers out of range must not fall into those of another row.
Array counted_rows(const Node& n, const Array& x, const Array& row, std::int64_t rows, std::int64_t bins,
                   const Array& value, bool binary) {
  check_sizes(Shape{Dim(rows), Dim(bins)}, n.op());
  const Array ids = astype(x, i32), first = mul(row, static_cast<std::int32_t>(bins));
  const Array within = logical_and(greater_equal(ids, 0), less(ids, static_cast<std::int32_t>(bins)));
  const Array place = where(within, add(ids, first), full_like(ids, -1));
  const Array table = reshape(reduced(n, kSum, value, place, rows * bins), {Dim(rows), Dim(bins)});
  return binary ? minimum(table, ones_like(table)) : table;
}

// Inputs: integers (a vector, or with DenseBincount rows of a matrix), how many bins, weights or none.
Array counted(const Node& n, const Array& x, std::int64_t bins, const Array& weights, bool binary) {
  const Array value = weights_of(x, weights, binary);
  if (x.rank() == 2) return counted_rows(n, x, iota(i32, x.shape(), 0), x.shape()[0].value(), bins, value, binary);
  const Shape flat{num_elements(x.shape())};
  const Array total = reduced(n, kSum, reshape(value, flat), reshape(x, flat), bins);
  return binary ? minimum(total, ones_like(total)) : total;
}

Values dense_bincount(Node& n) {
  return {counted(n, n.array(0, 1, 2), n.integer(1, 0), n.array(2), n.attr<bool>("binary_output"))};
}
// Inputs: splits of the rows, integers, how many bins, weights or none.
Values ragged_bincount(Node& n) {
  const auto splits = n.integers(0);
  const Array x = n.array(1, 1, 1);
  const std::int64_t bins = n.integer(2, 0);
  const bool ok = !splits.empty() && splits[0] == 0 && std::ranges::is_sorted(splits) &&
                  identical(x.shape()[0], Dim(splits.back()));
  check(ok, "the splits must lead from 0 to the number of integers and not fall. Got {} for {}.", tuple_string(splits),
        x.aval());
  std::vector<std::int64_t> rows;
  for (std::size_t r = 0; r + 1 < splits.size(); ++r) rows.resize(splits[r + 1], static_cast<std::int64_t>(r));
  const bool binary = n.attr_or<bool>("binary_output", false);
  return {counted_rows(n, x, known_vector(rows, i32), std::ssize(splits) - 1, bins, weights_of(x, n.array(3), binary),
                       binary)};
}
Values bincount(Node& n) {
  const Array x = n.array(0), weights = n.array(2);
  const Shape flat{num_elements(x.shape())};
  return {counted(n, reshape(x, flat), n.integer(1, 0), weights.size() > 0 ? reshape(weights, flat) : weights, false)};
}

// How many bins of equal width over a range hold; what is outside counts in the first and the last.
Values histogram(Node& n) {
  const DType type = n.attr<DType>("dtype");
  const Array x = ravel(n.array(0)), range = n.array(1, 1, 1);
  const std::int64_t bins = n.integer(2, 1);
  const Array low = dynamic_index_in_dim(range, Array(0), 0), high = dynamic_index_in_dim(range, Array(1), 0);
  const Array at = floor(mul(divide(sub(x, low), sub(high, low)), static_cast<float>(bins)));
  const Array bin = astype(minimum(maximum(at, 0.f), static_cast<float>(bins - 1)), i32);
  return {reduced(n, kSum, ones(x.shape(), canonical_dtype(type)), bin, bins)};
}

// How many of the sorted boundaries are not larger.
Values bucketize(Node& n) {
  const auto boundaries = n.attr<std::vector<float>>("boundaries");
  const Array x = n.array(0);
  if (boundaries.empty()) return {zeros(x.shape(), i32)};
  const Array edges =
      Array::from_bytes(f32, {static_cast<std::int64_t>(boundaries.size())}, std::as_bytes(std::span(boundaries)));
  const Array column = ravel(astype(x, f32)), row = expand_dims(edges, {0});
  return {reshape(upper_bounds(row, expand_dims(column, {0})), x.shape())};
}

}  // namespace

void add_segment_operations(ConverterTable& table) {
  table.add("UnsortedSegmentSum", unsorted_segment<kSum>);
  table.add("UnsortedSegmentProd", unsorted_segment<kProd>);
  table.add("UnsortedSegmentMax", unsorted_segment<kMax>);
  table.add("UnsortedSegmentMin", unsorted_segment<kMin>);
  table.add("SegmentSum", sorted_segment<kSum, false>);
  table.add("SegmentProd", sorted_segment<kProd, false>);
  table.add("SegmentMax", sorted_segment<kMax, true>);
  table.add("SegmentMin", sorted_segment<kMin, true>);
  table.add("SegmentMean", segment_mean);
  const OpTraits one_gradient{.ignored = {"sparse_gradient"}};  // that gradients are made of indexed slices
  for (const char* op : {"SparseSegmentSum", "SparseSegmentSumWithNumSegments"})
    table.add(op, sparse_segment<Sparse::sum>, one_gradient);
  for (const char* op : {"SparseSegmentMean", "SparseSegmentMeanWithNumSegments"})
    table.add(op, sparse_segment<Sparse::mean>, one_gradient);
  for (const char* op : {"SparseSegmentSqrtN", "SparseSegmentSqrtNWithNumSegments"})
    table.add(op, sparse_segment<Sparse::root>, one_gradient);
  table.add("DenseBincount", dense_bincount);
  table.add("Bincount", bincount);
  table.add("RaggedBincount", ragged_bincount);
  table.add("HistogramFixedWidth", histogram);
  table.add("Bucketize", bucketize);
}

}  // namespace tf2jax::tf_import
