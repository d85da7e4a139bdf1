// Operands of functions that know numbers only.
#pragma once
#include <string_view>
#include <utility>

#include "tf2jax/trace/array.h"

namespace tf2jax::rules {

/// Bools as i32, anything else as it is.
Array numeric(const Array& x);
/// Operands of which any are bools in the type that they have together, or i32 where that is bool; others as they are.
std::pair<Array, Array> numeric(std::string_view where, const Array& x, const Array& y);

}  // namespace tf2jax::rules
