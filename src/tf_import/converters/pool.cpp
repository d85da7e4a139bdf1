// Pooling and its gradients.
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"
#include "tf2jax/tf_import/converters/internal/layout.h"
#include "tf2jax/tf_import/converters/internal/windows.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/transforms/grad.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

Window pool_window(const Layout& l, const Array& x, const PaddingSpec& padding, const Dims& size, const Dims& strides) {
  check<ShapeError>(x.rank() == static_cast<std::int64_t>(l.spatial + 2),
                    "the rank is wrong. Got {}; expected rank {}.", x.aval(), l.spatial + 2);
  const Padding pairs = padding_pairs(padding, image_sizes(x, l), size, strides);
  Window w{Dims(l.spatial + 2, 1), Dims(l.spatial + 2, 1), Padding(l.spatial + 2, {0, 0}), {}, {}};
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const auto axis = l.first_spatial() + i;
    w.window_dimensions[axis] = size[i];
    w.window_strides[axis] = strides[i];
    w.padding[axis] = pairs[i];
    check(std::max(pairs[i].first, pairs[i].second) < size[i],
          "the padding must be smaller than the window. Got ({}, {}) for size {}.", pairs[i].first, pairs[i].second,
          size[i]);
  }
  return w;
}

// Sizes and strides are attributes, or inputs from `inputs` on.
Array max_pooled(const Node& n, const Array& x, std::optional<std::size_t> inputs = {}) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "MaxPool", "MaxPool");
  const auto of = [&](std::string_view name, std::size_t i) {
    return inputs ? spatial_sizes(n, l, name, n.integers(*inputs + i, l.spatial + 2, 1)) : spatial_attr(n, l, name);
  };
  const Dims size = of("ksize", 0), strides = of("strides", 1);
  return reduce_window_max(x, within_operand(x.shape(), pool_window(l, x, padding, size, strides)));
}

Array avg_pooled(const Node& n, const Array& x) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "AvgPool", "AvgPool");
  const Window w = pool_window(l, x, padding, spatial_attr(n, l, "ksize"), spatial_attr(n, l, "strides"));
  const Window inside = within_operand(x.shape(), w);
  const Array total = reduce_window_sum(x, inside);
  const bool padded =
      std::ranges::any_of(w.padding, [](const auto& p) { return p != std::pair<std::int64_t, std::int64_t>(0, 0); });
  if (!padded) {
    double count = 1;
    for (const auto d : w.window_dimensions) count *= static_cast<double>(d);
    return divide(total, astype(Array(count), x.dtype()));
  }
  // Elements of the padding do not count.
  Shape one = x.shape();
  one[0] = 1;
  one[l.channel_axis()] = 1;
  return divide(total, reduce_window_sum(ones(one, x.dtype()), inside));
}

// Inputs: the operand, its result, the cotangent. Of equal largest elements the first has it.
Values max_pool_grad(Node& n) {
  const bool v2 = n.op() == "MaxPoolGradV2";
  const auto pool = [&](const Array& x) { return max_pooled(n, x, v2 ? std::optional<std::size_t>(3) : std::nullopt); };
  return {std::get<0>(vjp(pool, n.array(0)).second(n.array(2)))};
}
// Inputs: the operand's sizes, the cotangent.
Values avg_pool_grad(Node& n) {
  const Array ct = n.array(1);
  return {std::get<0>(vjp([&](const Array& x) { return avg_pooled(n, x); }, zeros(n.sizes(0), ct.dtype())).second(ct))};
}

}  // namespace

void add_pool_operations(ConverterTable& table) {
  for (const char* op : {"MaxPool", "MaxPool3D"})
    table.add(op, [](Node& n) { return Values{max_pooled(n, n.array(0))}; });
  table.add("MaxPoolV2", [](Node& n) { return Values{max_pooled(n, n.array(0), 1)}; });
  for (const char* op : {"AvgPool", "AvgPool3D"})
    table.add(op, [](Node& n) { return Values{avg_pooled(n, n.array(0))}; });
  for (const char* op : {"MaxPoolGrad", "MaxPoolGradV2", "MaxPool3DGrad"})
    table.add(op, max_pool_grad, {.ignored = {"TInput"}});
  for (const char* op : {"AvgPoolGrad", "AvgPool3DGrad"}) table.add(op, avg_pool_grad);
}

}  // namespace tf2jax::tf_import
