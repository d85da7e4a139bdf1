// Movement that has its sizes as attributes in one operation and as operands in another.
#pragma once
#include "tf2jax/stablehlo/internal/table.h"

namespace tf2jax::stablehlo {

/// Operand 0 padded by operand 1. Throws: ParseError unless there is one entry per axis.
Array padded(const Call& c, const Axes& low, const Axes& high, const Axes& interior);
/// Operand 0 from `start` to before `limit`.
Array sliced(const Call& c, const Axes& start, const Axes& limit, const Axes& strides);
/// Every stride is 1.
bool is_plain(const Axes& strides);

}  // namespace tf2jax::stablehlo
