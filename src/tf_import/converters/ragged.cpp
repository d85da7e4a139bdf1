// Ragged tensors by the splits of their rows. How long rows are decides sizes, so the splits must be known; the values
// may be traced.
#include <algorithm>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

using Integers = std::vector<std::int64_t>;

// Each is written down, where files may claim any number.
constexpr std::int64_t kMaxRows = std::int64_t{1} << 24;

// Input `i` as splits: it begins with 0 and does not fall.
Integers splits_of(const Node& n, std::size_t i) {
  Integers splits = n.integers(i);
  const bool ok = !splits.empty() && splits[0] == 0 && std::ranges::is_sorted(splits);
  check(ok, "input {} must be row splits, which begin with 0 and do not fall. Got {}.", i,
        tuple_string(Dims(splits.begin(), splits.end())));
  return splits;
}

// Where each row stands in a dense array, level by level.
class Rows {
 public:
  explicit Rows(const Node& n) : n_(n) {}

  void begin(std::int64_t size) {
    checked_count(size, kMaxRows, "rows of a ragged tensor");
    widest.push_back(size);
    for (std::int64_t i = 0; i < size; ++i) rows.push_back({i});
  }
  /// The rows' elements, which are rows themselves: `parents` says whose each is.
  void descend(const Integers& parents) {
    std::vector<Integers> next;
    Integers used(rows.size());
    std::int64_t width = 0;
    for (const std::int64_t p : parents) {
      check(p >= 0 && p < std::ssize(rows), "a row is out of range. Got {} of {}.", p, rows.size());
      next.push_back(rows[p]);
      next.back().push_back(used[p]++);
      width = std::max(width, used[p]);
    }
    widest.push_back(width);
    rows = std::move(next);
  }
  /// `most`: how many rows there are below at most, which the file shows and the splits only claim.
  void descend_by_splits(const Integers& splits, std::int64_t most) {
    if (rows.empty() && widest.empty()) begin(std::ssize(splits) - 1);
    check<ShapeError>(std::ssize(splits) == std::ssize(rows) + 1, "the splits do not fit the rows. Got {} for {}.",
                      splits.size(), rows.size());
    check<ShapeError>(splits.back() <= most, "the splits have more rows than there are. Got {} of {}.", splits.back(),
                      most);
    Integers parents;
    checked_count(splits.back(), kMaxRows, "rows of a ragged tensor");
    for (std::int64_t r = 0; r + 1 < std::ssize(splits); ++r)
      parents.insert(parents.end(), splits[r + 1] - splits[r], r);
    descend(parents);
  }
  std::int64_t rank() const { return std::ssize(widest); }
  Array positions(DType type) const {
    Integers flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    return known_integers(flat, {std::ssize(rows), rank()}, type);
  }

  std::vector<Integers> rows;
  Dims widest;

 private:
  const Node& n_;
};

// The number of values.
std::int64_t count_of(const Array& values) {
  return values.shape()[0].is_constant() ? values.shape()[0].value() : kMaxRows;
}

// Inputs: shape (-1: as wide as the widest row), values, default, row partitions.
Values to_dense(Node& n) {
  n.ignore({"Tindex", "Tshape"});
  const auto types = n.attr<std::vector<std::string>>("row_partition_types");
  const auto count = n.attr_integer("num_row_partition_tensors", 1, 64);
  check(std::ssize(types) == count && n.num_inputs() == types.size() + 3,
        "there must be one type for each partition. Got {} of {}.", types.size(), count);
  const Array values = in_canonical_type(n.array(1, 1)), fallback = in_canonical_type(n.array(2));
  Rows r(n);
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] == "ROW_SPLITS") {
      const bool last = i + 1 == types.size();
      r.descend_by_splits(splits_of(n, 3 + i), last ? count_of(values) : std::ssize(n.integers(4 + i)));
    } else if (types[i] == "FIRST_DIM_SIZE") {
      check(i == 0, "FIRST_DIM_SIZE must come first. Got it at {}.", i);
      r.begin(n.integer(3));
    } else if (types[i] == "VALUE_ROWIDS") {
      check(i > 0, "VALUE_ROWIDS needs FIRST_DIM_SIZE before it.");
      r.descend(n.integers(3 + i));
    } else {
      n.fail("row partitions by '" + types[i] + "' are not implemented.");
    }
  }
  check<ShapeError>(identical(values.shape()[0], Dim(r.rows.size())), "there must be {} values. Got {}.", r.rows.size(),
                    values.aval());
  Shape shape = symbolic(r.widest);
  if (const Integers wanted = n.shape_of(0).empty() ? Integers() : n.integers(0); !wanted.empty())
    for (std::size_t i = 0; i < std::min(shape.size(), wanted.size()); ++i)
      if (wanted[i] >= 0) shape[i] = Dim(wanted[i]);
  shape.insert(shape.end(), values.shape().begin() + 1, values.shape().end());
  check_sizes(shape, n.op());
  const Array start = broadcast_to(astype(fallback, values.dtype()), shape);
  return {r.rows.empty() ? start : scatter_windows(scatter, start, r.positions(i32), values)};
}

