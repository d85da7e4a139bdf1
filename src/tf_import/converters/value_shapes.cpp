// Results whose sizes are data: partitions, distinct values, boxes that stay. What decides the sizes must be known.
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "tf2jax/base/limits.h"
#include "tf2jax/control/control.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/nonzero.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/bounded_sizes.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/transforms/vmap.h"

namespace tf2jax::tf_import {
namespace {

// Rows of the data by the number of the part that each belongs to.
Values dynamic_partition(Node& n) {
  const auto count = n.attr_integer("num_partitions", 1, Node::kMaxOutputs);
  const Array data = in_canonical_type(n.array(0)), parts = n.array(1);
  const std::int64_t axes = parts.rank();
  check<ShapeError>(
      axes <= data.rank() && identical(parts.shape(), Shape(data.shape().begin(), data.shape().begin() + axes)),
      "partitions must have the leading axes of the data. Got {} and {}.", parts.aval(), data.aval());
  Shape rows(data.shape().begin() + axes, data.shape().end());
  rows.insert(rows.begin(), Dim(parts.size()));
  const Array flat = reshape(data, rows);
  if (!parts.is_concrete()) {
    std::vector<std::int64_t> sizes(count);
    for (std::size_t k = 0; k < sizes.size(); ++k) sizes[k] = bounded_size(n, parts, "the partitions", k).value();
    return bounded_partition(n, flat, reshape(parts, {rows[0]}), sizes);
  }
  std::vector<std::vector<std::int64_t>> members(count);
  const auto values = parts.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    check(values[i] >= 0 && values[i] < count, "a partition is out of range. Got {}; expected 0 to {}.", values[i],
          count - 1);
    members[values[i]].push_back(static_cast<std::int64_t>(i));
  }
  rows[0] = Dim(0);
  const Array none = zeros(rows, data.dtype());  // a file may ask for many parts
  Arrays out;
  for (const auto& m : members) out.push_back(m.empty() ? none : take(flat, known_vector(m, i32), 0));
  return {out.begin(), out.end()};
}

// Rows of all data at their indices; later ones win.
Values dynamic_stitch(Node& n) {
  const auto count = n.attr_integer("N", 1, Node::kMaxOutputs);
  Arrays rows, places;
  for (std::int64_t i = 0; i < count; ++i) {
    const Array indices = n.array(i), data = in_canonical_type(n.array(count + i));
    check<ShapeError>(indices.rank() <= data.rank(), "data must begin with the axes of its indices. Got {} and {}.",
                      data.aval(), indices.aval());
    Shape flat(data.shape().begin() + indices.rank(), data.shape().end());
    flat.insert(flat.begin(), Dim(indices.size()));
    rows.push_back(reshape(data, flat));
    places.push_back(indices);
  }
  const Array all = concatenate(rows, 0);
  const auto traced = std::ranges::find_if(places, [](const Array& x) { return !x.is_concrete(); });
  if (const auto size = bounded_size(n, traced == places.end() ? places[0] : *traced, "the indices")) {
    for (Array& at : places) at = reshape(at, {Dim(at.size())});
    return bounded_stitch(n, all, concatenate(places, 0), *size);
  }
  std::vector<std::int64_t> values;
  for (const Array& at : places) {
    const auto more = at.to_vector<std::int64_t>();
    values.insert(values.end(), more.begin(), more.end());
  }
  std::int64_t size = 0;
  for (const std::int64_t v : values) {
    check(v >= 0 && v < Node::kHighest, "an index is out of range. Got {}.", v);
    size = std::max(size, v + 1);
  }
  Shape result = all.shape();
  result[0] = Dim(size);
  check_sizes(result, n.op());
  // Which row of all each row of the result is; those that nobody gives are zeros.
  std::vector<std::int64_t> from(size, std::ssize(values));
  for (std::size_t i = 0; i < values.size(); ++i) from[values[i]] = static_cast<std::int64_t>(i);
  Shape filled = all.shape();
  filled[0] = Dim(1);
  const Array padded = concatenate({all, zeros(filled, all.dtype())}, 0);
  return {take(padded, known_vector(from, i32), 0)};
}

// The indices of the elements that are not zero, row by row. Their number is data: the operand is known, or bounded.
Values where_node(Node& n) {
  const Array x = n.array(0);
  if (const auto size = bounded_size(n, x, "the elements")) return bounded_where(n, x, *size);
  const Coordinates found = nonzero(x);
  const Array all = known_integers(found.values, {found.count, x.rank()}, DType::i64);
  return {n.on_host() ? all : in_canonical_type(all)};
}

// The elements of a vector as keys of containers. 0 and -0 are one value, and no NaN is another's equal: it has no key.
class Keys {
 public:
  explicit Keys(const Array& x)
      : values_(is_floating(x.dtype()) ? x + 0 : x),
        width_(itemsize(x.dtype())),
        is_nan_(is_floating(x.dtype()) ? isnan(x).to_vector<std::uint8_t>() : std::vector<std::uint8_t>(x.size())) {}
  std::optional<std::string_view> operator[](std::size_t i) const {
    if (is_nan_[i]) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(values_.bytes().data()) + i * width_, width_);
  }
  std::size_t size() const { return is_nan_.size(); }

