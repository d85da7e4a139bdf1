// Convolutions and their gradients.
#include "tf2jax/ops/conv.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/converters/internal/layout.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/transforms/grad.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

// The sizes of a kernel with holes between its elements.
Dims dilated_sizes(const Array& kernel, const Dims& dilations) {
  Dims sizes;
  for (std::size_t i = 0; i < dilations.size(); ++i) {
    sizes.push_back(((kernel.shape()[i] - Dim(1)) * Dim(dilations[i]) + Dim(1)).value());
    check<ShapeError>(sizes.back() > 0, "the filter is empty. Got {}.", kernel.aval());
  }
  return sizes;
}

std::string kernel_layout(std::size_t spatial) { return spatial == 2 ? "HWIO" : "DHWIO"; }

Array convolve(const Array& x, const Array& kernel, const Layout& l, ConvParams params, const PaddingSpec& padding) {
  params.dimension_numbers = conv_dims(l.name, kernel_layout(l.spatial), l.name);
  if (padding.pairs) {
    params.padding = *padding.pairs;
    return conv_general_dilated(x, kernel, std::move(params));
  }
  return conv_general_dilated(x, kernel, std::move(params), padding.name);
}

Array convolved(const Node& n, const Array& x, const Array& kernel) {
  n.ignore({"use_cudnn_on_gpu"});
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "Conv2D", "Conv2D");
  check<ShapeError>(x.rank() == static_cast<std::int64_t>(l.spatial + 2) && kernel.rank() == x.rank(),
                    "a rank is wrong. Got input {} and filter {}; expected rank {}.", x.aval(), kernel.aval(),
                    l.spatial + 2);
  const auto in = x.shape()[l.channel_axis()].value(), kernel_in = kernel.shape()[l.spatial].value();
  check<ShapeError>(kernel_in > 0 && in % kernel_in == 0,
                    "the input channels do not divide into groups. Got {}; expected a multiple of {}.", in, kernel_in);
  ConvParams params;
  params.window_strides = spatial_attr(n, l, "strides");
  params.rhs_dilation = spatial_attr(n, l, "dilations");
  params.feature_group_count = in / kernel_in;
  return convolve(x, kernel, l, std::move(params), padding);
}

Array depthwise_convolved(const Node& n, const Array& x, const Array& kernel) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, true, "DepthwiseConv2dNative");
  check(l.spatial == 2, "Found unsupported data format {}.", l.name);
  check<ShapeError>(x.rank() == 4 && kernel.rank() == 4,
                    "a rank is wrong. Got input {} and filter {}; expected rank 4.", x.aval(), kernel.aval());
  const auto in = x.shape()[l.channel_axis()].value();
  const Dims k = kernel.dims();
  check<ShapeError>(k[2] == in && in > 0, "the filter does not fit the channels. Got filter {} and {} input channels.",
                    kernel.aval(), in);
  ConvParams params;
  params.window_strides = spatial_attr(n, l, "strides");
  params.rhs_dilation = spatial_attr(n, l, "dilations");
  params.feature_group_count = in;
  return convolve(x, reshape(kernel, {Dim(k[0]), Dim(k[1]), 1, Dim(k[2] * k[3])}), l, std::move(params), padding);
}

// Gradients by the sizes of the operand, input `which`, and the cotangent, input 2; the other operand is the other
// input.
using Convolution = Array (*)(const Node& n, const Array& x, const Array& kernel);
template <Convolution f, int which>
Values gradient(Node& n) {
  const Array ct = n.array(2), other = n.array(1 - which), like = zeros(n.sizes(which), other.dtype());
  const auto of = [&](const Array& v) { return which == 0 ? f(n, v, other) : f(n, other, v); };
  return {std::get<0>(vjp(of, like).second(ct))};
}

