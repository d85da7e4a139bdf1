// Results whose sizes are data, in programs: as many rows as ConvertOptions::sizes says.
#pragma once
#include <optional>

#include "tf2jax/tf_import/node.h"

namespace tf2jax::tf_import {

/// In the place of values that cannot be told: NaN, the lowest signed, the highest unsigned integer, true.
Array unknown_like(const Array& x);

/// `x`, which decides the sizes of the node's results. Throws: ConcretizationError, which says that they depend on
/// `what` and how to help, where it is traced.
Array known(const Node& n, Array x, std::string_view what,
            std::string_view remedy = "Call without jit, or pass it as a constant.");

/// The rows that the options give the results of a node whose operand `x` is traced; nullopt where `x` is known.
/// Throws: ConcretizationError as `known`, where the options say nothing.
std::optional<std::int64_t> bounded_size(const Node& n, const Array& x, std::string_view what);

/// Where, of `size` rows: the positions of elements that are not zero. Rows that are missing, and all where there are
/// more, are unknown: positions outside every axis.
Values bounded_where(const Node& n, const Array& x, std::int64_t size);
/// Unique of a vector: `size` values, the index of each element among them, and, where `counts`, their numbers.
Values bounded_unique(const Node& n, const Array& x, std::int64_t size, DType index_type, bool counts);

}  // namespace tf2jax::tf_import
