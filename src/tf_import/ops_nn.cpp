// Contractions, convolution, pooling, normalisation, losses.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/windows.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/window.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

Array swap_last(const Array& x) { return swapaxes(x, x.rank() - 2, x.rank() - 1); }

Values mat_mul(Node& n) {
  n.ignore({"grad_a", "grad_b"});
  Array a = n.array(0), b = n.array(1);
  if (n.attr<bool>("transpose_a")) a = transpose(a);
  if (n.attr<bool>("transpose_b")) b = transpose(b);
  return {matmul(a, b)};
}

Array adjoint(const Array& x) {
  const Array t = swap_last(x);
  return is_complex(x.dtype()) ? conj(t) : t;
}

Values batch_mat_mul(Node& n) {
  n.ignore({"grad_x", "grad_y", "Ta", "Tb"});
  Array x = n.array(0), y = n.array(1);
  if (n.attr<bool>("adj_x")) x = adjoint(x);
  if (n.attr<bool>("adj_y")) y = adjoint(y);
  return {matmul(x, y)};
}

Values einsum_node(Node& n) {
  const auto count = n.attr_or<std::int64_t>("N", static_cast<std::int64_t>(n.num_inputs()));
  if (static_cast<std::size_t>(count) != n.num_inputs()) raise<ValueError>("Expected {} input arrays, found {}", count, n.num_inputs());
  return {einsum(n.attr<std::string>("equation"), n.arrays())};
}

// Axes of "NHWC" or "NCHW" with their strides or windows.
struct Layout {
  std::string name;
  bool channels_last;
  std::size_t spatial;
  std::size_t channel_axis() const { return channels_last ? spatial + 1 : 1; }
  std::size_t first_spatial() const { return channels_last ? 1 : 2; }
  Dims spatial_of(const Dims& all) const {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(first_spatial());
    return {first, first + static_cast<std::ptrdiff_t>(spatial)};
  }
};

Layout layout(const Node& n) {
  const auto name = n.attr<std::string>("data_format");
  if (name == "NHWC" || name == "NCHW") return {name, name == "NHWC", 2};
  if (name == "NDHWC" || name == "NCDHW") return {name, name == "NDHWC", 3};
  raise<ValueError>("Found unsupported data format {}.", name);
}

// The spatial entries of sizes for all axes.
Dims spatial_sizes(const Node& n, const Layout& l, std::string_view name, const Dims& all) {
  const Dims outer{all[0], all[l.channel_axis()]};
  if (outer != Dims{1, 1}) n.fail(fmt::format("'{}' is {}; expected 1 for batch and channels", name, tuple_string(all)));
  return l.spatial_of(all);
}
Dims spatial_attr(const Node& n, const Layout& l, std::string_view name) { return spatial_sizes(n, l, name, n.attr_integers(name, l.spatial + 2, 1)); }

struct PaddingSpec {
  std::string name;
  std::optional<Padding> pairs;
};

PaddingSpec padding_of(const Node& n, const Layout& l, bool explicit_allowed, std::string_view op) {
  const auto name = n.attr<std::string>("padding");
  if (name != "EXPLICIT") {
    n.ignore({"explicit_paddings"});
    check(name == "SAME" || name == "VALID", "{}: unknown padding '{}'", n.op(), name);
    return {name, std::nullopt};
  }
  if (!explicit_allowed) raise<ValueError>("explicit_padding in {} not yet supported.", op);
  const auto flat = n.attr_integers("explicit_paddings", 2 * (l.spatial + 2), 0);
  const auto channel = 2 * l.channel_axis();
  check(flat[0] == 0 && flat[1] == 0 && flat[channel] == 0 && flat[channel + 1] == 0, "{}: explicit_paddings {} pad batch or channels", n.op(), tuple_string(flat));
  Padding pairs;
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const std::size_t at = 2 * (l.first_spatial() + i);
    pairs.emplace_back(flat[at], flat[at + 1]);
  }
  return {name, std::move(pairs)};
}

// The pairs themselves, with those of "SAME" and "VALID" computed.
Padding padding_pairs(const PaddingSpec& padding, const Dims& sizes, const Dims& window, const Dims& strides) {
  return padding.pairs ? *padding.pairs : window_padding(sizes, window, strides, padding.name);
}

// The spatial sizes of an image.
Dims image_sizes(const Array& x, const Layout& l) {
  Dims sizes;
  for (std::size_t i = 0; i < l.spatial; ++i) sizes.push_back(x.shape()[l.first_spatial() + i].value());
  return sizes;
}

