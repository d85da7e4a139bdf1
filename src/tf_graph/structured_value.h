// Nested Python values as a SavedModel records them: signatures and default arguments.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/tf_graph/tensor.h"

namespace tf2jax {

/// A Python value: None, a scalar, a tensor description, or a container of such values.
struct StructuredValue {
  enum class Kind { none, boolean, integer, real, string, tensor, list, tuple, dict, named_tuple, other };
  Kind kind = Kind::none;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string string;  ///< text; the type's name of a named tuple or `other`
  TensorSpec tensor;
  std::vector<struct StructuredItem> items;  ///< children; keys of dicts (sorted) and named tuples

  bool is_container() const { return kind >= Kind::list && kind <= Kind::named_tuple; }
  /// Tensors in order of Python's tf.nest: dicts by sorted key.
  std::vector<TensorSpec> tensors() const;
  /// As Python prints it, tensors as "float32[?,3]".
  std::string to_string() const;
};

/// A child and its key. Not a pair, which must not be declared of a class that is not complete.
struct StructuredItem {
  std::string first;
  StructuredValue second;
};

}  // namespace tf2jax
