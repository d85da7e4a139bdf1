// Builders of the rules that many primitives share. Rules are generic over the params type.
#pragma once
#include <string>
#include <string_view>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

using PrimitiveFn = const Primitive& (*)();

/// Groups of dtypes an operand may have.
namespace kind {
using Test = bool (*)(DType);
inline constexpr Test any = [](DType d) { return d != DType::float0 && d != DType::key; };
inline constexpr Test inexact = [](DType d) { return is_inexact(d); };
inline constexpr Test floating = [](DType d) { return is_floating(d); };
inline constexpr Test complex_only = [](DType d) { return is_complex(d); };
inline constexpr Test numeric = [](DType d) { return is_numeric(d); };
inline constexpr Test integer = [](DType d) { return is_integer(d); };
inline constexpr Test bool_or_integer = [](DType d) { return is_integer(d) || is_bool(d); };
inline constexpr Test real = [](DType d) { return is_integer(d) || is_floating(d); };
inline constexpr Test ordered = [](DType d) { return is_integer(d) || is_floating(d) || is_bool(d); };
}  // namespace kind

namespace rules {

/// Throws: TypeError naming the primitive unless `allowed(dtype)`.
void check_dtype(std::string_view name, DType dtype, kind::Test allowed);
/// Shape of an elementwise application: equal ranks with sizes equal or 1; scalars fit anything.
/// Throws: TypeError "{name} got incompatible shapes for broadcasting: (3,), (4,)."
Shape elementwise_shape(std::string_view name, std::span<const Aval> operands);
/// Dtype shared by all operands. Throws: TypeError.
DType same_dtype(std::string_view name, std::span<const Aval> operands);
bool all_weak(std::span<const Aval> operands);

/// Sums a cotangent over the axes along which `target` was broadcast.
Array unbroadcast(const Array& ct, const Aval& target);
Tangent unbroadcast(const Tangent& ct, const Aval& target);
/// astype and convert_element_type to exactly `dtype`, also where 64-bit types are off: rules follow the types that
/// their operands have.
Array as_dtype(const Array& x, DType dtype);
Array converted(const Array& x, DType dtype, bool weak_type = false);
/// A scalar, or every element of an array, of exactly that type.
Array scalar_of(DType dtype, const Array& value);
/// The lowest, or the highest, value of an integer or floating dtype: infinities where there are some.
/// Throws: DtypeError for others.
Array extreme(DType dtype, bool lowest);
Array filled(const Shape& shape, DType dtype, const Array& value);
/// Indices of an axis of that size, where negative ones count from its end. Types that do not hold the size become i32
/// or i64; known scalars stay known.
Array wrap_negative(const Array& indices, Dim size);
/// Expands `x` to exactly `shape` (scalars and size-1 axes repeat).
Array broadcast_like(const Array& x, const Shape& shape);
/// The value of a tangent, zeros when it is a symbolic zero.
Array instantiate(const Tangent& t);
/// Sum of two tangents; a symbolic zero costs nothing.
Tangent add_tangents(const Tangent& a, const Tangent& b);

/// Brings a value's mapped axis to the front; an unmapped value is broadcast along a new front axis of `size`.
Array to_front(const Array& x, Axis axis, Dim size);
/// As to_front, but leaves unmapped values alone.
Array mapped_to_front(const Array& x, Axis axis);
/// Moves axis `from` to `to`.
Array move_axis(const Array& x, std::int64_t from, std::int64_t to);

/// Batching of an elementwise application of `self` (see elementwise_shape).
BatchResult batch_elementwise(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes,
                              const EquationParams& params);

// ---- aval rules. They outlive the call that makes them, so they own the name.
/// The operand's own aval, for one operand of an allowed dtype. Generic over params.
inline auto same_as_operand(kind::Test allowed, std::string name = "elementwise operation") {
  return [=](std::span<const Aval> x, const auto&) -> Avals {
    check_dtype(name, x[0].dtype, allowed);
    return {x[0]};
  };
}
/// The operand's shape with another dtype.
inline auto unary_to(DType out, kind::Test allowed, std::string name) {
  return [=](std::span<const Aval> x, const auto&) -> Avals {
    check_dtype(name, x[0].dtype, allowed);
    return {Aval{out, x[0].shape, false}};
  };
}
/// Broadcast shape, common dtype.
inline auto nary(kind::Test allowed, std::string name) {
  return [=](std::span<const Aval> x, const auto&) -> Avals {
    const DType d = same_dtype(name, x);
    check_dtype(name, d, allowed);
    return {Aval{d, elementwise_shape(name, x), all_weak(x)}};
  };
}
inline auto nary_to(DType out, kind::Test allowed, std::string name) {
  return [=](std::span<const Aval> x, const auto&) -> Avals {
    check_dtype(name, same_dtype(name, x), allowed);
    return {Aval{out, elementwise_shape(name, x), false}};
  };
}

// ---- jvp rules
/// `partial(x, y, t)`: the tangent of y = f(x) along t.
template <class Partial>
auto jvp_unary(Partial partial, PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array y = self().bind1({x[0]}, params);
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    Array dy = partial(x[0], y, t[0].value());
    return {{std::move(y)}, {Tangent(std::move(dy))}};
  };
}
/// Linear in its only operand: the tangent goes through the same operation.
inline auto jvp_linear(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array y = self().bind1({x[0]}, params);
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    return {{std::move(y)}, {Tangent(self().bind1({t[0].value()}, params))}};
  };
}
/// Zero tangent for every output.
inline auto jvp_zero(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent>, const auto& params) -> JvpResult {
    JvpResult out{self().bind(x, params), {}};
    for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
    return out;
  };
}
/// One partial per operand: `left(x, y, out, t)` and `right(x, y, out, t)`, each giving the tangent of the output.
template <class Left, class Right>
auto jvp_binary(Left left, Right right, PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array out = self().bind1({x[0], x[1]}, params);
    Tangent sum = Tangent::zero(out.aval());
    if (!t[0].is_zero()) sum = Tangent(broadcast_like(left(x[0], x[1], out, t[0].value()), out.shape()));
    if (!t[1].is_zero())
      sum = add_tangents(sum, Tangent(broadcast_like(right(x[0], x[1], out, t[1].value()), out.shape())));
    return {{std::move(out)}, {std::move(sum)}};
  };
}
/// Linear in all operands together (concatenate, pad, …): symbolic zeros are instantiated unless all are zero.
inline auto jvp_linear_all(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array y = self().bind(x, params)[0];
    bool live = false;
    Arrays in;
    for (const Tangent& d : t) live = live || !d.is_zero();
    if (!live) return {{y}, {Tangent::zero(y.aval())}};
    for (const Tangent& d : t) in.push_back(instantiate(d));
    return {{std::move(y)}, {Tangent(self().bind(in, params)[0])}};
  };
}
/// Linear in each of two operands separately (mul, dot_general, conv).
inline auto jvp_bilinear(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array y = self().bind1({x[0], x[1]}, params);
    Tangent sum = Tangent::zero(y.aval());
    if (!t[0].is_zero()) sum = Tangent(broadcast_like(self().bind1({t[0].value(), x[1]}, params), y.shape()));
    if (!t[1].is_zero())
      sum = add_tangents(sum, Tangent(broadcast_like(self().bind1({x[0], t[1].value()}, params), y.shape())));
    return {{std::move(y)}, {std::move(sum)}};
  };
}
/// Linear in operand 0; the others (indices) are constants with float0 tangents.
inline auto jvp_linear_first(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const auto& params) -> JvpResult {
    Array y = self().bind(x, params)[0];
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    Arrays in(x.begin(), x.end());
    in[0] = t[0].value();
    return {{std::move(y)}, {Tangent(self().bind(in, params)[0])}};
  };
}

