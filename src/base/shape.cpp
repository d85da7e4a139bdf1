// Shapes and axes.
#include "tf2jax/base/shape.h"

#include "tf2jax/base/shown.h"

#include <algorithm>
#include <numeric>

namespace tf2jax {

Dim num_elements(std::span<const Dim> shape) {
  Dim n = 1;
  for (const Dim d : shape) n *= d;
  return n;
}

std::int64_t num_elements(std::span<const std::int64_t> dims) {
  std::int64_t n = 1;
  for (const auto d : dims) {
    check<ShapeError>(!__builtin_mul_overflow(n, d, &n),
                      "num_elements: the shape has too many elements. Got {}; expected at most 2^63 - 1.", shown(dims));
  }
  return n;
}

Dims concrete(const Shape& shape) {
  Dims dims;
  dims.reserve(shape.size());
  for (const Dim d : shape) dims.push_back(d.value());
  return dims;
}

Shape symbolic(std::span<const std::int64_t> dims) { return Shape(dims.begin(), dims.end()); }

bool is_concrete(const Shape& shape) { return std::ranges::all_of(shape, &Dim::is_constant); }

bool identical(const Shape& a, const Shape& b) {
  return std::ranges::equal(a, b, [](Dim x, Dim y) { return identical(x, y); });
}

Dims row_major_strides(std::span<const std::int64_t> dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

namespace {
template <class Range>
std::string tuple_text(const Range& values) {
  std::string text = "(";
  for (std::size_t i = 0; i < values.size(); ++i) text += fmt::format("{}{}", i ? ", " : "", values[i]);
  return text + (values.size() == 1 ? ",)" : ")");
}
}  // namespace

std::string to_string(const Shape& shape) { return tuple_text(shape); }
std::string tuple_string(std::span<const std::int64_t> values) { return tuple_text(values); }

std::int64_t normalize_axis(std::int64_t axis, std::int64_t rank, std::string_view where) {
  check<AxisError>(-rank <= axis && axis < rank,
                   "{0}: axis {1} is out of bounds for array of dimension {2}. Expected -{2} <= axis < {2}.", where,
                   axis, rank);
  return axis < 0 ? axis + rank : axis;
}

Axes normalize_axes(const Axes& axes, std::int64_t rank, std::string_view where) {
  Axes result;
  for (const auto axis : axes) result.push_back(normalize_axis(axis, rank, where));
  std::ranges::sort(result);
  check<AxisError>(std::ranges::adjacent_find(result) == result.end(),
                   "{}: duplicate value in 'axis'. Got {} for rank {}; expected distinct axes.", where,
                   tuple_string(axes), rank);
  return result;
}

Axes iota_axes(std::int64_t n, std::int64_t start) {
  Axes axes(std::max<std::int64_t>(n, 0));
  std::iota(axes.begin(), axes.end(), start);
  return axes;
}

bool contains(const Axes& axes, std::int64_t axis) { return std::ranges::find(axes, axis) != axes.end(); }

Axes other_axes(const Axes& axes, std::int64_t rank) {
  Axes rest;
  for (std::int64_t i = 0; i < rank; ++i) {
    if (!contains(axes, i)) rest.push_back(i);
  }
  return rest;
}

Axes inverse_permutation(const Axes& permutation) {
  Axes inverse(permutation.size());
  for (std::size_t i = 0; i < permutation.size(); ++i) inverse[permutation[i]] = static_cast<std::int64_t>(i);
  return inverse;
}

Shape broadcast_shapes(std::span<const Shape> shapes, std::string_view where) {
  std::size_t rank = 0;
  for (const auto& s : shapes) rank = std::max(rank, s.size());
  Shape result(rank, Dim(1));
  for (const auto& s : shapes) {
    const std::size_t offset = rank - s.size();
    for (std::size_t i = 0; i < s.size(); ++i) {
      Dim& out = result[offset + i];
      if (identical(s[i], Dim(1)) || identical(s[i], out)) continue;
      if (identical(out, Dim(1))) {
        out = s[i];
        continue;
      }
      if (definitely_equal(out, s[i]).value_or(false)) continue;
      std::string all;
      for (const auto& t : shapes) all += (all.empty() ? "" : ", ") + to_string(t);
      raise<ShapeError>(
          "{}: Incompatible shapes for broadcasting: {}. Expected axis sizes that are equal or 1; axis {} has {} and "
          "{}.",
          where, all, offset + i, out, s[i]);
    }
  }
  return result;
}

}  // namespace tf2jax
