// Reductions: primitives with their rules, and the functions that apply them.
#include "tf2jax/ops/reduce.h"

#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

Axes rules::shift_axes(const Axes& axes, std::int64_t mapped) {
  Axes out = axes;
  for (std::int64_t& a : out) a += a >= mapped;
  return out;
}

namespace {

constexpr kind::Test reducible = [](DType d) { return is_numeric(d) || is_bool(d); };

Shape without(const Shape& shape, const Axes& axes) {
  Shape out;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (!contains(axes, static_cast<std::int64_t>(i))) out.push_back(shape[i]);
  return out;
}

// The position of a mapped axis once `axes` (which do not contain it) are gone.
std::int64_t axis_after(const Axes& axes, std::int64_t mapped) {
  return mapped - std::ranges::count_if(axes, [&](std::int64_t a) { return a < mapped; });
}

void check_axes(std::string_view name, const Aval& x, const Axes& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    check<AxisError>(axes[i] >= 0 && axes[i] < x.rank(),
                     "{}: an axis is out of range. Got {} for {}; expected axes in [0, {}).", name, axes[i], x,
                     x.rank());
    for (std::size_t k = 0; k < i; ++k)
      check<AxisError>(axes[i] != axes[k], "{}: an axis is repeated. Got {}; expected distinct axes.", name,
                       shown(axes));
  }
}

auto reduce_aval(std::string_view name, kind::Test allowed) {
  return [=](std::span<const Aval> x, const auto& p) -> Avals {
    rules::check_dtype(name, x[0].dtype, allowed);
    check_axes(name, x[0], p.axes);
    return {Aval{x[0].dtype, without(x[0].shape, p.axes), x[0].weak_type}};
  };
}

auto reduce_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const auto& p) -> BatchResult {
    auto shifted = p;
    shifted.axes = rules::shift_axes(p.axes, *axes[0]);
    return {self().bind({x[0]}, shifted), {axis_after(shifted.axes, *axes[0])}};
  };
}

// `y` without `axes`, repeated along them to the shape of `x`.
Array repeat_back(const Array& y, const Shape& shape, const Axes& axes) {
  return broadcast_in_dim(y, shape, other_axes(axes, static_cast<std::int64_t>(shape.size())));
}

auto chooser_jvp(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const ReduceAxes& p) -> JvpResult {
    Array y = self().bind1({x[0]}, p);
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    const Array chosen = rules::as_dtype(equal(x[0], repeat_back(y, x[0].shape(), p.axes)), x[0].dtype());
    const Array count = reduce_sum(chosen, p.axes);
    Array dy = div(reduce_sum(mul(t[0].value(), chosen), p.axes), count);
    return {{std::move(y)}, {Tangent(std::move(dy))}};
  };
}

struct Dual {
  Array x, t;
};
using Combine = Dual (*)(const Dual&, const Dual&);

Dual combine_product(const Dual& a, const Dual& b) { return {mul(a.x, b.x), add(mul(a.t, b.x), mul(a.x, b.t))}; }

// Halves the axis until one element is left: each element of the first half joins one of the second, as JAX pairs them.
Dual tree_reduce(Dual d, std::int64_t axis, Combine combine) {
  const auto part = [&](const Dual& v, std::int64_t lo, std::int64_t hi) {
    return Dual{slice_in_dim(v.x, lo, hi, 1, axis), slice_in_dim(v.t, lo, hi, 1, axis)};
  };
  for (;;) {
    const std::int64_t n = d.x.shape()[axis].value();
    if (n == 1) return {squeeze(d.x, {axis}), squeeze(d.t, {axis})};
    const std::int64_t pairs = n / 2, second = n - pairs;
    Dual joined = combine(part(d, 0, pairs), part(d, second, n));
    if (n % 2) {
      const Dual single = part(d, pairs, second);
      joined = {concatenate({joined.x, single.x}, axis), concatenate({joined.t, single.t}, axis)};
    }
    d = joined;
  }
}

JvpResult product_jvp(std::span<const Array> x, std::span<const Tangent> t, const PlainReduceAxes& p) {
  Array y = reduce_prod_p().bind1({x[0]}, p);
  if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
  Axes order = p.axes;
  const Axes kept = other_axes(p.axes, x[0].rank());
  order.insert(order.end(), kept.begin(), kept.end());
  Shape shape{Dim(1)};
  for (std::int64_t a : p.axes) shape[0] *= x[0].shape()[a];
  for (std::int64_t a : kept) shape.push_back(x[0].shape()[a]);
  if (identical(shape[0], Dim(0))) return {{y}, {Tangent::zero(y.aval())}};
  const auto arrange = [&](const Array& v) { return reshape(transpose(v, order), shape); };
  const Array xs = arrange(x[0]), ts = arrange(t[0].value());
  Array dy = tree_reduce({xs, ts}, 0, combine_product).t;
  return {{std::move(y)}, {Tangent(std::move(dy))}};
}

