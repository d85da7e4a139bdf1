// Where known arrays are not zero.
#pragma once
#include <cstdint>
#include <vector>

#include "tf2jax/trace/array.h"

namespace tf2jax {

/// The coordinates of elements, as many as the array has axes for each, one element after the other.
struct Coordinates {
  std::int64_t count = 0;
  std::vector<std::int64_t> values;
};
/// Of the elements of a known array that are not zero, row by row.
Coordinates nonzero(const Array& x);

}  // namespace tf2jax