 private:
  Array values_;
  std::size_t width_;
  std::vector<std::uint8_t> is_nan_;
};

// Distinct values in order of first appearance, where each element's value stands among them, and how many there are of
// each.
Values unique(Node& n) {
  const DType index_type = n.attr<DType>("out_idx");
  const Array x = n.array(0);
  const bool counted = n.op().starts_with("UniqueWithCounts");
  if (n.num_inputs() > 1) {
    const Axes axis = n.integers(1);
    if (!axis.empty() && !(x.rank() == 1 && (axis[0] == 0 || axis[0] == -1)))
      n.fail("an axis is not implemented for arrays of more than one axis.");
  }
  check<ShapeError>(x.rank() == 1, "the operand must be a vector. Got {}.", x.aval());
  if (const auto size = bounded_size(n, x, "the elements")) return bounded_unique(n, x, *size, index_type, counted);
  const Keys keys(x);
  std::map<std::string_view, std::int64_t> seen;
  std::vector<std::int64_t> first, where, counts;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::int64_t next = std::ssize(first);
    const auto key = keys[i];
    const std::int64_t at = key ? seen.try_emplace(*key, next).first->second : next;
    if (at == next) first.push_back(static_cast<std::int64_t>(i)), counts.push_back(0);
    ++counts[at];
    where.push_back(at);
  }
  Values out{take(x, known_vector(first, i32), 0), known_vector(where, index_type)};
  if (counted) out.push_back(known_vector(counts, index_type));
  return out;
}

// The elements of x that y lacks, and where they stand.
Values list_diff(Node& n) {
  const DType index_type = n.attr<DType>("out_idx");
  const Array x = n.array(0, 1, 1), y = n.array(1, 1, 1);
  check<DtypeError>(x.dtype() == y.dtype(), "the dtypes differ. Got {} and {}.", x.aval(), y.aval());
  if (const auto size = bounded_size(n, x.is_concrete() ? y : x, "the elements"))
    return bounded_difference(n, x, y, *size, index_type);
  const Keys ours(x), others(y);
  std::set<std::string_view> theirs;
  for (std::size_t i = 0; i < others.size(); ++i)
    if (const auto key = others[i]) theirs.insert(*key);
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (const auto key = ours[i]; !key || !theirs.contains(*key)) kept.push_back(static_cast<std::int64_t>(i));
  return {take(x, known_vector(kept, i32), 0), known_vector(kept, index_type)};
}

// ---- boxes

// Intersection over union of box i with all; corners in any order. Source: non_max_suppression_op.cc.
Array overlaps(const Array& boxes, const Array& box) {
  const auto column = [](const Array& b, int i) { return slice_in_dim(b, i, i + 1, 1, b.rank() - 1); };
  const auto sides = [&](const Array& b) {
    return Arrays{minimum(column(b, 0), column(b, 2)), minimum(column(b, 1), column(b, 3)),
                  maximum(column(b, 0), column(b, 2)), maximum(column(b, 1), column(b, 3))};
  };
  const Arrays a = sides(boxes), b = sides(box);
  const auto area = [](const Arrays& s) { return mul(sub(s[2], s[0]), sub(s[3], s[1])); };
  const Array height = maximum(sub(minimum(a[2], b[2]), maximum(a[0], b[0])), 0.f);
  const Array width = maximum(sub(minimum(a[3], b[3]), maximum(a[1], b[1])), 0.f);
  const Array common = mul(height, width), total = sub(add(area(a), area(b)), common);
  const Array valid = logical_and(greater(area(a), 0.f), greater(area(b), 0.f));
  return squeeze(where(valid, divide(common, where(valid, total, 1.f)), 0.f), {1});
}

struct Kept {
  Array indices, scores, count;
};