Primitive make_chooser(const char* name, PrimitiveFn self) {
  return make_primitive<ReduceAxes>({.name = name,
                                     .operands = 1,
                                     .aval = reduce_aval(name, reducible),
                                     .jvp = chooser_jvp(self),
                                     .batch = reduce_batch(self)});
}
Primitive make_bitwise(const char* name, PrimitiveFn self) {
  return make_primitive<PlainReduceAxes>({.name = name,
                                          .operands = 1,
                                          .aval = reduce_aval(name, kind::bool_or_integer),
                                          .jvp = rules::jvp_zero(self),
                                          .batch = reduce_batch(self)});
}

Primitive make_arg(const char* name, PrimitiveFn self) {
  return make_primitive<ArgReduce>(
      {.name = name,
       .operands = 1,
       .aval = [name](std::span<const Aval> x, const ArgReduce& p) -> Avals {
         rules::check_dtype(name, x[0].dtype, kind::ordered);
         check_axes(name, x[0], p.axes);
         check<DtypeError>(is_integer(p.index_dtype), "{}: index_dtype must be an integer dtype. Got {}.", name,
                           p.index_dtype);
         check(p.axes.size() == 1, "{}: one axis is expected. Got axes {}.", name, shown(p.axes));
         const Dim n = x[0].shape[p.axes[0]];
         check(!identical(n, Dim(0)), "{}: there is no extreme of no elements. Got {} along axis {}.", name, x[0],
               p.axes[0]);
         return {Aval{p.index_dtype, without(x[0].shape, p.axes), false}};
       },
       .jvp = rules::jvp_zero(self),
       .batch = reduce_batch(self)});
}

// ---- cumulative operations

Avals cumulative_aval(std::string_view name, std::span<const Aval> x, const Cumulative& p) {
  rules::check_dtype(name, x[0].dtype, kind::numeric);
  check<AxisError>(p.axis >= 0 && p.axis < x[0].rank(),
                   "{}: the axis is out of range. Got {} for {}; expected an axis in [0, {}).", name, p.axis, x[0],
                   x[0].rank());
  return {x[0]};
}

auto cumulative_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const Cumulative& p) -> BatchResult {
    Cumulative shifted = p;
    shifted.axis += p.axis >= *axes[0];
    return {self().bind({x[0]}, shifted), {axes[0]}};
  };
}

// Blelloch's scan: combine neighbours, scan the pairs, fill in the others.
Dual scan_tree(const Dual& d, std::int64_t axis, Combine combine) {
  const auto n = d.x.shape()[axis].value();
  if (n < 2) return d;
  const auto part = [&](const Dual& v, std::int64_t lo, std::int64_t hi, std::int64_t step) {
    return Dual{slice_in_dim(v.x, lo, hi, step, axis), slice_in_dim(v.t, lo, hi, step, axis)};
  };
  const auto size = [&](const Dual& v) { return v.x.shape()[axis].value(); };
  const Dual odd = scan_tree(combine(part(d, 0, n - 1, 2), part(d, 1, n, 2)), axis, combine);
  const Dual rest = part(d, 2, n, 2);
  const bool is_even = n % 2 == 0;
  const Dual first = part(d, 0, 1, 1);
  Dual even = first;
  if (n > 2) {
    const Dual tail = combine(is_even ? part(odd, 0, size(odd) - 1, 1) : odd, rest);
    even = {concatenate({first.x, tail.x}, axis), concatenate({first.t, tail.t}, axis)};
  }
  // Interleave even and odd positions.
  const auto interleave = [&](const Array& a, const Array& b) {
    const Array zero = rules::scalar_of(a.dtype(), 0);
    std::vector<PadAxis> low(a.shape().size(), PadAxis{0, 0, 0}), high = low;
    low[axis] = {0, is_even ? 1 : 0, 1};
    high[axis] = {1, is_even ? 0 : 1, 1};
    const Array left = pad(a, zero, low), right = pad(b, zero, high);
    return add(left, right);
  };
  const Array t = interleave(even.t, odd.t);
  // The values themselves may be infinite, so they are woven with concatenate rather than with sums.
  Array x;
  {
    Shape pair = odd.x.shape();
    pair.insert(pair.begin() + axis + 1, Dim(1));
    Shape woven = odd.x.shape();
    woven[axis] = Dim(2 * size(odd));
    const Array front = slice_in_dim(even.x, 0, size(odd), 1, axis);
    x = reshape(concatenate({reshape(front, pair), reshape(odd.x, pair)}, axis + 1), woven);
    if (!is_even) x = concatenate({x, slice_in_dim(even.x, size(even) - 1, size(even), 1, axis)}, axis);
  }
  return {x, t};
}

