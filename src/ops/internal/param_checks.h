// Checks of static parameters that aval rules share. Kernels and the compiler rely on them: a parameter may come from a
// text or a file.
#pragma once
#include <string_view>

#include "tf2jax/base/shape.h"
#include "tf2jax/trace/aval.h"

namespace tf2jax::rules {

/// True when the axes are distinct ones in [0, rank).
bool are_axes(const Axes& axes, std::int64_t rank);
/// True when an axis is in both.
bool overlap(const Axes& a, const Axes& b);
/// Throws: AxisError naming the parameter unless `axes` are distinct axes of `x`, not counted from the end.
void check_axes(std::string_view name, std::string_view parameter, const Axes& axes, const Aval& x);
/// Throws: ShapeError naming the parameter when a size is negative.
void check_sizes(std::string_view name, std::string_view parameter, const Shape& sizes);

}  // namespace tf2jax::rules