// The transpose of Conv2D with respect to its input: the gradient, with the wanted size.
Values conv_backprop_input(Node& n) {
  n.ignore({"use_cudnn_on_gpu"});
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, true, n.op());
  const Shape sizes = n.sizes(0);
  const Dims strides = spatial_attr(n, l, "strides"), dilations = spatial_attr(n, l, "dilations");
  const Array kernel = n.array(1), g = n.array(2);
  check<ShapeError>(kernel.rank() == static_cast<std::int64_t>(l.spatial + 2) && g.rank() == kernel.rank() &&
                        (sizes.size() == l.spatial + 2 || sizes.size() == l.spatial),
                    "a rank is wrong. Got filter {} and gradient {}; expected rank {}.", kernel.aval(), g.aval(),
                    l.spatial + 2);
  const auto first = sizes.begin() + (sizes.size() == l.spatial ? 0 : l.first_spatial());
  const Dims spatial = concrete(Shape(first, first + l.spatial));
  const auto kernel_in = kernel.shape()[l.spatial].value(), out = kernel.shape()[l.spatial + 1].value();
  const auto in = sizes.size() == l.spatial ? kernel_in : sizes[l.channel_axis()].value();
  const std::int64_t groups = kernel_in > 0 ? in / kernel_in : 0;
  check<ShapeError>(groups > 0 && in % kernel_in == 0 && out % groups == 0,
                    "the channels do not divide into groups of the filter. Got {} channels and filter {}.", in,
                    kernel.aval());
  const Dims window = dilated_sizes(kernel, dilations), gradient = image_sizes(g, l);
  const Padding forward = padding_pairs(padding, spatial, window, strides);
  ConvParams params;
  params.lhs_dilation = strides;
  params.rhs_dilation = dilations;
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const auto room = spatial[i] + forward[i].first + forward[i].second - window[i];
    check<ShapeError>(gradient[i] == (room < 0 ? 0 : room / strides[i] + 1),
                      "the gradient does not belong to the sizes. Got {} and {}.", g.aval(), tuple_string(spatial));
    const auto low = window[i] - 1 - forward[i].first;
    params.padding.emplace_back(low, spatial[i] + window[i] - 1 - ((gradient[i] - 1) * strides[i] + 1) - low);
  }
  // Flip the kernel and exchange its channels; with groups these stay together.
  Array flipped = rev(kernel, iota_axes(static_cast<std::int64_t>(l.spatial)));
  const auto s = static_cast<std::int64_t>(l.spatial);
  if (groups > 1) {
    Shape grouped(flipped.shape().begin(), flipped.shape().end() - 1);
    grouped.emplace_back(groups);
    grouped.emplace_back(out / groups);
    Axes order = iota_axes(s);
    for (const auto axis : {s + 2, s + 1, s}) order.push_back(axis);
    Shape merged(flipped.shape().begin(), flipped.shape().begin() + s);
    merged.emplace_back(out / groups);
    merged.emplace_back(groups * kernel_in);
    flipped = reshape(transpose(reshape(flipped, grouped), order), merged);
  } else {
    flipped = swapaxes(flipped, s, s + 1);
  }
  params.feature_group_count = groups;
  params.dimension_numbers = conv_dims(l.name, kernel_layout(l.spatial), l.name);
  return {conv_general_dilated(g, flipped, std::move(params))};
}

}  // namespace

void add_conv_operations(ConverterTable& table) {
  for (const char* op : {"Conv2D", "Conv3D"})
    table.add(op, [](Node& n) { return Values{convolved(n, n.array(0), n.array(1))}; });
  table.add("DepthwiseConv2dNative", [](Node& n) { return Values{depthwise_convolved(n, n.array(0), n.array(1))}; });
  for (const char* op : {"Conv2DBackpropFilter", "Conv3DBackpropFilterV2"}) table.add(op, gradient<convolved, 1>);
  table.add("DepthwiseConv2dNativeBackpropInput", gradient<depthwise_convolved, 0>);
  table.add("DepthwiseConv2dNativeBackpropFilter", gradient<depthwise_convolved, 1>);
  for (const char* op : {"Conv2DBackpropInput", "Conv3DBackpropInputV2"}) table.add(op, conv_backprop_input);
}

}  // namespace tf2jax::tf_import
