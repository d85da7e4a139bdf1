// Which axes of arguments tell the dimension variables of their shapes.
#pragma once
#include <string>
#include <vector>

#include "tf2jax/base/shape.h"

namespace tf2jax {

/// A dimension variable that an axis of an argument tells: factor * variable + rest = size.
struct DimSource {
  std::string variable;
  std::size_t argument = 0;
  std::int64_t axis = 0;
  Dim rest;  // of variables that are known before it
  std::int64_t factor = 1;
};
/// How the variables of these shapes follow from sizes, in order. Throws: ValueError when one does not.
std::vector<DimSource> solve_dims(const std::vector<Shape>& shapes);

}  // namespace tf2jax