template <bool kMax>
Dual combine_choice(const Dual& a, const Dual& b) {
  const Array y = kMax ? maximum(a.x, b.x) : minimum(a.x, b.x);
  const auto share = [&](const Array& x, const Array& other) {
    const Array half = full_like(x, 0.5f), one = ones_like(x), none = zeros_like(x);
    return select(equal(x, y), select(equal(other, y), half, one), none);
  };
  const Array wa = share(a.x, b.x), wb = share(b.x, a.x);
  const Array ta = mul(a.t, wa), tb = mul(b.t, wb);
  return {y, add(ta, tb)};
}
// One choice of the larger term serves both places, so that further derivatives hold at ties too.
Array logaddexp_strict(const Array& a, const Array& b) {
  const Array first = greater(a, b);
  const Array largest = select(first, a, b), distance = sub(select(first, b, a), largest);
  const Array undefined = not_equal(distance, distance);  // of equal infinities, or NaN
  const Array safe = select(undefined, zeros_like(distance), distance);
  return select(undefined, add(a, b), add(largest, log1p(exp(safe))));
}
// e^(x - y), with infinite values taken for 0 as JAX's rule does.
Dual combine_logaddexp(const Dual& a, const Dual& b) {
  const Array y = logaddexp_strict(a.x, b.x);
  const auto finite = [](const Array& v) {
    return select(equal(v, full_like(v, std::numeric_limits<float>::infinity())), zeros_like(v), v);
  };
  const auto weight = [&](const Array& x) { return exp(sub(finite(x), finite(y))); };
  const Array wa = weight(a.x), wb = weight(b.x);
  const Array ta = mul(a.t, wa), tb = mul(b.t, wb);
  return {y, add(ta, tb)};
}

Primitive make_cumulative(const char* name, PrimitiveFn self, Combine combine) {
  return make_primitive<Cumulative>(
      {.name = name,
       .operands = 1,
       .aval = [name](std::span<const Aval> x, const Cumulative& p) { return cumulative_aval(name, x, p); },
       .jvp = [self, combine](std::span<const Array> x, std::span<const Tangent> t, const Cumulative& p) -> JvpResult {
         Array y = self().bind1({x[0]}, p);
         if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
         const auto turn = [&](const Array& v) { return p.reverse ? rev(v, {p.axis}) : v; };
         const Array xs = turn(x[0]), ts = turn(t[0].value());
         Array dy = turn(scan_tree({xs, ts}, p.axis, combine).t);
         return {{std::move(y)}, {Tangent(std::move(dy))}};
       },
       .batch = cumulative_batch(self)});
}

Array reduce(const Primitive& p, std::string_view name, const Array& x, const Axes& axes, bool sharded) {
  const Axes normal = normalize_axes(axes, x.rank(), name);
  return sharded ? p.bind1({x}, ReduceAxes{normal}) : p.bind1({x}, PlainReduceAxes{normal});
}
// Bools count as integers, and running totals of weak types are not weak.
Array countable(const Array& x) {
  return rules::as_dtype(x, is_bool(x.dtype()) ? canonical_dtype(DType::i64) : x.dtype());
}
Array cumulate(const Primitive& p, const Array& x, std::int64_t axis, bool reverse) {
  return p.bind1({x}, Cumulative{normalize_axis(axis, x.rank(), p.name()), reverse});
}

}  // namespace

