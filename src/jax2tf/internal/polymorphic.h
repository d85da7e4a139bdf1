// Polymorphic shapes: specifications, and the sizes behind dimension variables.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/base/dim_solve.h"
#include "tf2jax/base/symbolic_scope.h"
#include "tf2jax/jax2tf/internal/lowering.h"

namespace tf2jax::jax2tf {

/// The shape that `spec` gives an argument of shape `actual`. Throws: ValueError for a text that is none, another rank,
/// another size, and for "_" where the size is not known.
Shape polymorphic_shape(const std::optional<std::string>& spec, const Shape& actual, const SymbolicScope& scope);

/// The values of the variables for arguments of these sizes. Throws: ValueError where a variable is 0, or two sizes of
/// one variable differ, in the words of the documents.
std::map<std::string, std::int64_t> check_sizes(const std::vector<Shape>& shapes, const std::vector<Dims>& sizes);

/// The variables of shapes as i32 scalars of a function, from the arguments that have those shapes. `checks`: the graph
/// checks what the shapes promise.
std::map<std::string, Tensor> read_dims(Lowering& c, const std::vector<Shape>& shapes, const Tensors& arguments,
                                        bool checks);

}  // namespace tf2jax::jax2tf
