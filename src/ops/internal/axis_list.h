// Axes of NumPy-like reductions.
#pragma once
#include <string_view>

#include "tf2jax/ops/numpy.h"

namespace tf2jax {

/// The axes of `list`, not counted from the end; all of x's where none are given. Throws: AxisError.
inline Axes resolve(const Array& x, const AxisList& list, std::string_view where) {
  return list.given ? normalize_axes(list.axes, x.rank(), where) : iota_axes(x.rank());
}
/// What was reduced over `axes`, with size 1 there where they are kept.
inline Array restore(const Array& reduced, const Axes& axes, KeepDims keep) {
  return keep == KeepDims::no || axes.empty() ? reduced : expand_dims(reduced, axes);
}

}  // namespace tf2jax
