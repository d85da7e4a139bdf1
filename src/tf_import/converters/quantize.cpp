// Quantisation in training: rounding to a grid of 2^bits steps, with the gradient of TensorFlow's kernels, which lets
// through what lies inside the range.
#include <cmath>
#include <limits>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

struct Grid {
  float lowest, highest;  // of the integers
};
Grid grid_of(const Node& n) {
  const auto bits = n.attr_integer("num_bits", 2, 16);
  return {n.attr<bool>("narrow_range") ? 1.f : 0.f, static_cast<float>((1 << bits) - 1)};
}

// The range moved so that zero is a point of the grid, and the distance of points. Source: fake_quant_ops_functor.h.
struct Range {
  Array low, high, scale;
};
Range nudged(const Array& low, const Array& high, const Grid& g) {
  const Array scale = divide(sub(high, low), g.highest - g.lowest);
  const Array zero = sub(g.lowest, divide(low, scale));
  const Array away = floor(add(zero, 0.5f));  // positive where it counts
  const Array point = where(less(zero, g.lowest), g.lowest, where(greater(zero, g.highest), g.highest, away));
  return {mul(sub(g.lowest, point), scale), mul(sub(g.highest, point), scale), scale};
}

Array rounded(const Array& x, const Range& r) {
  const Array inside = minimum(maximum(x, r.low), r.high);
  return add(mul(floor(add(mul(sub(inside, r.low), divide(1.f, r.scale)), 0.5f)), r.scale), r.low);
}

// The value of `value` with the derivative of `like`.
Array with_derivative_of(const Array& value, const Array& like) { return add(like, stop_gradient(sub(value, like))); }

// The gradient goes to x inside the range, and to the end of the range beyond it.
Array fake_quantised(const Array& x, const Array& low, const Array& high, const Grid& g) {
  const Range r = nudged(stop_gradient(low), stop_gradient(high), g);
  const Array value = stop_gradient(rounded(x, r));
  const Array below = less(x, r.low), above = greater(x, r.high);
  const Array inside = with_derivative_of(value, x);
  const Array lower = with_derivative_of(value, broadcast_to(low, x.shape()));
  const Array upper = with_derivative_of(value, broadcast_to(high, x.shape()));
  const Array out = where(below, lower, where(above, upper, inside));
  const Array empty = logical_and(equal(low, 0.f), equal(high, 0.f));
  return where(broadcast_to(empty, x.shape()), zeros_like(x), out);
}

Values fake_quant_args(Node& n) {
  const Array low(n.attr<float>("min")), high(n.attr<float>("max"));
  check(low.item<float>() < high.item<float>(), "min must be less than max. Got {} and {}.", low.item<float>(),
        high.item<float>());
  return {fake_quantised(n.array(0), low, high, grid_of(n))};
}
Values fake_quant_vars(Node& n) { return {fake_quantised(n.array(0), n.scalar(1), n.scalar(2), grid_of(n))}; }
Values fake_quant_channels(Node& n) {
  return {fake_quantised(n.array(0, 1), n.array(1, 1, 1), n.array(2, 1, 1), grid_of(n))};
}

