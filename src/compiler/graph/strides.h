// Axes that together step through memory as one.
#pragma once
#include <optional>
#include <vector>

#include "tf2jax/base/shape.h"

namespace tf2jax::compiler {

/// A loop over memory: how often, and how far in elements.
struct StridedLoop {
  std::int64_t extent, stride;
};

/// One stride for several nested steps, outermost first; empty where there is none.
std::optional<std::int64_t> common_stride(const std::vector<StridedLoop>& steps);

/// The steps along `axes` of a value with these sizes and strides.
std::vector<StridedLoop> steps_of(const Axes& axes, const Dims& dims, const Dims& strides);

/// True when the axes, in this order, step through memory evenly in a row-major value of these sizes.
bool is_run(const Axes& axes, const Dims& dims);

}  // namespace tf2jax::compiler
