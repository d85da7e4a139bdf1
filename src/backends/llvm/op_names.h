// Names of the operations of loop programs.
#pragma once
#include <string_view>

#include "tf2jax/backends/llvm/loop_program.h"

namespace tf2jax::loops {

inline constexpr std::string_view kOpNames[] = {
    "constant", "index", "in_range", "load", "read", "get",
    "neg", "sign", "floor", "ceil", "round_away", "round_even", "is_finite", "exp", "exp2", "expm1", "log", "log1p", "log2", "tanh", "logistic", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "cbrt", "erf", "erf_inv", "erfc", "sqrt", "rsqrt", "abs", "bit_not",
    "population_count", "clz", "convert", "bitcast",
    "add", "sub", "mul", "div", "rem", "max", "min", "pow", "atan2", "log_add_exp", "bit_and", "bit_or", "bit_xor", "shift_left", "shift_right_logical",
    "shift_right_arithmetic", "eq", "ne", "lt", "le", "gt", "ge", "select", "hash_first", "hash_second",
    "hash_both"};
static_assert(std::size(kOpNames) == static_cast<std::size_t>(kLastOp) + 1);

constexpr std::string_view op_name(Op op) { return kOpNames[static_cast<std::size_t>(op)]; }

}  // namespace tf2jax::loops
