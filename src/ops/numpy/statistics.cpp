// Statistics of data with gaps.
#include "tf2jax/ops/statistics.h"

#include <algorithm>
#include <cmath>

#include "tf2jax/ops/internal/axis_list.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax {

namespace {

// NaN is replaced; without NaN there is nothing to do.
Array without_missing(const Array& x, double by) {
  return is_inexact(x.dtype()) ? where(isnan(x), full_like(x, by), x) : x;
}
// A reduction of what is there, and NaN where nothing is.
template <class F>
Array of_present(const Array& x, double by, const AxisList& axes, KeepDims keep, F reduce) {
  const Array y = reduce(without_missing(x, by), axes, keep);
  if (!is_inexact(x.dtype())) return y;
  return where(all_true(isnan(x), axes, keep), full_like(y, NAN), y);
}

}  // namespace

Array nansum(const Array& x, const AxisList& axes, KeepDims keep) { return sum(without_missing(x, 0), axes, keep); }
Array nanprod(const Array& x, const AxisList& axes, KeepDims keep) { return prod(without_missing(x, 1), axes, keep); }
Array nanmax(const Array& x, const AxisList& axes, KeepDims keep) {
  return of_present(x, -INFINITY, axes, keep, [](const auto&... a) { return max(a...); });
}
Array nanmin(const Array& x, const AxisList& axes, KeepDims keep) {
  return of_present(x, INFINITY, axes, keep, [](const auto&... a) { return min(a...); });
}
Array nanmean(const Array& x, const AxisList& axes, KeepDims keep) {
  if (!is_inexact(x.dtype())) return mean(x, axes, keep);
  const Array present = astype(logical_not(isnan(x)), x.dtype());
  return divide(nansum(x, axes, keep), sum(present, axes, keep));
}

Array median(const Array& x, const AxisList& list, KeepDims keep) {
  check<DtypeError>(!is_complex(x.dtype()), "median: complex numbers are not ordered. Got {}.", x.aval());
  const Axes axes = resolve(x, list, "median");
  // The axes last, as one.
  Axes order;
  Shape kept;
  for (const std::int64_t a : iota_axes(x.rank()))
    if (std::ranges::find(axes, a) == axes.end()) {
      order.push_back(a);
      kept.push_back(x.shape()[a]);
    }
  const auto last = static_cast<std::int64_t>(kept.size());
  order.insert(order.end(), axes.begin(), axes.end());
  Dim count = 1;
  for (const std::int64_t a : axes) count *= x.shape()[a];
  check(count.value() > 0, "median: there is no middle of no elements. Got {} and axes {}.", x.aval(),
        tuple_string(axes));
  Shape rows = kept;
  rows.push_back(count);
  const Array y = to_inexact(x), sorted = sort(reshape(transpose(y, order), rows), last);
  const std::int64_t n = count.value(), low = (n - 1) / 2, high = n / 2;
  const auto at = [&](std::int64_t i) { return squeeze(slice_in_dim(sorted, i, i + 1, 1, last), {last}); };
  const Array middle = low == high ? at(low) : (at(low) + at(high)) * 0.5;
  const Array out = where(isnan(at(n - 1)), full_like(middle, NAN), middle);  // NaN is sorted last
  return restore(out, axes, keep);
}

Array count_nonzero(const Array& x, const AxisList& axes, KeepDims keep) {
  return sum(is_bool(x.dtype()) ? x : not_equal(x, 0), axes, keep);
}

}  // namespace tf2jax