// Symmetric around zero for signed numbers. Source: QuantizeAndDequantizeV2 in array_ops.cc.
Values quantise_and_dequantise(Node& n) {
  n.ignore({"T"});
  const bool is_signed = n.attr<bool>("signed_input"), narrow = n.attr_or<bool>("narrow_range", false);
  const bool given = n.attr<bool>("range_given");
  const auto axis = n.attr_or<std::int64_t>("axis", -1);
  if (axis != -1) n.fail("axis is not implemented; expected -1.");
  const std::string mode = n.attr_or<std::string>("round_mode", "HALF_TO_EVEN");
  if (mode != "HALF_TO_EVEN" && mode != "HALF_UP")
    n.fail("round_mode is '" + mode + "'; expected HALF_TO_EVEN or HALF_UP.");
  const bool bits_are_input = n.op() == "QuantizeAndDequantizeV3";
  const auto bits = bits_are_input ? n.integer(3, 1, 62) : n.attr_integer("num_bits", 1, 62);
  const Array x = n.array(0);
  const Array low = given ? n.scalar(1) : min(x), high = given ? n.scalar(2) : max(x);
  const double least = is_signed ? -std::exp2(bits - 1) + (narrow ? 1 : 0) : 0;
  const double most = is_signed ? std::exp2(bits - 1) - 1 : std::exp2(bits) - 1;
  // The scale that loses nothing at either end; an end of the other sign does not count.
  const auto scale_of = [&](double end, const Array& bound) {
    const Array counts = greater(mul(bound, end), 0.f);
    return where(counts, divide(astype(Array(end), x.dtype()), where(counts, bound, 1.f)),
                 full({}, Array(std::numeric_limits<float>::max()), x.dtype()));
  };
  const Array from_low = scale_of(least, low), from_high = scale_of(most, high);
  const Array scale = stop_gradient(minimum(from_low, from_high));
  const Array lowest = divide(least, scale), highest = divide(most, scale);
  const Array bounded = minimum(maximum(x, stop_gradient(lowest)), stop_gradient(highest));
  const Array steps = mul(bounded, scale);
  const Array whole = mode == "HALF_UP" ? floor(add(steps, 0.5)) : round(steps);
  const Array value = divide(whole, scale);
  // TensorFlow registers the gradient of V4 alone with a range.
  const bool everywhere = n.op() != "QuantizeAndDequantizeV4" || !given;
  return {with_derivative_of(stop_gradient(value), everywhere ? x : bounded)};
}

// ---- to small integers and back: the range is that of the numbers, not of the integers

// The integers of a quantised type.
struct Integers {
  DType type;
  double lowest, highest;
  bool is_signed() const { return lowest < 0; }
};
Integers integers_of(DType type) {
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> Integers {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return {type, static_cast<double>(std::numeric_limits<T>::min()),
              static_cast<double>(std::numeric_limits<T>::max())};
    else raise<DtypeError>("the quantised type must be an integer type. Got {}.", type);
  });
}

std::string mode_of(const Node& n) {
  const auto axis = n.attr_or<std::int64_t>("axis", -1);
  check<NotImplementedError>(axis == -1, "a range for each slice is not implemented. Got axis {}.", axis);
  const auto mode = n.attr_or<std::string>("mode", "MIN_COMBINED");
  if (mode != "MIN_COMBINED" && mode != "MIN_FIRST" && mode != "SCALED")
    n.fail("the mode is '" + mode + "'; expected MIN_COMBINED, MIN_FIRST or SCALED.");
  return mode;
}

Array away_from_zero(const Array& x) { return mul(sign(x), floor(add(abs(x), 0.5f))); }

// The mode SCALED: zero stays zero. `first` and `last` bound the steps.
struct Scaled {
  Array scale, low, high, first, last;
};
Scaled scaled(const Integers& q, const Array& low, const Array& high, bool narrow, bool to_even) {
  const double lowest = q.lowest + (narrow ? 1 : 0);
  const Array first = Array(static_cast<float>(lowest)), last = Array(static_cast<float>(q.highest));
  const bool is_small = itemsize(q.type) == 1 && !(narrow && !q.is_signed());
  if (to_even && is_small) {  // oneDNN's kernel: a range around zero
    const Array most = maximum(abs(low), abs(high));
    if (!q.is_signed()) return {divide(last, most), zeros_like(most), most, first, last};
    return {divide(last - first, mul(most, 2.f)), neg(most), most, first, last};
  }
  // The scale that loses nothing at either end; an end of the other sign than its integer does not count.
  const auto scale_at = [](const Array& end, const Array& bound) {
    const Array counts = greater(mul(bound, end), 0.f);
    return where(counts, divide(end, where(counts, bound, 1.f)), std::numeric_limits<float>::max());
  };
  const Array scale = minimum(scale_at(first, low), scale_at(last, high));
  const Array from = divide(first, scale), to = divide(last, scale);
  return {scale, from, to, mul(from, scale), mul(to, scale)};
}

