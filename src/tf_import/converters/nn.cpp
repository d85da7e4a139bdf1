// Contractions, biases, normalisation, losses.
#include "tf2jax/tf_import/converters/internal/windows.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
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
  if (static_cast<std::size_t>(count) != n.num_inputs())
    raise<ValueError>("Expected {} input arrays, found {}.", count, n.num_inputs());
  return {einsum(n.attr<std::string>("equation"), n.arrays())};
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
    for (const auto axis : axes) count *= x.shape()[axis];
    const auto size = static_cast<double>(count.value());
    const Array in = astype(x, scale.dtype());
    batch_mean = divide(reduce_sum(in, axes), size);
    batch_variance = divide(reduce_sum(square(sub(in, expand_dims(batch_mean, axes))), axes), size);
    const Array unbiased = mul(batch_variance, size / std::max(size - 1, 1.0));
    const bool fresh = mean.size() == 0;  // no running statistics are kept
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

// Inputs: the cotangent of y, x, scale, mean, variance, which are those that inference used.
Values fused_batch_norm_grad(Node& n) {
  const auto format = n.attr<std::string>("data_format");
  const float epsilon = n.attr<float>("epsilon");
  const bool training = n.attr<bool>("is_training");
  const Array x = n.array(1, 2), scale = n.array(2, 1, 1), ct = astype(n.array(0), scale.dtype());
  const std::int64_t channel = format.ends_with('C') ? x.rank() - 1 : 1;
  const Axes axes = other_axes({channel}, x.rank());
  const auto wide = [&](const Array& v) { return expand_dims(v, axes); };
  const Array in = astype(x, scale.dtype());
  Array mean = n.array(3), variance = n.array(4);
  if (training) {
    mean = tf2jax::mean(in, axes);
    variance = tf2jax::mean(square(sub(in, wide(mean))), axes);
  }
  const Array inverse = rsqrt(add(variance, epsilon)), normal = mul(sub(in, wide(mean)), wide(inverse));
  const Array of_offset = reduce_sum(ct, axes), of_scale = reduce_sum(mul(ct, normal), axes);
  Array rest = ct;
  if (training) {
    const Array share = tf2jax::mean(ct, axes), along = tf2jax::mean(mul(ct, normal), axes);
    rest = sub(sub(ct, wide(share)), mul(normal, wide(along)));
  }
  const Array of_x = mul(rest, wide(mul(scale, inverse))), nothing = zeros({0}, scale.dtype());
  return {astype(of_x, x.dtype()), of_scale, of_offset, nothing, nothing};
}

Values sparse_cross_entropy(Node& n) {
  const Array logits = n.array(0, 1), labels = n.indices(1);
  check<ShapeError>(labels.rank() + 1 == logits.rank(), "the labels do not belong to the logits. Got {} and {}.",
                    labels.aval(), logits.aval());
  const Array log_p = log_softmax(logits);
  const Array hit =
      equal(expand_dims(labels, {labels.rank()}), iota(labels.dtype(), logits.shape(), logits.rank() - 1));
  const Array loss = neg(reduce_sum(where(hit, log_p, zeros_like(log_p)), {logits.rank() - 1}));
  return {loss, sub(exp(log_p), astype(hit, logits.dtype()))};
}

// TensorFlow's gradient is softmax - labels whatever the labels add up to, so that rows that are no distributions get
// one that is not the loss's derivative (documentation of tf.raw_ops.SoftmaxCrossEntropyWithLogits). The term that
// makes it so is 0.
Values cross_entropy(Node& n) {
  const Array logits = n.array(0, 1), labels = n.array(1);
  const std::int64_t last = logits.rank() - 1;
  const Array log_p = log_softmax(logits), log_total = logsumexp(logits, last),
              missing = sub(1, stop_gradient(reduce_sum(labels, {last})));
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
  n.ignore({"sorted", "index_type"});  // unsorted results may come in any order
  const Array x = n.array(0, 1);
  const auto k = n.op() == "TopK" ? n.attr_integer("k", 0) : n.integer(1, 0);
  check(definitely_ge(x.shape().back(), Dim(k)).value_or(true), "k exceeds the last axis. Got {} of {}.", k, x.aval());
  const auto [values, indices] = top_k(x, k, x.rank() - 1);
  return {values, indices};
}

}  // namespace

void add_nn_operations(ConverterTable& table) {
  table.add("MatMul", mat_mul);
  for (const char* op : {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}) table.add(op, batch_mat_mul);
  table.add("Einsum", einsum_node);
  table.add("BiasAdd", bias_add);
  table.add("BiasAddV1", bias_add);
  table.add("BiasAddGrad", bias_add_grad);
  for (const char* op : {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) table.add(op, fused_batch_norm);
  for (const char* op : {"FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3"})
    table.add(op, fused_batch_norm_grad);
  table.add("SparseSoftmaxCrossEntropyWithLogits", sparse_cross_entropy);
  table.add("SoftmaxCrossEntropyWithLogits", cross_entropy);
  table.add("LRN", lrn);
  table.add("TopKV2", top_k_node);
  table.add("TopK", top_k_node);
}

}  // namespace tf2jax::tf_import
