// Binary and ternary elementwise primitives and their rules.
#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

using rules::batch_nary;
using rules::instantiate;
using rules::unbroadcast;

Primitive comparison(std::string name, kind::Test allowed, PrimitiveFn self) {
  return make_primitive({
      .name = name,
      .operands = 2,
      .aval = rules::nary_to(DType::bool_, allowed, name),
      .jvp = rules::jvp_zero(self),
      .batch = batch_nary(self),
  });
}

Primitive bitwise(std::string name, kind::Test allowed, PrimitiveFn self) {
  return make_primitive({
      .name = name,
      .operands = 2,
      .aval = rules::nary(allowed, name),
      .jvp = rules::jvp_zero(self),
      .batch = batch_nary(self),
  });
}

// 1 where `x` is the chosen operand, 1/2 on ties, 0 elsewhere.
Array balanced(const Array& x, const Array& y, const Array& out) {
  const Array mine = equal(x, out), other = equal(y, out);
  const Array one = full_like(out, 1), zero = full_like(out, 0), half = full_like(out, 0.5);
  const Array chosen = select(rules::broadcast_like(mine, out.shape()), one, zero);
  const Array share = select(rules::broadcast_like(other, out.shape()), half, one);
  return chosen * share;
}

template <class Partial>
Primitive extremum(std::string name, PrimitiveFn self, Partial partial) {
  return make_primitive({
      .name = name,
      .operands = 2,
      .aval = rules::nary(kind::any, name),
      .jvp =
          rules::jvp_binary([partial](auto& x, auto& y, auto& out, auto& t) { return t * partial(x, y, out); },
                            [partial](auto& x, auto& y, auto& out, auto& t) { return t * partial(y, x, out); }, self),
      .batch = batch_nary(self),
  });
}

Tangents transpose_sum(std::span<const Tangent> ct, std::span<const LinearArg> x, bool subtract) {
  Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
  if (ct[0].is_zero()) return out;
  if (x[0].is_linear()) out[0] = unbroadcast(ct[0], x[0].aval);
  if (x[1].is_linear()) out[1] = unbroadcast(subtract ? Tangent(neg(ct[0].value())) : ct[0], x[1].aval);
  return out;
}

}  // namespace

