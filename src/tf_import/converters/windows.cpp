// Windows cut to what they can reach.
#include "tf2jax/tf_import/converters/internal/windows.h"

#include "tf2jax/base/config.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

struct AxisWindow {
  std::int64_t size, stride, dilation;
  std::pair<std::int64_t, std::int64_t>& padding;
  std::int64_t extent() const { return (size - 1) * dilation + 1; }
};

// Result i meets element k at position i * stride + k * dilation - padding; only those in [0, length) count.
void cut(AxisWindow& w, std::int64_t length, std::int64_t results) {
  const std::int64_t last = (results - 1) * w.stride;  // where the last result begins, before the padding
  const std::int64_t first_used =
      std::max<std::int64_t>(floordiv(Dim(w.padding.first - last + w.dilation - 1), Dim(w.dilation)).value(), 0);
  const std::int64_t last_used =
      std::min(floordiv(Dim(w.padding.first + length - 1), Dim(w.dilation)).value(), w.size - 1);
  if (last_used < first_used) return;  // no element counts
  w.size = last_used - first_used + 1;
  w.padding.first -= first_used * w.dilation;
  w.padding.second =
      std::max(last + w.extent() - length - w.padding.first, std::min<std::int64_t>(w.padding.second, 0));
}

}  // namespace

Window within_operand(const Shape& x, Window window) {
  const std::int64_t limit = config().max_array_elements;
  const auto dilation = [](const Dims& dilations, std::size_t i) { return dilations.empty() ? 1 : dilations[i]; };
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!x[i].is_constant()) continue;
    AxisWindow w{window.window_dimensions[i], window.window_strides[i], dilation(window.window_dilation, i),
                 window.padding[i]};
    const std::int64_t length =
        x[i].value() == 0 ? 0 : ((x[i] - Dim(1)) * Dim(dilation(window.base_dilation, i)) + Dim(1)).value();
    const std::int64_t room = length + w.padding.first + w.padding.second - w.extent();
    if (room < 0 || length == 0) continue;
    const std::int64_t results = room / w.stride + 1;
    // Windows that fit into their operand stay as they are written.
    if (w.extent() > length) cut(w, length, results);
    window.window_dimensions[i] = w.size;
    check<ResourceExhaustedError>(w.size <= limit / results,
                                  "the windows are more work than Config::max_array_elements allows. Got {} elements "
                                  "at {} positions; expected at most {} in all.",
                                  w.size, results, limit);
  }
  return window;
}

}  // namespace tf2jax::tf_import
