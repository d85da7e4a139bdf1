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

// The first `size` of the values where `is_set`, in order; what is missing, and all where there are more, is unknown.
Array selected(const Array& values, const Array& is_set, std::int64_t size, const Array& count) {
  const auto most = static_cast<std::int32_t>(size);
  const Array place = where(is_set, cumsum(astype(is_set, i32), 0) - 1, most);
  const Array unknown = unknown_like(zeros({Dim(size)}, values.dtype()));
  // Places behind the end are left out.
  return where(greater(count, most), unknown, unknown.at(minimum(place, most)).set(values));
}

// A call whose arguments are known has as many rows as there are: the bound serves programs of others.
Array counted(const Node& n, const Array& is_set, std::int64_t size) {
  const Array count = sum(astype(is_set, i32));
  n.interpreter().assume([&] { return equal(count, static_cast<std::int32_t>(size)); });
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

std::optional<std::int64_t> bounded_size(const Node& n, const Array& x, std::string_view what) {
  if (x.is_concrete()) return std::nullopt;
  const auto& sizes = n.interpreter().model().sizes;
  if (const auto it = sizes.find(n.name()); it != sizes.end()) {
    check(it->second >= 0 && it->second < Node::kHighest,
          "ConvertOptions::sizes: '{}' cannot have that many rows. Got {}; expected 0 to {}.", n.name(), it->second,
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

}  // namespace tf2jax::tf_import