const Primitive& add_p() {
  static const Primitive p = make_primitive({
      .name = "add",
      .operands = 2,
      .aval = rules::nary(kind::numeric, "add"),
      .jvp = rules::jvp_binary([](auto&, auto&, auto&, auto& t) { return t; },
                               [](auto&, auto&, auto&, auto& t) { return t; }, add_p),
      .transpose = [](auto ct, auto x, const NoParams&) { return transpose_sum(ct, x, false); },
      .batch = batch_nary(add_p),
  });
  return p;
}
const Primitive& add_any_p() {
  static const Primitive p = make_primitive({
      .name = "add_any",
      .operands = 2,
      .aval = rules::nary(kind::any, "add_any"),
      .jvp = rules::jvp_binary([](auto&, auto&, auto&, auto& t) { return t; },
                               [](auto&, auto&, auto&, auto& t) { return t; }, add_any_p),
      .transpose = [](auto ct, auto x, const NoParams&) { return transpose_sum(ct, x, false); },
      .batch = batch_nary(add_any_p),
  });
  return p;
}
const Primitive& sub_p() {
  static const Primitive p = make_primitive({
      .name = "sub",
      .operands = 2,
      .aval = rules::nary(kind::numeric, "sub"),
      .jvp = rules::jvp_binary([](auto&, auto&, auto&, auto& t) { return t; },
                               [](auto&, auto&, auto&, auto& t) { return neg(t); }, sub_p),
      .transpose = [](auto ct, auto x, const NoParams&) { return transpose_sum(ct, x, true); },
      .batch = batch_nary(sub_p),
  });
  return p;
}
const Primitive& mul_p() {
  static const Primitive p = make_primitive({
      .name = "mul",
      .operands = 2,
      .aval = rules::nary(kind::any, "mul"),
      .jvp = rules::jvp_bilinear(mul_p),
      .transpose =
          rules::transpose_bilinear([](auto& ct, auto& x, auto& y, auto&) { return unbroadcast(mul(ct, y), x); },
                                    [](auto& ct, auto& x, auto& y, auto&) { return unbroadcast(mul(x, ct), y); }),
      .batch = batch_nary(mul_p),
  });
  return p;
}
const Primitive& div_p() {
  static const Primitive p = make_primitive({
      .name = "div",
      .operands = 2,
      .aval = rules::nary(kind::numeric, "div"),
      .jvp = rules::jvp_binary([](auto&, auto& y, auto&, auto& t) { return div(t, y); },
                               [](auto& x, auto& y, auto&, auto& t) { return mul(mul(neg(t), x), integer_pow(y, -2)); },
                               div_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const NoParams&) -> Tangents {
        if (x[1].is_linear())
          raise<TypeError>(
              "div: nonlinear div can't be transposed, since the divisor depends on the differentiated input.");
        if (ct[0].is_zero()) return {Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
        return {Tangent(unbroadcast(div(ct[0].value(), *x[1].known), x[0].aval)), Tangent::zero(x[1].aval)};
      },
      .batch = batch_nary(div_p),
  });
  return p;
}
const Primitive& rem_p() {
  static const Primitive p = make_primitive({
      .name = "rem",
      .operands = 2,
      .aval = rules::nary(kind::real, "rem"),
      .jvp = rules::jvp_binary([](auto&, auto&, auto&, auto& t) { return t; },
                               [](auto& x, auto& y, auto&, auto& t) {
                                 const Array quotient = div(x, y);
                                 const Array towards_zero = sign(quotient) * floor(abs(quotient));
                                 return neg(t) * towards_zero;
                               },
                               rem_p),
      .batch = batch_nary(rem_p),
  });
  return p;
}
const Primitive& max_p() {
  static const Primitive p = extremum("max", max_p, balanced);
  return p;
}
const Primitive& min_p() {
  static const Primitive p = extremum("min", min_p, balanced);
  return p;
}

const Primitive& pow_p() {
  static const Primitive p = make_primitive({
      .name = "pow",
      .operands = 2,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        rules::check_dtype("pow", x[0].dtype, kind::inexact);
        check<DtypeError>(x[1].dtype == x[0].dtype || is_integer(x[1].dtype),
                          "pow: the exponent must be an integer or share the base's dtype. Got {}.", shown(x));
        return {Aval{x[0].dtype, rules::elementwise_shape("pow", x), rules::all_weak(x)}};
      },
      .jvp = rules::jvp_binary(
          [](auto& x, auto& y, auto&, auto& t) -> Array {
            if (is_inexact(y.dtype())) {
              const Array lowered = pow_p().bind1({x, sub(y, full_like(y, 1))});
              return t * (y * lowered);
            }
            // x^0 is the constant 1 also at x = 0, where y * x^(y-1) would be 0 * inf. A real exponent can move away
            // from 0.
            const Array is_zero = equal(y, 0);
            const Array exponent = where(is_zero, full_like(y, 1), y);
            const Array lowered = pow_p().bind1({x, sub(exponent, full_like(exponent, 1))});
            const Array factor = rules::as_dtype(y, x.dtype());
            return t * where(is_zero, full_like(x, 0), factor * lowered);
          },
          [](auto& x, auto&, auto& out, auto& t) -> Array {
            const Array base = where(equal(x, 0), full_like(x, 1), x);
            const Array scaled = mul(log(base), out);
            return t * scaled;
          },
          pow_p),
      .batch = batch_nary(pow_p),
  });
  return p;
}
const Primitive& atan2_p() {
  static const Primitive p = make_primitive({
      .name = "atan2",
      .operands = 2,
      .aval = rules::nary(kind::inexact, "atan2"),
      .jvp = rules::jvp_binary([](auto& x, auto& y, auto&, auto& t) { return t * div(y, square(x) + square(y)); },
                               [](auto& x, auto& y, auto&, auto& t) { return t * div(neg(x), square(x) + square(y)); },
                               atan2_p),
      .batch = batch_nary(atan2_p),
  });
  return p;
}

