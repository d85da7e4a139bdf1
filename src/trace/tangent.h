// Tangent: a tangent or cotangent that may be a symbolic zero.
#pragma once
#include <optional>
#include <vector>

#include "tf2jax/trace/array.h"

namespace tf2jax {

/// A value of a tangent space, or the zero of it, which costs nothing. Integers and bools have tangents of dtype
/// float0, which are always zero.
class Tangent {
 public:
  Tangent() = default;
  Tangent(Array value) : aval_(value.aval().strong()), value_(std::move(value)) {}  // NOLINT: any array is a tangent
  /// The zero of the tangent space of a value with aval `primal`.
  static Tangent zero(const Aval& primal) {
    Tangent t;
    t.aval_ = primal.strong().tangent();
    return t;
  }
  bool is_zero() const { return !value_; }
  /// The value. Requires: !is_zero().
  const Array& value() const { return *value_; }
  const Aval& aval() const { return aval_; }

 private:
  Aval aval_;
  std::optional<Array> value_;
};
using Tangents = std::vector<Tangent>;

}  // namespace tf2jax
