// How far named arrays are from TensorFlow's.
#pragma once
#include <map>
#include <string>

#include "golden.h"
#include "tf2jax/trace/array.h"

namespace conformance {

using NamedArrays = std::map<std::string, tf2jax::Array>;

struct Difference {
  double error = 0;  // relative to the largest magnitude; infinite where shapes or integers differ
  std::string what;
};

struct DifferenceOptions {
  bool common_scale = false;  // nothing is finer than a thousandth of the largest of all arrays
  bool only_shapes = false;
};

/// One array; `floor` is the least magnitude to be relative to.
Difference difference(const std::string& name, const tf2jax::Array& got, const tf2jax::Array& want, double floor);
/// The worst of all that `want` has.
Difference difference(const NamedArrays& got, const NamedArrays& want, const DifferenceOptions& options);

}  // namespace conformance