const Primitive& and_p() {
  static const Primitive p = bitwise("and", kind::bool_or_integer, and_p);
  return p;
}
const Primitive& or_p() {
  static const Primitive p = bitwise("or", kind::bool_or_integer, or_p);
  return p;
}
const Primitive& xor_p() {
  static const Primitive p = bitwise("xor", kind::bool_or_integer, xor_p);
  return p;
}
const Primitive& shift_left_p() {
  static const Primitive p = bitwise("shift_left", kind::integer, shift_left_p);
  return p;
}
const Primitive& shift_right_logical_p() {
  static const Primitive p = bitwise("shift_right_logical", kind::integer, shift_right_logical_p);
  return p;
}
const Primitive& shift_right_arithmetic_p() {
  static const Primitive p = bitwise("shift_right_arithmetic", kind::integer, shift_right_arithmetic_p);
  return p;
}
const Primitive& nextafter_p() {
  static const Primitive p = bitwise("nextafter", kind::floating, nextafter_p);
  return p;
}
const Primitive& eq_p() {
  static const Primitive p = comparison("eq", kind::any, eq_p);
  return p;
}
const Primitive& ne_p() {
  static const Primitive p = comparison("ne", kind::any, ne_p);
  return p;
}
const Primitive& ge_p() {
  static const Primitive p = comparison("ge", kind::ordered, ge_p);
  return p;
}
const Primitive& gt_p() {
  static const Primitive p = comparison("gt", kind::ordered, gt_p);
  return p;
}
const Primitive& le_p() {
  static const Primitive p = comparison("le", kind::ordered, le_p);
  return p;
}
const Primitive& lt_p() {
  static const Primitive p = comparison("lt", kind::ordered, lt_p);
  return p;
}
const Primitive& eq_to_p() {
  static const Primitive p = comparison("eq_to", kind::any, eq_to_p);
  return p;
}
const Primitive& le_to_p() {
  static const Primitive p = comparison("le_to", kind::any, le_to_p);
  return p;
}
const Primitive& lt_to_p() {
  static const Primitive p = comparison("lt_to", kind::any, lt_to_p);
  return p;
}

const Primitive& complex_p() {
  static const Primitive p = make_primitive({
      .name = "complex",
      .operands = 2,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        const DType d = rules::same_dtype("complex", x);
        check<DtypeError>(d == DType::f32 || d == DType::f64, "complex: parts must be f32 or f64. Got {}.", shown(x));
        return {Aval{complex_dtype(d), rules::elementwise_shape("complex", x), rules::all_weak(x)}};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
        Array y = complex(x[0], x[1]);
        if (t[0].is_zero() && t[1].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
        const Array re = instantiate(t[0]), im = instantiate(t[1]);
        return {{std::move(y)}, {Tangent(complex(re, im))}};
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const NoParams&) -> Tangents {
        Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
        if (ct[0].is_zero()) return out;
        if (x[0].is_linear()) out[0] = Tangent(unbroadcast(real(ct[0].value()), x[0].aval));
        if (x[1].is_linear()) out[1] = Tangent(unbroadcast(imag(neg(ct[0].value())), x[1].aval));
        return out;
      },
      .batch = batch_nary(complex_p),
  });
  return p;
}

