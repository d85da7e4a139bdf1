// Comparison of results with recorded ones.
#pragma once
#include <optional>
#include <string>

#include "tf2jax/trace/array.h"

namespace conformance {

struct Tolerance {
  double scale = 1;        // multiplies the tolerance of the dtype
  bool pointwise = false;  // no allowance relative to the largest element
  bool exact = false;
  std::optional<double> rtol, atol;
  std::optional<tf2jax::DType> coarsest;  // the least precise dtype that took part, when below the result's
};

struct Comparison {
  std::optional<std::string> message;  // empty: equal enough
  double worst = 0;                    // largest error, in units of what is allowed
};

/// Shapes and dtypes must agree; values within the tolerance of the dtype; NaN equals NaN; a subnormal equals zero.
Comparison compare(const tf2jax::Array& got, const tf2jax::Array& want, const Tolerance& tolerance = {});

}  // namespace conformance
