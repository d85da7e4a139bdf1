// Results whose sizes are data, in programs.
#include "tf2jax/tf_import/internal/bounded_sizes.h"

#include <algorithm>
#include <limits>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

namespace tf2jax::tf_import {

namespace {

Array positions(const Array& x) { return iota(i32, {num_elements(x.shape())}, 0); }
Array lowest(DType dtype) { return rules::extreme(dtype, true); }

Array unknown_rows(const Array& values, std::int64_t size) {
  Shape shape = values.shape();
  shape[0] = Dim(size);
  return unknown_like(zeros(shape, values.dtype()));
}
// Along the first axis of `rows`.
Array along_rows(const Array& vector, const Array& rows) { return broadcast_in_dim(vector, rows.shape(), {0}); }

// The first `size` of the values where `is_set`, in order; what is missing, and all where there are more, is unknown.
Array selected(const Array& values, const Array& is_set, std::int64_t size, const Array& count) {
  const auto most = static_cast<std::int32_t>(size);
  const Array place = where(is_set, cumsum(astype(is_set, i32), 0) - 1, most);
  const Array unknown = unknown_rows(values, size);
  // Places behind the end are left out.
  return where(greater(count, most), unknown, unknown.at(minimum(place, most)).set(values));
}

// A call whose arguments are known has as many rows as there are: the bound serves programs of others.
void assume_rows(const Node& n, const Array& count, std::int64_t size) {
  n.interpreter().assume([&] { return equal(count, static_cast<std::int32_t>(size)); });
}
Array counted(const Node& n, const Array& is_set, std::int64_t size) {
  const Array count = sum(astype(is_set, i32));
  assume_rows(n, count, size);
  return count;
}

}  // namespace

Array unknown_like(const Array& x) {
  if (is_bool(x.dtype())) return ones_like(x);
  if (is_integer(x.dtype())) return full_like(x, rules::extreme(x.dtype(), is_signed_integer(x.dtype())));
  return full_like(x, Array(std::numeric_limits<double>::quiet_NaN()));
}

Array known(const Node& n, Array x, std::string_view what, std::string_view remedy) {
  check<ConcretizationError>(x.is_concrete(),
                             "import '{}' ({}): the sizes of the results depend on {}, {}, which is traced. {}",
                             n.name(), n.op(), what, x.aval(), remedy);
  return x;
}

std::optional<std::int64_t> bounded_size(const Node& n, const Array& x, std::string_view what,
                                         std::optional<std::size_t> output) {
  if (x.is_concrete()) return std::nullopt;
  const auto& sizes = n.interpreter().model().sizes;
  auto it = output ? sizes.find(fmt::format("{}:{}", n.name(), *output)) : sizes.end();
  if (it == sizes.end()) it = sizes.find(n.name());
  if (it != sizes.end()) {
    check(it->second >= 0 && it->second < Node::kHighest,
          "ConvertOptions::sizes: '{}' cannot have that many rows. Got {}; expected 0 to {}.", it->first, it->second,
          Node::kHighest - 1);
    return it->second;
  }
  (void)known(n, x, what,
              "Call without jit, pass it as a constant, or say in ConvertOptions::sizes how many rows the node has.");
  return std::nullopt;
}

Values bounded_where(const Node& n, const Array& x, std::int64_t size) {
  check_sizes({Dim(size), Dim(x.rank())}, n.op());
  const Array is_set = ravel(astype(x, DType::bool_)), count = counted(n, is_set, size);
  const Array flat = selected(positions(x), is_set, size, count);
  const Array is_known = greater_equal(flat, 0);
  Dims sizes = x.dims();
  for (std::int64_t& d : sizes) d = std::max<std::int64_t>(d, 1);
  Arrays columns = unravelled(flat, sizes);
  for (Array& at : columns) at = where(is_known, at, lowest(i32));
  const DType type = canonical_dtype(DType::i64);
  const Array rows = columns.empty() ? zeros({Dim(size), 0}, i32) : stack(columns, 1);
  // The lowest of the wider type stays what it is.
  return {where(less(rows, 0), lowest(type), astype(rows, type))};
}

Values bounded_unique(const Node& n, const Array& x, std::int64_t size, DType index_type, bool counts) {
  check_sizes({Dim(size)}, n.op());
  // Equal elements stand together after a stable sort, the first of each group in front.
  const Array order = argsort(x, 0), sorted = take(x, order, 0);
  const Array begins = concatenate({ones({std::min<std::int64_t>(x.size(), 1)}, DType::bool_),
                                    not_equal(slice_in_dim(sorted, 1, std::max<std::int64_t>(x.size(), 1), 1, 0),
                                              slice_in_dim(sorted, 0, std::max<std::int64_t>(x.size() - 1, 0), 1, 0))},
                                   0);
  const Array is_first = zeros({Dim(x.size())}, DType::bool_).at(order).set(begins);
  const Array count = counted(n, is_first, size), rank = cumsum(astype(is_first, i32), 0) - 1;
  const Array leader = take(order, cummax(where(begins, positions(x), 0), 0), 0);
  const Array index = zeros({Dim(x.size())}, i32).at(order).set(take(rank, leader, 0));
  const auto most = static_cast<std::int32_t>(size);
  const DType type = canonical_dtype(index_type);
  Values out{selected(x, is_first, size, count), where(less(index, most), astype(index, type), lowest(type))};
  if (counts) out.push_back(zeros({Dim(size)}, type).at(index).add(ones({Dim(x.size())}, type)));
  return out;
}

Values bounded_difference(const Node& n, const Array& x, const Array& y, std::int64_t size, DType index_type) {
  check_sizes({Dim(size)}, n.op());
  check_sizes({Dim(x.size()), Dim(y.size())}, n.op());
  const Array is_kept = logical_not(reduce_or(equal(expand_dims(x, {1}), expand_dims(y, {0})), {1}));
  const Array count = counted(n, is_kept, size);
  const Array at = astype(positions(x), canonical_dtype(index_type));
  return {selected(x, is_kept, size, count), selected(at, is_kept, size, count)};
}

Values bounded_partition(const Node& n, const Array& rows, const Array& parts, const std::vector<std::int64_t>& sizes) {
  const auto last = static_cast<std::int32_t>(sizes.size()) - 1;
  const Array is_wrong = reduce_or(logical_or(less(parts, 0), greater(parts, last)), {0});
  n.interpreter().assume([&] { return logical_not(is_wrong); });
  Values out;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    Shape shape = rows.shape();
    shape[0] = Dim(sizes[k]);
    check_sizes(shape, n.op());
    const Array is_mine = equal(parts, static_cast<std::int32_t>(k));
    const Array count = counted(n, is_mine, sizes[k]);
    out.emplace_back(where(is_wrong, unknown_rows(rows, sizes[k]), selected(rows, is_mine, sizes[k], count)));
  }
  return out;
}

