// Reductions and running reductions.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

using Reduce = Array (*)(const Array&, const Axes&);
using Running = Array (*)(const Array&, std::int64_t, bool);

// JAX adds and multiplies narrow integers in 32 bits.
Array widened(const Array& x) {
  if (is_signed_integer(x.dtype()) && itemsize(x.dtype()) < 4) return astype(x, i32);
  if (is_unsigned_integer(x.dtype()) && itemsize(x.dtype()) < 4) return astype(x, u32);
  return x;
}
Array sum_of(const Array& x, const Axes& axes) { return reduce_sum(widened(x), axes); }
Array prod_of(const Array& x, const Axes& axes) { return reduce_prod(widened(x), axes); }
Array mean_of(const Array& x, const Axes& axes) {
  const Array in = to_inexact(x);
  Dim count = 1;
  for (const auto axis : axes) count *= in.shape()[axis];
  const Array divisor = count.is_constant() ? Array(static_cast<double>(count.value())) : dim_as_value(count);
  return divide(reduce_sum(in, axes), astype(divisor, in.dtype()));
}
Array all_of(const Array& x, const Axes& axes) { return reduce_and(astype(x, bool_), axes); }
Array any_of(const Array& x, const Axes& axes) { return reduce_or(astype(x, bool_), axes); }
Array euclidean_norm(const Array& x, const Axes& axes) { return sqrt(reduce_sum(mul(x, x), axes)); }

template <Reduce f>
Values reduce(Node& n) {
  const bool keep = n.attr<bool>("keep_dims");
  const Array x = n.array(0);
  const Axes axes = n.axes(1, x.rank());
  const Array y = f(x, axes);
  return {keep ? expand_dims(y, axes) : y};
}

Values prod(Node& n) {
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    n.ignore({"keep_dims"});
    return {Value(SymbolicInts{{num_elements(ints->values)}, true})};
  }
  return reduce<prod_of>(n);
}

Values arg_reduce(Node& n) {
  const DType type = n.attr_or<DType>("output_type", i64);
  const Array x = n.array(0);
  const auto axis = n.num_inputs() > 1 ? n.axis(1, x.rank()) : normalize_axis(0, x.rank(), n.op());
  const DType out = n.on_host() ? type : canonical_dtype(type);
  const Array in = is_bool(x.dtype()) ? astype(x, i32) : x;
  return {n.op() == "ArgMax" ? argmax(in, axis, out) : argmin(in, axis, out)};
}

template <Running f, int identity>
Values running(Node& n) {
  const bool exclusive = n.attr<bool>("exclusive"), reverse = n.attr<bool>("reverse");
  const Array x = n.array(0);
  const auto axis = n.axis(1, x.rank());
  const Array y = f(x, axis, reverse);
  const auto size = x.shape()[axis];
  if (!exclusive || identical(size, Dim(0))) return {y};
  // Shifted by one: the first (or last) result is the identity.
  Shape edge = x.shape();
  edge[axis] = 1;
  const Array first = full(edge, identity, x.dtype());
  Shape start(x.shape().size(), Dim(0)), limit = x.shape();
  if (reverse) start[axis] = 1;
  else limit[axis] = size - 1;
  const Array rest = slice(y, start, limit);
  return {reverse ? concatenate({rest, first}, axis) : concatenate({first, rest}, axis)};
}

}  // namespace

void add_reduce_operations(ConverterTable& table) {
  table.add("Sum", reduce<sum_of>);
  table.add("Prod", prod);
  table.add("Max", reduce<reduce_max>);
  table.add("Min", reduce<reduce_min>);
  table.add("Mean", reduce<mean_of>);
  table.add("All", reduce<all_of>);
  table.add("Any", reduce<any_of>);
  table.add("EuclideanNorm", reduce<euclidean_norm>);
  table.add("ArgMax", arg_reduce);
  table.add("ArgMin", arg_reduce);
  table.add("Cumsum", running<cumsum, 0>);
  table.add("Cumprod", running<cumprod, 1>);
  table.add("L2Loss", [](Node& n) {
    const Array x = n.array(0);
    return Values{mul(reduce_sum(mul(x, x), iota_axes(x.rank())), astype(Array(0.5), x.dtype()))};
  });
}

}  // namespace tf2jax::tf_import
