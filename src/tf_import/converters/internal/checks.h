// Checks of values while a program runs.
#pragma once
#include <string>

#include "tf2jax/trace/array.h"

namespace tf2jax::tf_import {

/// `x`; when the program runs, also compiled, a ValueError where an element is NaN or infinite. Derivatives pass.
/// `message` is what the error begins with.
Array checked_finite(const Array& x, const std::string& message);

}  // namespace tf2jax::tf_import