// The best box that no better one overlaps by more than the threshold, again and again; with a sigma scores fade
// instead, whatever the overlap (Bodla et al., "Soft-NMS", 2017).
Kept suppress(const Array& boxes, const Array& scores, std::int64_t most, const Array& overlap_limit,
              const Array& score_limit, const Array& sigma) {
  const float none = -std::numeric_limits<float>::infinity();
  const Array left = where(greater(scores, score_limit), scores, none);
  const auto step = [&](const std::tuple<Array, Array, Array, Array>& state, const Array& i) {
    const auto& [now, indices, values, count] = state;
    const Array best = argmax(now, 0, i32), value = dynamic_index_in_dim(now, best, 0, false, false);
    const Array found = greater(value, none);
    const Array overlap = overlaps(boxes, expand_dims(dynamic_index_in_dim(boxes, best, 0, false, false), {0}));
    const Array fade = exp(divide(neg(mul(overlap, overlap)), mul(2.f, where(greater(sigma, 0.f), sigma, 1.f))));
    const Array faded = mul(now, fade), soft = where(greater(faded, score_limit), faded, none);
    const Array hard = where(greater(overlap, overlap_limit), none, now);
    Array next = where(greater(sigma, 0.f), soft, hard);
    next = where(equal(iota(i32, now.shape(), 0), best), none, next);
    const Array here = logical_and(equal(iota(i32, indices.shape(), 0), i), found);
    return std::tuple{where(found, next, now), where(here, best, indices), where(here, value, values),
                      add(count, astype(found, i32))};
  };
  std::tuple<Array, Array, Array, Array> state{left, zeros({most}, i32), zeros({most}, scores.dtype()), Array(0)};
  if (most > 0)
    state = fori_loop(
        0, static_cast<int>(most),
        [&](const Array& i, const std::tuple<Array, Array, Array, Array>& s) { return step(s, i); }, state);
  return {std::get<1>(state), std::get<2>(state), std::get<3>(state)};
}

Values non_max_suppression(Node& n) {
  n.ignore({"T_threshold"});
  const Array boxes = astype(n.array(0, 2, 2), f32), scores = astype(n.array(1, 1, 1), f32);
  check<ShapeError>(identical(boxes.shape()[1], Dim(4)) && identical(boxes.shape()[0], scores.shape()[0]),
                    "boxes and scores do not fit. Got {} and {}; expected [n,4] and [n].", boxes.aval(), scores.aval());
  const bool v4 = n.op() == "NonMaxSuppressionV4", v5 = n.op() == "NonMaxSuppressionV5";
  const bool pads = (v4 || v5) && n.attr<bool>("pad_to_max_output_size");
  const std::int64_t wanted = n.integer(2, 0);
  const std::int64_t most = std::min(wanted, boxes.shape()[0].value());
  const Array overlap =
      n.op() == "NonMaxSuppression" ? Array(n.attr<float>("iou_threshold")) : astype(n.scalar(3), f32);
  const bool has_limit = n.num_inputs() > 4;
  const Array limit = has_limit ? astype(n.scalar(4), f32) : Array(-std::numeric_limits<float>::infinity());
  const Kept kept = suppress(boxes, scores, most, overlap, limit, v5 ? astype(n.scalar(5), f32) : Array(0.f));
  Array indices = kept.indices, values = astype(kept.scores, canonical_dtype(n.array(1).dtype()));
  if (pads) {
    check_sizes({Dim(wanted)}, n.op());
    const auto padded = [&](const Array& x) { return pad(x, rules::scalar_of(x.dtype(), 0), {{0, wanted - most, 0}}); };
    indices = padded(indices);
    values = padded(values);
  } else if (const auto size = bounded_size(n, kept.count, "boxes and scores")) {
    indices = bounded_prefix(n, indices, kept.count, *size);
    values = bounded_prefix(n, values, kept.count, *size);
  } else {
    const auto count = kept.count.item<std::int64_t>();
    indices = slice_in_dim(indices, 0, count, 1, 0);
    values = slice_in_dim(values, 0, count, 1, 0);
  }
  if (v5) return {indices, values, kept.count};
  if (v4) return {indices, kept.count};
  return {indices};
}

