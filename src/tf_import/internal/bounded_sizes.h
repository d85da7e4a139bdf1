// Results whose sizes are data, in programs: as many rows as ConvertOptions::sizes says.
#pragma once
#include <optional>
#include <vector>

#include "tf2jax/tf_import/node.h"

namespace tf2jax::tf_import {

/// In the place of values that cannot be told: NaN, the lowest signed, the highest unsigned integer, true.
Array unknown_like(const Array& x);

/// `x`, which decides the sizes of the node's results. Throws: ConcretizationError, which says that they depend on
/// `what` and how to help, where it is traced.
Array known(const Node& n, Array x, std::string_view what,
            std::string_view remedy = "Call without jit, or pass it as a constant.");

/// The rows that the options give the results of a node whose operand `x` is traced, or the `output`-th of several;
/// nullopt where `x` is known. Throws: ConcretizationError as `known`, where the options say nothing.
std::optional<std::int64_t> bounded_size(const Node& n, const Array& x, std::string_view what,
                                         std::optional<std::size_t> output = {});

/// Where, of `size` rows: the positions of elements that are not zero. Rows that are missing, and all where there are
/// more, are unknown: positions outside every axis.
Values bounded_where(const Node& n, const Array& x, std::int64_t size);
/// Unique of a vector: `size` values, the index of each element among them, and, where `counts`, their numbers.
Values bounded_unique(const Node& n, const Array& x, std::int64_t size, DType index_type, bool counts);
/// ListDiff, of `size` values.
Values bounded_difference(const Node& n, const Array& x, const Array& y, std::int64_t size, DType index_type);
/// DynamicPartition of rows, as many for each part as `sizes` says. All are unknown where a part is out of range.
Values bounded_partition(const Node& n, const Array& rows, const Array& parts, const std::vector<std::int64_t>& sizes);
/// DynamicStitch, of `size` rows. Indices below 0 are left out; rows that no index names are unknown.
Values bounded_stitch(const Node& n, const Array& rows, const Array& indices, std::int64_t size);
/// The first `count` of `values` as `size` rows.
Array bounded_prefix(const Node& n, const Array& values, const Array& count, std::int64_t size);

}  // namespace tf2jax::tf_import