const Primitive& reduce_sum_p() {
  static const Primitive p = make_primitive<ReduceAxes>(
      {.name = "reduce_sum",
       .operands = 1,
       .aval = reduce_aval("reduce_sum", kind::numeric),
       .jvp = rules::jvp_linear(reduce_sum_p),
       .transpose = rules::transpose_unary(
           [](const Array& ct, const Aval& x, const ReduceAxes& a) { return repeat_back(ct, x.shape, a.axes); }),
       .batch = reduce_batch(reduce_sum_p)});
  return p;
}
const Primitive& reduce_prod_p() {
  static const Primitive p = make_primitive<PlainReduceAxes>({.name = "reduce_prod",
                                                              .operands = 1,
                                                              .aval = reduce_aval("reduce_prod", kind::numeric),
                                                              .jvp = product_jvp,
                                                              .batch = reduce_batch(reduce_prod_p)});
  return p;
}
const Primitive& reduce_max_p() {
  static const Primitive p = make_chooser("reduce_max", reduce_max_p);
  return p;
}
const Primitive& reduce_min_p() {
  static const Primitive p = make_chooser("reduce_min", reduce_min_p);
  return p;
}
const Primitive& reduce_and_p() {
  static const Primitive p = make_bitwise("reduce_and", reduce_and_p);
  return p;
}
const Primitive& reduce_or_p() {
  static const Primitive p = make_bitwise("reduce_or", reduce_or_p);
  return p;
}
const Primitive& reduce_xor_p() {
  static const Primitive p = make_bitwise("reduce_xor", reduce_xor_p);
  return p;
}
const Primitive& argmax_p() {
  static const Primitive p = make_arg("argmax", argmax_p);
  return p;
}
const Primitive& argmin_p() {
  static const Primitive p = make_arg("argmin", argmin_p);
  return p;
}
const Primitive& cumsum_p() {
  static const Primitive p = make_primitive<Cumulative>(
      {.name = "cumsum",
       .operands = 1,
       .aval = [](std::span<const Aval> x, const Cumulative& c) { return cumulative_aval("cumsum", x, c); },
       .jvp = rules::jvp_linear(cumsum_p),
       .transpose = rules::transpose_unary([](const Array& ct, const Aval&, const Cumulative& c) {
         return cumsum_p().bind1({ct}, Cumulative{c.axis, !c.reverse});
       }),
       .batch = cumulative_batch(cumsum_p)});
  return p;
}
const Primitive& cumprod_p() {
  static const Primitive p = make_cumulative("cumprod", cumprod_p, combine_product);
  return p;
}
const Primitive& cummax_p() {
  static const Primitive p = make_cumulative("cummax", cummax_p, combine_choice<true>);
  return p;
}
const Primitive& cummin_p() {
  static const Primitive p = make_cumulative("cummin", cummin_p, combine_choice<false>);
  return p;
}
const Primitive& cumlogsumexp_p() {
  static const Primitive p = make_cumulative("cumlogsumexp", cumlogsumexp_p, combine_logaddexp);
  return p;
}

void append_reduce_primitives(std::vector<Primitive>& out) {
  for (PrimitiveFn p : {reduce_sum_p, reduce_prod_p, reduce_max_p, reduce_min_p, reduce_and_p, reduce_or_p,
                        reduce_xor_p, argmax_p, argmin_p, cumsum_p, cumprod_p, cummax_p, cummin_p, cumlogsumexp_p})
    out.push_back(p());
}

Array reduce_sum(const Array& x, const Axes& axes) { return reduce(reduce_sum_p(), "reduce_sum", x, axes, true); }
Array reduce_prod(const Array& x, const Axes& axes) { return reduce(reduce_prod_p(), "reduce_prod", x, axes, false); }
Array reduce_max(const Array& x, const Axes& axes) { return reduce(reduce_max_p(), "reduce_max", x, axes, true); }
Array reduce_min(const Array& x, const Axes& axes) { return reduce(reduce_min_p(), "reduce_min", x, axes, true); }
Array reduce_and(const Array& x, const Axes& axes) { return reduce(reduce_and_p(), "reduce_and", x, axes, false); }
Array reduce_or(const Array& x, const Axes& axes) { return reduce(reduce_or_p(), "reduce_or", x, axes, false); }
Array reduce_xor(const Array& x, const Axes& axes) { return reduce(reduce_xor_p(), "reduce_xor", x, axes, false); }
Array argmax(const Array& x, std::int64_t axis, DType index_dtype) {
  return argmax_p().bind1(
      {x}, ArgReduce{{normalize_axis(axis, x.rank(), "argmax")}, requested_dtype("argmax", index_dtype)});
}
Array argmin(const Array& x, std::int64_t axis, DType index_dtype) {
  return argmin_p().bind1(
      {x}, ArgReduce{{normalize_axis(axis, x.rank(), "argmin")}, requested_dtype("argmin", index_dtype)});
}
Array cumsum(const Array& x, std::int64_t axis, bool reverse) {
  return cumulate(cumsum_p(), countable(x), axis, reverse);
}
Array cumprod(const Array& x, std::int64_t axis, bool reverse) {
  return cumulate(cumprod_p(), countable(x), axis, reverse);
}
Array cummax(const Array& x, std::int64_t axis, bool reverse) { return cumulate(cummax_p(), x, axis, reverse); }
Array cummin(const Array& x, std::int64_t axis, bool reverse) { return cumulate(cummin_p(), x, axis, reverse); }
Array cumlogsumexp(const Array& x, std::int64_t axis, bool reverse) {
  return cumulate(cumlogsumexp_p(), x, axis, reverse);
}

}  // namespace tf2jax
