// Which axes of arguments tell the dimension variables of their shapes.
#pragma once
#include <string>
#include <vector>

#include "tf2jax/base/symbolic_scope.h"

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

/// Whether a dimension is a variable alone.
bool is_variable(Dim d);
/// The variables of these shapes, sorted.
std::vector<std::string> variables_of(const std::vector<Shape>& shapes);
/// The constraints of their scope on these variables alone.
std::vector<SymbolicConstraint> constraints_on(const std::vector<Shape>& shapes);
/// "Input shapes do not match the symbolic shape constraint a >= b. Expected 'a - b' to be greater or equal to 0".
std::string violation_text(const SymbolicConstraint& constraint);

}  // namespace tf2jax