const Primitive& clamp_p() {
  static const Primitive p = make_primitive({
      .name = "clamp",
      .operands = 3,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        rules::same_dtype("clamp", x);
        for (const std::size_t bound : {0, 2})
          check<ShapeError>(x[bound].shape.empty() || identical(x[bound].shape, x[1].shape),
                            "clamp: {} must be a scalar or have the shape of the operand. Got {}.",
                            bound ? "max" : "min", shown(x));
        return {x[1].strong()};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
        Array y = clamp(x[0], x[1], x[2]);
        Tangent sum = Tangent::zero(y.aval());
        const auto contribute = [&](const Tangent& d, const auto& active) {
          if (d.is_zero()) return;
          const Array mask = rules::broadcast_like(active(), y.shape()),
                      value = rules::broadcast_like(d.value(), y.shape());
          sum = rules::add_tangents(sum, Tangent(select(mask, value, zeros_like(value))));
        };
        contribute(t[0], [&] { return logical_and(greater(x[0], x[1]), less(x[0], x[2])); });
        contribute(t[1], [&] { return logical_and(less(x[0], x[1]), less(x[1], x[2])); });
        contribute(t[2], [&] { return less(x[2], x[1]); });
        return {{std::move(y)}, {std::move(sum)}};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const NoParams&) -> BatchResult {
        const Array operand = rules::to_front(x[1], axes[1], size);
        const auto bound = [&](std::size_t i) {
          if (!axes[i] && x[i].rank() == 0) return x[i];
          Array front = rules::to_front(x[i], axes[i], size);
          if (front.rank() < operand.rank()) front = broadcast_in_dim(front, operand.shape(), {0});
          return front;
        };
        const Array lo = bound(0), hi = bound(2);
        return {clamp_p().bind({lo, operand, hi}), {0}};
      },
  });
  return p;
}

const Primitive& select_n_p() {
  static const Primitive p = make_primitive({
      .name = "select_n",
      .operands = OperandCount::at_least(2),
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        const Aval& which = x[0];
        const auto cases = x.subspan(1);
        check<DtypeError>(which.dtype == DType::bool_ || is_integer(which.dtype),
                          "select_n: what chooses must be boolean or an integer. Got {}.", which);
        check(which.dtype != DType::bool_ || cases.size() == 2,
              "select_n: a boolean chooses between two cases. Got {}; expected 2.", cases.size());
        rules::same_dtype("select_n", cases);
        for (const Aval& c : cases)
          check<ShapeError>(identical(c.shape, cases[0].shape), "select_n: the cases must have one shape. Got {}.",
                            shown(cases));
        check<ShapeError>(
            which.shape.empty() || identical(which.shape, cases[0].shape),
            "select_n: what chooses must be a scalar or have the shape of the cases. Got {} and the case {}.", which,
            cases[0]);
        return {Aval{cases[0].dtype, cases[0].shape, rules::all_weak(cases)}};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
        Array y = select_n_p().bind(x)[0];
        bool live = false;
        Arrays in{x[0]};
        for (const Tangent& d : t.subspan(1)) live = live || !d.is_zero();
        if (!live) return {{y}, {Tangent::zero(y.aval())}};
        for (const Tangent& d : t.subspan(1)) in.push_back(instantiate(d));
        return {{std::move(y)}, {Tangent(select_n_p().bind(in)[0])}};
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const NoParams&) -> Tangents {
        Tangents out;
        for (const LinearArg& a : x) out.push_back(Tangent::zero(a.aval));
        if (ct[0].is_zero()) return out;
        const Array& g = ct[0].value();
        for (std::size_t i = 1; i < x.size(); ++i) {
          if (!x[i].is_linear()) continue;
          Arrays cases(x.size() - 1, zeros_like(g));
          cases[i - 1] = g;
          out[i] = Tangent(select_n(*x[0].known, cases));
        }
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const NoParams&) -> BatchResult {
        Arrays in;
        for (std::size_t i = 1; i < x.size(); ++i) in.push_back(rules::to_front(x[i], axes[i], size));
        Array which = axes[0] ? rules::mapped_to_front(x[0], axes[0]) : x[0];
        if (axes[0] || x[0].rank() != 0) {
          if (!axes[0]) which = rules::to_front(x[0], {}, size);
          if (which.rank() < in[0].rank()) which = broadcast_in_dim(which, in[0].shape(), {0});
        }
        in.insert(in.begin(), which);
        return {select_n_p().bind(in), {0}};
      },
  });
  return p;
}

}  // namespace tf2jax