// ---- transpose rules
/// `adjoint(ct, operand aval, params)` for an operation linear in its only operand.
template <class Adjoint>
auto transpose_unary(Adjoint adjoint) {
  return [=](std::span<const Tangent> ct, std::span<const LinearArg> x, const auto& params) -> Tangents {
    if (ct[0].is_zero()) return {Tangent::zero(x[0].aval)};
    return {Tangent(adjoint(ct[0].value(), x[0].aval, params))};
  };
}
/// `lhs(ct, lhs aval, rhs, params)` and `rhs(ct, lhs, rhs aval, params)` for a bilinear operation.
template <class Lhs, class Rhs>
auto transpose_bilinear(Lhs lhs, Rhs rhs) {
  return [=](std::span<const Tangent> ct, std::span<const LinearArg> x, const auto& params) -> Tangents {
    Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
    if (ct[0].is_zero()) return out;
    if (x[0].is_linear() && x[1].is_linear())
      raise<InternalError>("transpose: both operands of a bilinear operation are linear.");
    if (x[0].is_linear()) out[0] = Tangent(lhs(ct[0].value(), x[0].aval, *x[1].known, params));
    else out[1] = Tangent(rhs(ct[0].value(), *x[0].known, x[1].aval, params));
    return out;
  };
}

// ---- batching rules
/// One operand, any axis, params unchanged.
inline auto batch_unary(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const auto& params) -> BatchResult {
    return {self().bind(x.subspan(0, 1), params), {axes[0]}};
  };
}
inline auto batch_nary(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const auto& params) -> BatchResult {
    return batch_elementwise(self(), x, axes, params);
  };
}

}  // namespace rules
}  // namespace tf2jax
