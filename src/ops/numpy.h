// NumPy-like reductions, statistics and selection: axes may be negative, empty axes mean all, dtypes follow JAX.
#pragma once
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// Axes of a reduction: none given means all of them. An int or a list converts.
struct AxisList {
  AxisList() = default;
  AxisList(int axis) : axes({axis}), given(true) {}                                           // NOLINT
  AxisList(std::int64_t axis) : axes({axis}), given(true) {}                                  // NOLINT
  AxisList(std::initializer_list<std::int64_t> list) : axes(list), given(list.size() > 0) {}  // NOLINT
  AxisList(Axes list) : axes(std::move(list)), given(true) {}                                 // NOLINT
  Axes axes;
  bool given = false;
};
/// Pass as the last argument to keep reduced axes with size 1.
enum class KeepDims : bool { no, yes };
/// Short for KeepDims::yes.
inline constexpr KeepDims keepdims = KeepDims::yes;

/// Sum over axes. Bools and narrow integers become i32 or u32 (64 bits with x64), which wrap. Gradient: the cotangent
/// back. Throws: AxisError for an axis out of range or repeated.
Array sum(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Product over axes, with the dtypes of sum. Gradient: right where factors are zero.
Array prod(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Arithmetic mean; integers become floating, halves compute in f32.
Array mean(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Mean squared deviation from the mean, with `ddof` degrees of freedom removed; NaN when none are left.
Array var(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no, std::int64_t ddof = 0);
/// The square root of var.
Array std_dev(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no, std::int64_t ddof = 0);
/// Largest and smallest element; NaN wins; ties share the gradient. Throws: ValueError where there are no elements.
Array max(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Smallest element; as max.
Array min(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// True where all (any) elements are. (`all` itself is the whole-axis index.)
Array all_true(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// True where any element is.
Array any_true(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// log(sum(exp(x))) without overflow.
Array logsumexp(const Array& x, const AxisList& axes = {}, KeepDims keep = KeepDims::no);
/// Index of the first largest (smallest) element along `axis`, i32 (i64 with x64).
Array argmax(const Array& x, std::int64_t axis);
/// Index of the first smallest element along `axis`, i32 (i64 with x64).
Array argmin(const Array& x, std::int64_t axis);
/// Euclidean norm of all elements.
Array norm(const Array& x);
/// Mean of (x - y)^2.
Array mse(const Array& x, const Array& y);
/// Slices of `x` along `axis` at integer `indices` (negative ones count from the end); out of range gives NaN (or the
/// lowest integer).
Array take(const Array& x, const Array& indices, std::int64_t axis = 0);
/// x[…, indices[…], …] along `axis`, one index for each element of the result: what argsort gives sorts. Negative ones
/// count from the end; out of range gives NaN (or the lowest integer). The other axes broadcast.
/// Throws: ShapeError where ranks differ, TypeError, AxisError.
Array take_along_axis(const Array& x, const Array& indices, std::int64_t axis);

// ---- neural networks
Array relu(const Array& x);  ///< max(x, 0), with derivative 0 at 0.
/// min(max(x, 0), 6). TF: Relu6.
Array relu6(const Array& x);
/// x where it is not negative, else `slope` times x. TF: LeakyRelu.
Array leaky_relu(const Array& x, double slope = 0.01);
/// x where it is positive, else `alpha` times (exp(x) - 1). TF: Elu.
Array elu(const Array& x, double alpha = 1.0);
/// elu scaled so that activations normalise themselves. Source: Klambauer et al., 2017. TF: Selu.
Array selu(const Array& x);
/// x Phi(x): the tanh approximation by default, as in JAX.
Array gelu(const Array& x, bool approximate = true);
/// x times sigmoid(x), also called swish.
Array silu(const Array& x);
/// 1 / (1 + exp(-x)). TF: Sigmoid.
Array sigmoid(const Array& x);
/// log(1 + exp(x)) without overflow.
Array softplus(const Array& x);
/// exp(x) divided by its sum along `axis`, without overflow. TF: Softmax.
Array softmax(const Array& x, std::int64_t axis = -1);
/// The logarithm of softmax, without underflow. TF: LogSoftmax.
Array log_softmax(const Array& x, std::int64_t axis = -1);
/// 1 where the class index equals the position along a new last axis.
Array one_hot(const Array& indices, std::int64_t classes, std::optional<DType> dtype = {});

}  // namespace tf2jax
