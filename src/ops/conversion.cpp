// Primitives that change a dtype or its precision.
#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

const Primitive& convert_element_type_p() {
  static const Primitive p = make_primitive<ConvertParams>({
      .name = "convert_element_type",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const ConvertParams& c) -> Avals {
        rules::check_dtype("convert_element_type", x[0].dtype, kind::any);
        rules::check_dtype("convert_element_type", c.new_dtype, kind::any);
        return {Aval{c.new_dtype, x[0].shape, c.weak_type}};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const ConvertParams& c) -> JvpResult {
        Array y = rules::converted(x[0], c.new_dtype, c.weak_type);
        if (t[0].is_zero() || !is_inexact(c.new_dtype)) return {{y}, {Tangent::zero(y.aval())}};
        return {{std::move(y)}, {Tangent(rules::converted(t[0].value(), c.new_dtype))}};
      },
      .transpose = rules::transpose_unary(
          [](const Array& ct, const Aval& x, const ConvertParams&) { return rules::converted(ct, x.dtype); }),
      .batch = rules::batch_unary(convert_element_type_p),
  });
  return p;
}

const Primitive& bitcast_convert_type_p() {
  static const Primitive p = make_primitive<NewDtype>({
      .name = "bitcast_convert_type",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const NewDtype& to) -> Avals {
        rules::check_dtype("bitcast_convert_type", x[0].dtype, kind::any);
        rules::check_dtype("bitcast_convert_type", to.new_dtype, kind::any);
        // Bytes other than 0 and 1 are no bool.
        check<TypeError>(is_bool(x[0].dtype) == is_bool(to.new_dtype),
                         "bitcast_convert_type: a bool stays a bool. Got {} to {}. Compare with 0 instead.", x[0].dtype,
                         to.new_dtype);
        const int from_size = itemsize(x[0].dtype), to_size = itemsize(to.new_dtype);
        Shape shape = x[0].shape;
        if (from_size > to_size) {
          shape.push_back(from_size / to_size);
        } else if (from_size < to_size) {
          check<ShapeError>(
              !shape.empty() && shape.back() == to_size / from_size,
              "bitcast_convert_type: {} to {} merges the last axis. Got shape {}; expected its last size to be {}.",
              x[0].dtype, to.new_dtype, shown(shape), to_size / from_size);
          shape.pop_back();
        }
        return {Aval{to.new_dtype, std::move(shape), false}};
      },
      .jvp = rules::jvp_zero(bitcast_convert_type_p),
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const NewDtype& to) -> BatchResult {
        return {bitcast_convert_type_p().bind({rules::mapped_to_front(x[0], axes[0])}, to), {0}};
      },
  });
  return p;
}

const Primitive& reduce_precision_p() {
  static const Primitive p = make_primitive<ReducePrecision>({
      .name = "reduce_precision",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const ReducePrecision& r) -> Avals {
        rules::check_dtype("reduce_precision", x[0].dtype, kind::floating);
        check(r.exponent_bits >= 1, "reduce_precision: exponent_bits must be positive. Got {}.", r.exponent_bits);
        check(r.mantissa_bits >= 0, "reduce_precision: mantissa_bits must not be negative. Got {}.", r.mantissa_bits);
        return {x[0]};
      },
      .jvp = rules::jvp_linear(reduce_precision_p),
      .transpose = rules::transpose_unary(
          [](const Array& ct, const Aval&, const ReducePrecision& r) { return reduce_precision_p().bind1({ct}, r); }),
      .batch = rules::batch_unary(reduce_precision_p),
  });
  return p;
}

}  // namespace tf2jax
