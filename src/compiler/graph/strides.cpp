// Axes that together step through memory as one.
#include "tf2jax/compiler/graph/strides.h"

namespace tf2jax::compiler {

std::optional<std::int64_t> common_stride(const std::vector<StridedLoop>& steps) {
  std::int64_t stride = 0, expected = -1;
  bool any = false;
  for (std::size_t i = steps.size(); i-- > 0;) {
    if (steps[i].extent == 1) continue;
    if (!any) stride = steps[i].stride;
    else if (steps[i].stride != expected) return std::nullopt;
    any = true;
    expected = steps[i].stride * steps[i].extent;
  }
  return any ? stride : 1;
}

std::vector<StridedLoop> steps_of(const Axes& axes, const Dims& dims, const Dims& strides) {
  std::vector<StridedLoop> out;
  for (const auto a : axes) out.push_back({dims[a], strides[a]});
  return out;
}

bool is_run(const Axes& axes, const Dims& dims) {
  return common_stride(steps_of(axes, dims, row_major_strides(dims))).has_value();
}

}  // namespace tf2jax::compiler
