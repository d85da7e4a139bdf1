// The list of the primitives of this folder.
#pragma once
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

void append_control_primitives(std::vector<Primitive>& out);

}  // namespace tf2jax