// The sizes of a kernel with holes between its elements.
Dims dilated_sizes(const Array& kernel, const Dims& dilations) {
  Dims sizes;
  for (std::size_t i = 0; i < dilations.size(); ++i) {
    sizes.push_back(((kernel.shape()[i] - Dim(1)) * Dim(dilations[i]) + Dim(1)).value());
    check<ShapeError>(sizes.back() > 0, "the filter {} is empty", kernel.aval());
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

Values conv(Node& n) {
  n.ignore({"use_cudnn_on_gpu"});
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "Conv2D", "Conv2D");
  const Array x = n.array(0), kernel = n.array(1);
  check<ShapeError>(x.rank() == static_cast<std::int64_t>(l.spatial + 2) && kernel.rank() == x.rank(), "{}: expected rank {}. Got input {} and filter {}.",
                    n.op(), l.spatial + 2, x.aval(), kernel.aval());
  const auto in = x.shape()[l.channel_axis()].value(), kernel_in = kernel.shape()[l.spatial].value();
  check<ShapeError>(kernel_in > 0 && in % kernel_in == 0, "{}: {} input channels do not divide into groups of {}", n.op(), in, kernel_in);
  ConvParams params;
  params.window_strides = spatial_attr(n, l, "strides");
  params.rhs_dilation = spatial_attr(n, l, "dilations");
  params.feature_group_count = in / kernel_in;
  return {convolve(x, kernel, l, std::move(params), padding)};
}

Values depthwise_conv(Node& n) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, true, "DepthwiseConv2dNative");
  check(l.spatial == 2, "DepthwiseConv2dNative: Found unsupported data format {}.", l.name);
  const Array x = n.array(0, 4, 4), kernel = n.array(1, 4, 4);
  const auto in = x.shape()[l.channel_axis()].value();
  const Dims k = kernel.dims();
  check<ShapeError>(k[2] == in && in > 0, "DepthwiseConv2dNative: the filter {} does not fit {} input channels", kernel.aval(), in);
  ConvParams params;
  params.window_strides = spatial_attr(n, l, "strides");
  params.rhs_dilation = spatial_attr(n, l, "dilations");
  params.feature_group_count = in;
  return {convolve(x, reshape(kernel, {Dim(k[0]), Dim(k[1]), 1, Dim(k[2] * k[3])}), l, std::move(params), padding)};
}

// The transpose of Conv2D with respect to its input: the gradient, with the wanted size.
Values conv_backprop_input(Node& n) {
  n.ignore({"use_cudnn_on_gpu"});
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, true, n.op());
  const Dims sizes = concrete(n.sizes(0)), strides = spatial_attr(n, l, "strides"), dilations = spatial_attr(n, l, "dilations");
  const Array kernel = n.array(1), g = n.array(2);
  check<ShapeError>(kernel.rank() == static_cast<std::int64_t>(l.spatial + 2) && g.rank() == kernel.rank() && (sizes.size() == l.spatial + 2 || sizes.size() == l.spatial),
                    "{}: expected rank {}. Got filter {} and gradient {}.", n.op(), l.spatial + 2, kernel.aval(), g.aval());
  const Dims spatial = sizes.size() == l.spatial ? sizes : l.spatial_of(sizes);
  const auto kernel_in = kernel.shape()[l.spatial].value(), out = kernel.shape()[l.spatial + 1].value();
  const auto in = sizes.size() == l.spatial ? kernel_in : sizes[l.channel_axis()];
  const std::int64_t groups = kernel_in > 0 ? in / kernel_in : 0;
  check<ShapeError>(groups > 0 && in % kernel_in == 0 && out % groups == 0, "{}: {} channels do not divide into groups of the filter {}", n.op(), in, kernel.aval());
  const Dims window = dilated_sizes(kernel, dilations), gradient = image_sizes(g, l);
  const Padding forward = padding_pairs(padding, spatial, window, strides);
  ConvParams params;
  params.lhs_dilation = strides;
  params.rhs_dilation = dilations;
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const auto room = spatial[i] + forward[i].first + forward[i].second - window[i];
    check<ShapeError>(gradient[i] == (room < 0 ? 0 : room / strides[i] + 1), "{}: the gradient {} does not belong to sizes {}", n.op(), g.aval(), tuple_string(spatial));
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

Window pool_window(const Node& n, const Layout& l, const Array& x, const PaddingSpec& padding, const Dims& size, const Dims& strides) {
  check<ShapeError>(x.rank() == static_cast<std::int64_t>(l.spatial + 2), "{}: expected rank {}, got {}", n.op(), l.spatial + 2, x.aval());
  const Padding pairs = padding_pairs(padding, image_sizes(x, l), size, strides);
  Window w{Dims(l.spatial + 2, 1), Dims(l.spatial + 2, 1), Padding(l.spatial + 2, {0, 0}), {}, {}};
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const auto axis = l.first_spatial() + i;
    w.window_dimensions[axis] = size[i];
    w.window_strides[axis] = strides[i];
    w.padding[axis] = pairs[i];
    check(std::max(pairs[i].first, pairs[i].second) < size[i], "{}: the padding ({}, {}) is not smaller than the window, {}", n.op(), pairs[i].first, pairs[i].second, size[i]);
  }
  return w;
}

