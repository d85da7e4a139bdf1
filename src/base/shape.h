// Shapes and axes: lists of dimensions, and the few questions every rule asks of them.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tf2jax/base/dim.h"

namespace tf2jax {

using Shape = std::vector<Dim>;
using Dims = std::vector<std::int64_t>;  // a concrete shape
using Axes = std::vector<std::int64_t>;

/// Element count; 1 for a scalar.
Dim num_elements(std::span<const Dim> shape);
std::int64_t num_elements(std::span<const std::int64_t> dims);
inline Dim num_elements(const Shape& s) { return num_elements(std::span<const Dim>(s)); }
inline std::int64_t num_elements(const Dims& s) { return num_elements(std::span<const std::int64_t>(s)); }
/// The sizes as integers. Throws: InconclusiveDimensionOperation when one is symbolic.
Dims concrete(const Shape& shape);
Shape symbolic(std::span<const std::int64_t> dims);
bool is_concrete(const Shape& shape);
/// Equal as expressions (never throws), and so is `==` of shapes, unlike that of their sizes.
bool identical(const Shape& a, const Shape& b);
inline bool operator==(const Shape& a, const Shape& b) { return identical(a, b); }
/// Row-major strides, in elements.
Dims row_major_strides(std::span<const std::int64_t> dims);
/// Prints as a Python tuple: "(2, 3)", "(3,)", "()".
std::string to_string(const Shape& shape);
std::string tuple_string(std::span<const std::int64_t> values);

/// Brings `axis` into [0, rank). Throws: AxisError naming `where`.
std::int64_t normalize_axis(std::int64_t axis, std::int64_t rank, std::string_view where);
/// Normalises, rejects repeats, sorts. Throws: AxisError.
Axes normalize_axes(const Axes& axes, std::int64_t rank, std::string_view where);
/// 0, 1, …, n-1.
Axes iota_axes(std::int64_t n, std::int64_t start = 0);
bool contains(const Axes& axes, std::int64_t axis);
/// The axes of [0, rank) that are not in `axes`.
Axes other_axes(const Axes& axes, std::int64_t rank);
Axes inverse_permutation(const Axes& permutation);

/// NumPy broadcasting of the shapes. Throws: ShapeError naming `where`.
Shape broadcast_shapes(std::span<const Shape> shapes, std::string_view where);

}  // namespace tf2jax
