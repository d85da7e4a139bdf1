// Equations that give an operand as it is.
#pragma once
#include <functional>
#include <optional>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// An equation by the types of its operands and results.
struct TypedEquation {
  const Primitive& primitive;
  const EquationParams& params;
  const Avals &operands, &results;
};
/// Whether operand i is known to be the number x, a scalar.
using IsNumber = std::function<bool(std::size_t i, double x)>;

/// A concrete scalar of that value, neither complex nor -0.
bool is_scalar_number(const Array& a, double x);

/// Whether some equation of the primitive may be one.
bool has_identity(const Primitive& primitive);
/// The operand that the only result equals, bit for bit: x * 1, a reshape to the same shape, ….
std::optional<std::size_t> equal_operand(const TypedEquation& equation, const IsNumber& is_number);

/// The program without such equations.
Jaxpr drop_identities(const Jaxpr& jaxpr);

}  // namespace tf2jax