// Of each image and each class, then the best of all classes. Boxes [batch, n, 1 or classes, 4], scores [batch, n,
// classes].
Values combined_suppression(Node& n) {
  const Array boxes = astype(n.array(0, 4, 4), f32), scores = astype(n.array(1, 3, 3), f32);
  const std::int64_t batch = scores.shape()[0].value(), count = scores.shape()[1].value(),
                     classes = scores.shape()[2].value(), sets = boxes.shape()[2].value();
  check<ShapeError>(
      identical(boxes.shape(), Shape{Dim(batch), Dim(count), Dim(sets), Dim(4)}) && (sets == 1 || sets == classes),
      "boxes and scores do not fit. Got {} and {}.", boxes.aval(), scores.aval());
  const std::int64_t per_class = std::min(n.integer(2, 0), count), most = n.integer(3, 0);
  const Array overlap = astype(n.scalar(4), f32), limit = astype(n.scalar(5), f32);
  const std::int64_t total = n.attr_or<bool>("pad_per_class", false) ? std::min(most, n.integer(2, 0) * classes) : most;
  check_sizes({Dim(batch), Dim(total), Dim(4)}, n.op());
  const Array lines = reshape(transpose(scores, {0, 2, 1}), {batch * classes, count});
  const Array all = broadcast_to(transpose(boxes, {0, 2, 1, 3}), {batch, classes, count, 4});
  const float none = -std::numeric_limits<float>::infinity();
  const auto of_class = [&](const Array& b, const Array& s) {
    const Kept kept = suppress(b, s, per_class, overlap, limit, Array(0.f));
    const Array is_kept = less(iota(i32, {Dim(per_class)}, 0), kept.count);
    return std::pair{take(b, kept.indices, 0), where(is_kept, kept.scores, none)};
  };
  auto [best, values] = vmap(of_class)(reshape(all, {batch * classes, count, 4}), lines);
  const std::int64_t found = classes * per_class, shown = std::min(total, found);
  const Array flat = reshape(values, {batch, found});
  const auto [top, at] = top_k(flat, shown);
  const Array is_set = greater(top, none);
  const Array chosen =
      take_along(reshape(best, {batch, found, 4}), broadcast_to(expand_dims(at, {2}), {batch, shown, 4}), 1);
  const Array inside = n.attr_or<bool>("clip_boxes", true) ? clamp(Array(0.f), chosen, Array(1.f)) : chosen;
  const auto padded = [&](const Array& x) {
    std::vector<PadAxis> by(x.rank(), PadAxis{0, 0, 0});
    by[1].high = total - shown;
    return pad(x, rules::scalar_of(x.dtype(), 0), by);
  };
  const Array number = astype(floor_divide(at, static_cast<std::int32_t>(std::max<std::int64_t>(per_class, 1))), f32);
  return {padded(where(expand_dims(is_set, {2}), inside, 0.f)), padded(where(is_set, top, 0.f)),
          padded(where(is_set, number, 0.f)), reduce_sum(astype(is_set, i32), {1})};
}

// ---- sparse tensors by their indices

Values sparse_to_dense(Node& n) {
  n.ignore({"validate_indices"});
  const Shape shape = n.sizes(1);
  const auto rank = static_cast<std::int64_t>(shape.size());
  Array indices = n.indices(0);
  if (indices.rank() == 0) indices = reshape(indices, {1, 1});
  if (indices.rank() == 1) indices = expand_dims(indices, {1});
  check<ShapeError>(indices.rank() == 2 && identical(indices.shape()[1], Dim(rank)),
                    "an index must name each axis. Got {}; expected rows of {}.", indices.aval(), rank);
  const Array fallback = in_canonical_type(n.scalar(3)),
              values = broadcast_to(in_canonical_type(n.array(2, 0, 1)), {indices.shape()[0]});
  return {scatter_windows(scatter, full(shape, fallback, values.dtype()), indices, values)};
}

Values sparse_dense_product(Node& n) {
  n.ignore({"Tindices"});
  const Array indices = n.indices(0), values = n.array(1, 1, 1);
  const Shape shape = n.sizes(2);
  Array dense = n.array(3, 2, 2);
  check<ShapeError>(shape.size() == 2 && indices.rank() == 2 && identical(indices.shape()[1], Dim(2)),
                    "the operand must be a matrix. Got indices {} and shape {}.", indices.aval(), to_string(shape));
  const bool adjoint_a = n.attr<bool>("adjoint_a");
  if (n.attr<bool>("adjoint_b")) dense = adjoint(dense);
  const auto column = [&](std::int64_t i) { return squeeze(slice_in_dim(indices, i, i + 1, 1, 1), {1}); };
  const Array rows = column(adjoint_a ? 1 : 0), columns = column(adjoint_a ? 0 : 1);
  const Array terms =
      mul(expand_dims(adjoint_a && is_complex(values.dtype()) ? conj(values) : values, {1}), take(dense, columns, 0));
  const Shape result{shape[adjoint_a ? 1 : 0], dense.shape()[1]};
  return {scatter_windows(scatter_add, zeros(result, terms.dtype()), expand_dims(rows, {1}), terms)};
}

}  // namespace

void add_value_shape_operations(ConverterTable& table) {
  table.add("Where", where_node);
  table.add("DynamicPartition", dynamic_partition);
  for (const char* op : {"DynamicStitch", "ParallelDynamicStitch"}) table.add(op, dynamic_stitch);
  for (const char* op : {"Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2"}) table.add(op, unique);
  table.add("ListDiff", list_diff);
  for (const char* op : {"NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4",
                         "NonMaxSuppressionV5"})
    table.add(op, non_max_suppression);
  table.add("CombinedNonMaxSuppression", combined_suppression);
  table.add("SparseToDense", sparse_to_dense);
  table.add("SparseTensorDenseMatMul", sparse_dense_product);
}

}  // namespace tf2jax::tf_import
