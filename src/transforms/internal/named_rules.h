// Rules of custom_jvp functions that a text names without carrying them.
#pragma once
#include <memory>

#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax {

/// The rule that was registered by the function's name, or JAX's own of that function. Throws: NotImplementedError.
std::shared_ptr<const JvpRule> named_rule(const CustomJvpParams& p);

}  // namespace tf2jax