Values max_pool(Node& n) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "MaxPool", "MaxPool");
  const Array x = n.array(0);
  const bool v2 = n.op() == "MaxPoolV2";
  const Dims size = v2 ? spatial_sizes(n, l, "ksize", n.integers(1, l.spatial + 2, 1)) : spatial_attr(n, l, "ksize");
  const Dims strides = v2 ? spatial_sizes(n, l, "strides", n.integers(2, l.spatial + 2, 1)) : spatial_attr(n, l, "strides");
  return {reduce_window_max(x, within_operand(n, x.shape(), pool_window(n, l, x, padding, size, strides)))};
}

Values avg_pool(Node& n) {
  const Layout l = layout(n);
  const auto padding = padding_of(n, l, n.op() != "AvgPool", "AvgPool");
  const Array x = n.array(0);
  const Window w = pool_window(n, l, x, padding, spatial_attr(n, l, "ksize"), spatial_attr(n, l, "strides"));
  const Window inside = within_operand(n, x.shape(), w);
  const Array total = reduce_window_sum(x, inside);
  const bool padded = std::ranges::any_of(w.padding, [](const auto& p) { return p != std::pair<std::int64_t, std::int64_t>(0, 0); });
  if (!padded) {
    double count = 1;
    for (const auto d : w.window_dimensions) count *= static_cast<double>(d);
    return {divide(total, astype(Array(count), x.dtype()))};
  }
  // Elements of the padding do not count.
  Shape one = x.shape();
  one[0] = 1;
  one[l.channel_axis()] = 1;
  return {divide(total, reduce_window_sum(ones(one, x.dtype()), inside))};
}

Values bias_add(Node& n) {
  const auto format = n.op() == "BiasAddV1" ? std::string("NHWC") : n.attr<std::string>("data_format");
  const Array x = n.array(0), bias = n.array(1);
  if (format != "NHWC" && format != "NCHW") raise<ValueError>("Found unsupported data format {}.", format);
  if (bias.rank() != 1) raise<ValueError>("Expected `bias` as a 1D array, found array with {} dims.", bias.rank());
  if (format == "NHWC" || x.rank() < 3) return {add(x, bias)};
  return {add(x, expand_dims(bias, iota_axes(x.rank() - 2, 1)))};
}

Values bias_add_grad(Node& n) {
  const auto format = n.attr<std::string>("data_format");
  const Array g = n.array(0, format == "NCHW" ? 2 : 1);
  return {reduce_sum(g, other_axes({format == "NCHW" ? 1 : g.rank() - 1}, g.rank()))};
}

// Outputs: y, mean, variance, and reserve spaces that only gradient nodes read.
Values fused_batch_norm(Node& n) {
  const auto format = n.attr<std::string>("data_format");
  const float epsilon = n.attr<float>("epsilon"), factor = n.attr<float>("exponential_avg_factor");
  const bool training = n.attr<bool>("is_training");
  if (!format.starts_with('N') || (format != "NHWC" && format != "NCHW" && format != "NDHWC" && format != "NCDHW")) {
    raise<ValueError>("Found unsupported data format {}.", format);
  }
  const Array x = n.array(0, 2), scale = n.array(1, 1, 1), offset = n.array(2, 1, 1);
  const std::int64_t channel = format.ends_with('C') ? x.rank() - 1 : 1;
  const Axes axes = other_axes({channel}, x.rank());
  Array mean = n.array(3, 1, 1), variance = n.array(4, 1, 1);
  Array batch_mean = mean, batch_variance = variance, running_mean = mean, running_variance = variance;
  if (training) {
    Dim count = 1;
    for (const auto axis : axes) count *= x.shape()[static_cast<std::size_t>(axis)];
    const auto size = static_cast<double>(count.value());
    const Array in = astype(x, scale.dtype());
    batch_mean = divide(reduce_sum(in, axes), size);
    batch_variance = divide(reduce_sum(square(sub(in, expand_dims(batch_mean, axes))), axes), size);
    const Array unbiased = mul(batch_variance, size / std::max(size - 1, 1.0));
    const bool fresh = mean.size() == 0;   // no running statistics are kept
    running_mean = fresh || factor == 1.0f ? batch_mean : add(mul(factor, batch_mean), mul(1 - factor, mean));
    running_variance = fresh || factor == 1.0f ? unbiased : add(mul(factor, unbiased), mul(1 - factor, variance));
    mean = batch_mean;
    variance = batch_variance;
  }
  const auto wide = [&](const Array& v) { return expand_dims(v, axes); };
  const Array inverse = mul(rsqrt(add(variance, epsilon)), scale);
  const Array y = add(mul(sub(x, wide(mean)), wide(inverse)), wide(offset));
  return {astype(y, x.dtype()), running_mean, running_variance, batch_mean, batch_variance, zeros({0}, scale.dtype())};
}

