// Tensors as TensorFlow's files hold them: numeric arrays, or strings.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/trace/array.h"
#include "tf2jax/tree/string_tensor.h"

namespace tf2jax {

/// The contents of one stored tensor.
using TensorData = std::variant<Array, StringTensor>;

/// A tensor in a signature: its name, element type and static shape.
struct TensorSpec {
  std::string name;
  std::string type;            ///< TensorFlow's name without "DT_": "FLOAT", "STRING", "RESOURCE".
  std::optional<DType> dtype;  ///< nullopt for strings, resources, variants and types this library lacks.
  std::optional<Dims> shape;   ///< -1: unknown size; nullopt: unknown rank.
  bool operator==(const TensorSpec&) const = default;

  /// "float32[?,3]", "string[]", "float32[...]".
  std::string to_string() const;
};

}  // namespace tf2jax
