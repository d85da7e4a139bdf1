// Texts of numbers as Python and NumPy write them.
#pragma once
#include <complex>
#include <string>

#include "tf2jax/base/dtype.h"

namespace tf2jax::detail {

/// Python's repr of a float: shortest digits that read back, "1e-06", "1.0", "inf", "nan".
std::string float_text(double v);
/// Python's repr of a complex number: "1j", "(2+0j)".
std::string complex_text(complex128 v);

/// The shortest decimal digits that identify a value within its dtype, and the exponent: 0.d1d2d3… times 10^point.
struct Digits {
  bool negative = false;
  std::string digits;  // no trailing zeros; empty for zero
  int point = 0;
};
Digits shortest_digits(double v, DType dtype);

}  // namespace tf2jax::detail