// Source: quantize_op.cc and mkl_quantize_op.cc.
Values quantise(Node& n) {
  const std::string mode = mode_of(n);
  const Integers q = integers_of(n.attr<DType>("T"));
  const bool narrow = n.attr_or<bool>("narrow_range", false);
  const auto rounding = n.attr_or<std::string>("round_mode", "HALF_AWAY_FROM_ZERO");
  check(rounding == "HALF_AWAY_FROM_ZERO" || rounding == "HALF_TO_EVEN",
        "round_mode is not known. Got '{}'; expected HALF_AWAY_FROM_ZERO or HALF_TO_EVEN.", rounding);
  const auto width = n.attr_or<float>("ensure_minimum_range", 0.01f);
  const Array x = n.array(0), given_low = n.scalar(1), given_high = n.scalar(2);
  Array low = minimum(given_low, 0.f);
  const Array least = mul(maximum(maximum(abs(given_low), abs(given_high)), 1.f), width);
  Array high = maximum(maximum(given_high, add(low, least)), 0.f);
  Array whole;
  if (mode == "MIN_COMBINED") {
    const Array scale = divide(q.highest - q.lowest, sub(high, low));
    const Array scaled = mul(sub(clamp(low, x, high), low), scale);
    const double half = q.is_signed() ? (q.highest - q.lowest + 1) / 2 : 0;
    whole = q.is_signed() ? away_from_zero(sub(scaled, half)) : floor(add(scaled, 0.5f));
  } else if (mode == "MIN_FIRST") {
    const Array scale = divide(q.highest - q.lowest, sub(high, low)), steps = mul(x, scale), first = mul(low, scale);
    // Each by itself, as the documentation of tf.quantization.quantize says; oneDNN's kernel rounds their difference.
    whole = q.type == DType::u8 ? rint(sub(steps, first)) : sub(away_from_zero(steps), away_from_zero(first));
    whole = clamp(full({}, Array(static_cast<float>(q.lowest))), add(whole, q.lowest),
                  full({}, Array(static_cast<float>(q.highest))));
  } else {
    const bool to_even = rounding == "HALF_TO_EVEN";
    const Scaled by = scaled(q, low, high, narrow, to_even);
    low = by.low;
    high = by.high;
    const Array steps = clamp(by.first, mul(x, by.scale), by.last);
    whole = to_even ? rint(steps) : away_from_zero(steps);
  }
  return {astype(stop_gradient(whole), q.type), low, high};
}

// Source: dequantize_op.cc.
Values dequantise(Node& n) {
  const std::string mode = mode_of(n);
  const bool narrow = n.attr_or<bool>("narrow_range", false);
  const Integers q = integers_of(n.attr<DType>("T"));
  const DType type = canonical_dtype(n.attr_or<DType>("dtype", f32));
  const Array x = astype(n.array(0), f32), low = n.scalar(1), high = n.scalar(2);
  Array y;
  if (mode == "MIN_COMBINED") {
    const double half = q.is_signed() ? (q.highest - q.lowest + 1) / 2 : 0;
    y = add(mul(add(x, half), divide(sub(high, low), q.highest - q.lowest)), low);
  } else if (mode == "MIN_FIRST") {
    const Array step = divide(sub(high, low), q.highest - q.lowest);
    y = add(mul(away_from_zero(divide(low, step)), step), mul(sub(x, q.lowest), step));
  } else {
    const double lowest = q.lowest + (narrow ? 1 : 0);
    Array scale = divide(high, q.highest);
    if (q.is_signed()) scale = maximum(divide(low, lowest), scale);
    y = mul(x, scale);
  }
  return {astype(y, type)};
}

}  // namespace

void add_quantize_operations(ConverterTable& table) {
  table.add("FakeQuantWithMinMaxArgs", fake_quant_args);
  table.add("FakeQuantWithMinMaxVars", fake_quant_vars);
  table.add("FakeQuantWithMinMaxVarsPerChannel", fake_quant_channels);
  for (const char* op : {"QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"})
    table.add(op, quantise_and_dequantise);
  table.add("QuantizeV2", quantise);
  table.add("Dequantize", dequantise);
}

}  // namespace tf2jax::tf_import