Values sparse_cross_entropy(Node& n) {
  const Array logits = n.array(0, 1), labels = n.indices(1);
  check<ShapeError>(labels.rank() + 1 == logits.rank(), "{}: labels {} do not belong to logits {}", n.op(), labels.aval(), logits.aval());
  const Array log_p = log_softmax(logits);
  const Array hit = equal(expand_dims(labels, {labels.rank()}), iota(labels.dtype(), logits.shape(), logits.rank() - 1));
  const Array loss = neg(reduce_sum(where(hit, log_p, zeros_like(log_p)), {logits.rank() - 1}));
  return {loss, sub(exp(log_p), astype(hit, logits.dtype()))};
}

// TensorFlow's gradient is softmax - labels whatever the labels add up to, so that rows that are no distributions get one that
// is not the loss's derivative (documentation of tf.raw_ops.SoftmaxCrossEntropyWithLogits). The term that makes it so is 0.
Values cross_entropy(Node& n) {
  const Array logits = n.array(0, 1), labels = n.array(1);
  const std::int64_t last = logits.rank() - 1;
  const Array log_p = log_softmax(logits), log_total = logsumexp(logits, last), missing = sub(1, stop_gradient(reduce_sum(labels, {last})));
  const Array only_gradient = mul(missing, sub(log_total, stop_gradient(log_total)));
  return {add(neg(reduce_sum(mul(labels, log_p), {last})), only_gradient), sub(exp(log_p), labels)};
}

// Local response normalisation across channels. Source: the documentation of tf.nn.local_response_normalization.
Values lrn(Node& n) {
  auto radius = n.attr_integer("depth_radius", 0);
  const float bias = n.attr<float>("bias"), alpha = n.attr<float>("alpha"), beta = n.attr<float>("beta");
  const Array x = n.array(0, 4, 4);
  // There are no channels farther away than the last.
  if (x.shape()[3].is_constant()) radius = std::min(radius, x.shape()[3].value());
  Window w{Dims(4, 1), Dims(4, 1), Padding(4, {0, 0}), {}, {}};
  w.window_dimensions[3] = 2 * radius + 1;
  w.padding[3] = {radius, radius};
  const Array sum = reduce_window_sum(square(x), w);
  return {divide(x, pow(add(bias, mul(alpha, sum)), astype(Array(static_cast<double>(beta)), x.dtype())))};
}

Values top_k_node(Node& n) {
  n.ignore({"sorted", "index_type"});   // unsorted results may come in any order
  const Array x = n.array(0, 1);
  const auto k = n.op() == "TopK" ? n.attr_integer("k", 0) : n.integer(1, 0);
  check(definitely_ge(x.shape().back(), Dim(k)).value_or(true), "{}: {} elements are asked for of {}", n.op(), k, x.aval());
  const auto [values, indices] = top_k(x, k, x.rank() - 1);
  return {values, indices};
}

}  // namespace

void add_nn_operations(ConverterTable& table) {
  table.add("MatMul", mat_mul);
  for (const char* op : {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}) table.add(op, batch_mat_mul);
  table.add("Einsum", einsum_node);
  table.add("Conv2D", conv);
  table.add("Conv3D", conv);
  table.add("DepthwiseConv2dNative", depthwise_conv);
  table.add("Conv2DBackpropInput", conv_backprop_input);
  table.add("Conv3DBackpropInputV2", conv_backprop_input);
  for (const char* op : {"MaxPool", "MaxPoolV2", "MaxPool3D"}) table.add(op, max_pool);
  table.add("AvgPool", avg_pool);
  table.add("AvgPool3D", avg_pool);
  table.add("BiasAdd", bias_add);
  table.add("BiasAddV1", bias_add);
  table.add("BiasAddGrad", bias_add_grad);
  for (const char* op : {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) table.add(op, fused_batch_norm);
  table.add("SparseSoftmaxCrossEntropyWithLogits", sparse_cross_entropy);
  table.add("SoftmaxCrossEntropyWithLogits", cross_entropy);
  table.add("LRN", lrn);
  table.add("TopKV2", top_k_node);
  table.add("TopK", top_k_node);
}

}  // namespace tf2jax::tf_import
