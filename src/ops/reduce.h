// Reductions over axes and running (cumulative) reductions along one axis.
#pragma once
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Axes of a sum, maximum or minimum.
struct ReduceAxes {
  Axes axes;
  bool operator==(const ReduceAxes&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axes", self.axes);
    v.fixed("out_sharding", "None");
  }
};
/// Axes of the other reductions.
struct PlainReduceAxes {
  Axes axes;
  bool operator==(const PlainReduceAxes&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("axes", self.axes); }
};
/// Params of argmax and argmin: one axis, and the dtype of the index.
struct ArgReduce {
  Axes axes;
  DType index_dtype = DType::i32;
  bool operator==(const ArgReduce&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axes", self.axes);
    v.field("index_dtype", self.index_dtype);
  }
};
/// Params of the running reductions.
struct Cumulative {
  std::int64_t axis = 0;
  bool reverse = false;
  bool operator==(const Cumulative&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axis", self.axis);
    v.field("reverse", self.reverse);
  }
};

const Primitive& reduce_sum_p();
const Primitive& reduce_prod_p();
const Primitive& reduce_max_p();
const Primitive& reduce_min_p();
const Primitive& reduce_and_p();
const Primitive& reduce_or_p();
const Primitive& reduce_xor_p();
const Primitive& argmax_p();
const Primitive& argmin_p();
const Primitive& cumsum_p();
const Primitive& cumprod_p();
const Primitive& cummax_p();
const Primitive& cummin_p();
const Primitive& cumlogsumexp_p();
/// The primitives of reduce.cpp.
void append_reduce_primitives(std::vector<Primitive>& out);

// ---- strict functions, as in jax.lax: the dtype is kept, the axes are dropped from the shape. Symbolic sizes allowed.
// Throws: AxisError when an axis is out of range or repeated, DtypeError for a dtype the operation does not have.

/// Sums `x` over `axes`. Dtypes: numeric; integers wrap, f16 and bf16 accumulate in f32.
/// Gradient: linear; the cotangent is broadcast back.
Array reduce_sum(const Array& x, const Axes& axes);
/// Product over `axes`. Gradient: by the product rule over a balanced tree, right where factors are zero.
Array reduce_prod(const Array& x, const Axes& axes);
/// Largest (smallest) element over `axes`; NaN wins. Gradient: shared evenly by equal elements.
Array reduce_max(const Array& x, const Axes& axes);
/// Smallest element over `axes`; as reduce_max.
Array reduce_min(const Array& x, const Axes& axes);
/// Bitwise (bools: logical) and, or, exclusive or over `axes`. Not differentiable.
Array reduce_and(const Array& x, const Axes& axes);
/// Bitwise (bools: logical) or over `axes`. Not differentiable.
Array reduce_or(const Array& x, const Axes& axes);
/// Bitwise (bools: logical) exclusive or over `axes`. Not differentiable.
Array reduce_xor(const Array& x, const Axes& axes);
/// Index of the largest (smallest) element along `axis`: the first of equal ones; NaN wins.
Array argmax(const Array& x, std::int64_t axis, DType index_dtype);
/// Index of the smallest element along `axis`: the first of equal ones; NaN wins.
Array argmin(const Array& x, std::int64_t axis, DType index_dtype);

/// Running sums along `axis`, from the end when `reverse`. Gradient: linear; the sums run the other way.
Array cumsum(const Array& x, std::int64_t axis, bool reverse = false);
/// Running products, maxima, minima, log(sum(exp)). Gradient: along a balanced tree, as in JAX.
Array cumprod(const Array& x, std::int64_t axis, bool reverse = false);
/// Running maxima; NaN wins.
Array cummax(const Array& x, std::int64_t axis, bool reverse = false);
/// Running minima; NaN wins.
Array cummin(const Array& x, std::int64_t axis, bool reverse = false);
/// Running log(sum(exp(x))), without overflow.
Array cumlogsumexp(const Array& x, std::int64_t axis, bool reverse = false);

namespace rules {
/// Axes of a value from which axis `mapped` is taken away, in the value's own numbering.
Axes shift_axes(const Axes& axes, std::int64_t mapped);
}  // namespace rules

}  // namespace tf2jax
