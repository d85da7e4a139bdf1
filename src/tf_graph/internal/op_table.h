// The built-in definitions of operations, for graphs that carry none.
#pragma once
#include <string_view>

namespace tensorflow {
class OpDef;
}

namespace tf2jax::detail {

/// Output names and attribute defaults of a common operation, or null.
const tensorflow::OpDef* builtin_op(std::string_view name);

}  // namespace tf2jax::detail
