// Positions in sorted rows.
#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

// Halves the range of each value once a step: how many elements of its sorted row come before it.
Array positions(const Array& rows, const Array& values, bool upper) {
  const std::int64_t n = rows.shape()[1].value();
  Array low = zeros(values.shape(), i32), high = full(values.shape(), Array(static_cast<std::int32_t>(n)));
  if (n == 0) return low;
  for (std::int64_t left = n; left > 0; left /= 2) {
    const Array middle = shift_right_logical(add(low, high), 1);
    const Array there = take_along(rows, minimum(middle, static_cast<std::int32_t>(n - 1)), 1);
    const Array before = upper ? less_equal(there, values) : less(there, values);
    const Array open = less(low, high);
    low = where(logical_and(open, before), add(middle, 1), low);
    high = where(logical_and(open, logical_not(before)), middle, high);
  }
  return low;
}

template <bool upper>
Values bound(Node& n) {
  if (n.attr<DType>("out_type") != i32)
    raise<ValueError>("Return type <dtype: '{}'> not supported for LowerBound and UpperBound.",
                      numpy_name(n.attr<DType>("out_type")));
  return {positions(n.array(0, 2, 2), n.array(1, 2, 2), upper)};
}

// Whether elements exceed a threshold, eight of the last axis to a byte, the first in the highest bit.
Values compare_and_pack(Node& n) {
  const Array x = n.array(0, 1), threshold = n.scalar(1);
  const Dim size = x.shape().back();
  check<ShapeError>(size.is_constant() && size.value() % 8 == 0,
                    "the last axis must have a multiple of 8 elements. Got {}.", x.aval());
  const Array set = is_bool(x.dtype()) ? x : greater(x, threshold);
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.insert(shape.end(), {Dim(size.value() / 8), Dim(8)});
  const std::int64_t weights[] = {128, 64, 32, 16, 8, 4, 2, 1};
  const Array bits = mul(astype(reshape(set, shape), i32), known_integers(weights, {8}, i32));
  return {astype(reduce_sum(bits, {static_cast<std::int64_t>(shape.size()) - 1}), u8)};
}

}  // namespace

Array upper_bounds(const Array& rows, const Array& values) { return positions(rows, values, true); }

void add_search_operations(ConverterTable& table) {
  table.add("LowerBound", bound<false>);
  table.add("CompareAndBitpack", compare_and_pack);
  table.add("UpperBound", bound<true>);
}

}  // namespace tf2jax::tf_import