// How many steps of `delta` lead from start to before limit; at most Node::kHighest of them count.
std::int64_t steps_between(std::int64_t start, std::int64_t limit, std::int64_t delta) {
  if (delta > 0 ? limit <= start : limit >= start) return 0;
  const auto unsigned_of = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  const std::uint64_t way =
                          delta > 0 ? unsigned_of(limit) - unsigned_of(start) : unsigned_of(start) - unsigned_of(limit),
                      step = delta > 0 ? unsigned_of(delta) : -unsigned_of(delta);
  const std::uint64_t steps = way / step + (way % step != 0 ? 1 : 0);
  check<ResourceExhaustedError>(std::cmp_less_equal(steps, Node::kHighest),
                                "a range is too long. Got {} steps; expected at most {}.", steps, Node::kHighest);
  return static_cast<std::int64_t>(steps);
}

// Numbers from each start to each limit. Inputs: starts, limits, deltas.
Values range(Node& n) {
  n.ignore({"Tsplits"});
  const DType type = n.attr_or<DType>("T", i32), split_type = n.attr_or<DType>("Tsplits", i64);
  check<NotImplementedError>(is_integer(type), "ragged ranges of {} are not implemented.", type);
  const Integers starts = n.integers(0), limits = n.integers(1), deltas = n.integers(2);
  const std::size_t rows = std::max({starts.size(), limits.size(), deltas.size()});
  const auto at = [&](const Integers& v, std::size_t i) {
    check<ShapeError>(v.size() == 1 || v.size() == rows, "starts, limits and deltas have different lengths.");
    return v[v.size() == 1 ? 0 : i];
  };
  Integers splits{0}, values;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::int64_t start = at(starts, i), limit = at(limits, i), delta = at(deltas, i);
    check(delta != 0, "a delta is 0.");
    const std::int64_t steps = steps_between(start, limit, delta);
    checked_count(splits.back() + steps, kMaxRows, "numbers of ragged ranges");
    for (std::int64_t k = 0, v = start; k < steps; ++k) {
      values.push_back(v);
      if (k + 1 < steps) v += delta;  // one more might leave the type
    }
    splits.push_back(splits.back() + steps);
  }
  return {Value(known_vector(splits, split_type), true), Value(known_vector(values, type), true)};
}

// Rows of a ragged tensor at known indices. Inputs: its splits, values, indices.
Values gather(Node& n) {
  n.ignore({"Tsplits"});
  const auto depth = n.attr_integer("PARAMS_RAGGED_RANK", 1, 64);
  n.ignore({"OUTPUT_RAGGED_RANK"});
  const Array values = in_canonical_type(n.array(depth, 1));
  Integers rows = n.integers(depth + 1);
  const Shape& shape = n.shape_of(depth + 1);
  Values out;
  // Axes of the indices but the first are rows of one length.
  std::int64_t outer = shape.empty() ? 1 : shape[0].value();
  for (std::size_t axis = 1; axis < shape.size(); ++axis) {
    Integers splits{0};
    splits.reserve(static_cast<std::uint64_t>(outer) + 1);
    for (std::int64_t i = 0; i < outer; ++i) splits.push_back(splits.back() + shape[axis].value());
    out.push_back(Value(known_vector(splits, i64), true));
    outer *= shape[axis].value();
  }
  std::vector<Integers> levels;
  for (std::int64_t level = 0; level < depth; ++level) levels.push_back(splits_of(n, level));
  for (std::int64_t level = 0; level < depth; ++level) {
    const Integers& splits = levels[level];
    Integers next{0}, children;
    const Dim below = level + 1 < depth ? Dim(levels[level + 1].size() - 1) : values.shape()[0];
    check(definitely_ge(below, Dim(splits.back())).value_or(true), "the splits of level {} go too far. Got {} of {}.",
          level, splits.back(), below);
    for (const std::int64_t r : rows) {
      check(r >= 0 && r + 1 < std::ssize(splits), "an index is out of range. Got {} of {} rows.", r, splits.size() - 1);
      checked_count(std::ssize(children) + splits[r + 1] - splits[r], kMaxRows, "rows of a ragged tensor");
      for (std::int64_t k = splits[r]; k < splits[r + 1]; ++k) children.push_back(k);
      next.push_back(static_cast<std::int64_t>(children.size()));
    }
    out.push_back(Value(known_vector(next, i64), true));
    rows = std::move(children);
  }
  out.push_back(take(values, known_vector(rows, i32), 0));
  return out;
}

// Inputs: splits, values. Outputs: indices, values, shape.
Values to_sparse(Node& n) {
  n.ignore({"Tsplits"});
  const auto depth = n.attr_integer("RAGGED_RANK", 1, 64);
  const Array values = in_canonical_type(n.array(depth, 1));
  check<NotImplementedError>(values.rank() == 1, "ragged tensors with inner axes are not implemented. Got values {}.",
                             values.aval());
  Rows r(n);
  for (std::int64_t level = 0; level < depth; ++level)
    r.descend_by_splits(splits_of(n, level), level + 1 == depth ? count_of(values) : std::ssize(n.integers(level + 1)));
  check<ShapeError>(identical(values.shape()[0], Dim(r.rows.size())), "there must be {} values. Got {}.", r.rows.size(),
                    values.aval());
  return {Value(r.positions(i64), true), values, Value(known_vector(r.widest, i64), true)};
}

}  // namespace

void add_ragged_operations(ConverterTable& table) {
  table.add("RaggedTensorToTensor", to_dense);
  table.add("RaggedRange", range);
  table.add("RaggedGather", gather);
  table.add("RaggedTensorToSparse", to_sparse);
}

}  // namespace tf2jax::tf_import