Values bounded_stitch(const Node& n, const Array& rows, const Array& indices, std::int64_t size) {
  Shape shape = rows.shape();
  shape[0] = Dim(size);
  check_sizes(shape, n.op());
  const Array count = reduce_max(concatenate({indices, full({1}, -1, indices.dtype())}, 0), {0}) + 1;
  assume_rows(n, count, size);
  const auto most = static_cast<std::int32_t>(size);
  // Which row each row of the result is, the last of several; places behind the end are left out.
  const Array place = where(less(indices, 0), most, minimum(indices, most));
  const Array from = full({Dim(size)}, -1, i32).at(place).max(positions(indices));
  const Array unknown = unknown_rows(rows, size);
  const Array is_given = logical_and(greater_equal(from, 0), less_equal(count, most));
  const Array padded = concatenate({rows, unknown_rows(rows, 1)}, 0);
  const auto none = static_cast<std::int32_t>(indices.size());
  return {where(along_rows(is_given, unknown), take(padded, where(less(from, 0), none, from), 0), unknown)};
}

Array bounded_prefix(const Node& n, const Array& values, const Array& count, std::int64_t size) {
  check_sizes({Dim(size)}, n.op());
  assume_rows(n, count, size);
  const std::int64_t have = values.size();
  const Array filled = pad(values, rules::scalar_of(values.dtype(), 0), {{0, size - have, 0}});
  const Array is_there = less(positions(filled), where(greater(count, static_cast<std::int32_t>(size)), 0, count));
  return where(is_there, filled, unknown_like(filled));
}

}  // namespace tf2jax::tf_import
