// Element types of modules that arrays do not have: f8E4M3FN, f8E5M2 and their kin, i4, ui2, …. Inside a module their
// values are held as f32, i8 or u8, and rounded after each operation, as XLA computes them.
#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "tf2jax/stablehlo/module.h"
#include "tf2jax/trace/array.h"

namespace tf2jax::stablehlo {

struct NarrowType {
  std::string_view element;
  DType held = DType::f32;
  int bits = 8;      // of integers
  int mantissa = 0;  // of floats, without the leading one
  double smallest_normal = 0, largest = 0;
  bool has_infinity = false;  // else what is too large is NaN
  bool has_negative_zero = true;
};
/// null for other types.
const NarrowType* narrow_type(const Type& type);
/// What arrays hold values of the type as; nullopt where there is nothing.
std::optional<DType> held_dtype(const Type& type);

/// The numbers of the type nearest to those of `x`: ties to even, integers wrap. Derivative: that of the identity.
Array narrowed(const Array& x, const NarrowType& type);
/// The numbers that a constant of the type holds, a byte each; one byte is repeated. Throws: DataLossError.
Array decoded(std::span<const std::byte> bytes, const NarrowType& type, const Dims& dims);

}  // namespace tf2jax::stablehlo
