// Statistics of data with gaps: reductions that leave NaN out, and medians. Axes and dtypes are those of numpy.h.
#pragma once
#include "tf2jax/ops/numpy.h"

namespace tf2jax {

/// Sum (product) of the elements that are not NaN.
Array nansum(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
Array nanprod(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Largest (smallest) of the elements that are not NaN; NaN where there are none.
Array nanmax(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
Array nanmin(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Mean of the elements that are not NaN; NaN where there are none.
Array nanmean(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// The middle of the sorted elements, or the mean of the two around it; NaN where any is. Integers become floating.
/// Throws: ValueError where there are no elements; DtypeError for complex numbers.
Array median(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// How many elements are not zero: i32 (i64 with x64).
Array count_nonzero(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);

}  // namespace tf2jax
