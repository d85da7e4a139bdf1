// Tensors of strings. They are structure of a tree, never leaves: known when a function is traced, not differentiated
// and not batched.
#pragma once
#include <string>
#include <vector>

#include "tf2jax/base/shape.h"

namespace tf2jax {

/// A tensor of byte strings, row-major. `values` has as many as `dims` say.
struct StringTensor {
  Dims dims;
  std::vector<std::string> values;
  bool operator==(const StringTensor&) const = default;

  /// "string[2,3]".
  std::string to_string() const;
};

/// The strings as a tensor of one axis: f(strings({"a text", "another"})).
StringTensor strings(std::vector<std::string> values);

}  // namespace tf2jax
