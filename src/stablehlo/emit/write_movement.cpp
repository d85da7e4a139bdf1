// How operations on shapes, conversions and selections are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

ValueIds broadcast_in_dim_w(const Emission& e) {
  return {e.out.broadcast_in_dim(e.operands[0], e.params.get<BroadcastInDim>().broadcast_dimensions, e.outputs[0])};
}
ValueIds plain_reshape(const Emission& e) { return {e.out.reshape(e.operands[0], e.outputs[0])}; }

// What permutes first is a transpose of its own.
ValueIds reshape_w(const Emission& e) {
  const auto& p = e.params.get<ReshapeParams>();
  if (!p.dimensions) return plain_reshape(e);
  return e.out.expanded([&](const Arrays& xs) { return Arrays{reshape(transpose(xs[0], *p.dimensions), p.new_sizes)}; },
                        e.inputs, e.operands);
}

ValueIds pad_w(const Emission& e) {
  Shape low, high, interior;
  for (const PadAxis& a : e.params.get<PadParams>().padding_config) {
    low.push_back(a.low);
    high.push_back(a.high);
    interior.push_back(a.interior);
  }
  if (!is_concrete(low) || !is_concrete(high) || !is_concrete(interior))
    return {e.out.op1("dynamic_pad",
                      {e.operands[0], e.operands[1], e.out.sizes(low), e.out.sizes(high), e.out.sizes(interior)},
                      e.outputs[0])};
  return e.plain("pad", {{"edge_padding_high", integers_attribute(concrete(high))},
                         {"edge_padding_low", integers_attribute(concrete(low))},
                         {"interior_padding", integers_attribute(concrete(interior))}});
}

ValueIds slice_w(const Emission& e) {
  const auto& p = e.params.get<SliceParams>();
  return {e.out.slice(e.operands[0], p.start_indices, p.limit_indices,
                      p.strides.value_or(Axes(p.start_indices.size(), 1)), e.outputs[0])};
}

// By an integer: one choice of two after the other.
ValueIds select_n_w(const Emission& e) {
  if (e.inputs[0].dtype == DType::bool_)
    return e.out.op("select", {e.operands[0], e.operands[2], e.operands[1]}, types_of(e.outputs));
  return e.out.expanded(
      [](const Arrays& xs) {
        Array out = xs.back();
        for (std::size_t i = xs.size() - 2; i >= 1; --i)
          out = select(equal(xs[0], rules::scalar_of(xs[0].dtype(), static_cast<double>(i - 1))), xs[i], out);
        return Arrays{out};
      },
      e.inputs, e.operands);
}

ValueIds clamp_w(const Emission& e) { return e.elementwise("clamp"); }

// Real and imaginary part at once.
ValueIds conj_w(const Emission& e) {
  return e.out.expanded([](const Arrays& xs) { return Arrays{complex(real(xs[0]), neg(imag(xs[0])))}; }, e.inputs,
                        e.operands);
}

ValueIds compare_w(const Emission& e, std::string_view direction, bool total) {
  const DType d = e.inputs[0].dtype;
  const char* type = total                                  ? "TOTALORDER"
                     : is_inexact(d)                        ? "FLOAT"
                     : is_unsigned_integer(d) || is_bool(d) ? "UNSIGNED"
                                                            : "SIGNED";
  return e.elementwise("compare", {{"compare_type", string_attribute(total && !is_floating(d) ? "SIGNED" : type)},
                                   {"comparison_direction", string_attribute(std::string(direction))}});
}

ValueIds round_w(const Emission& e) {
  return e.plain(e.params.get<RoundParams>().rounding_method == 0 ? "round_nearest_afz" : "round_nearest_even");
}

ValueIds same(const Emission& e) { return e.operands; }

}  // namespace

void add_movement_writers(Writers& t) {
  t["broadcast_in_dim"] = broadcast_in_dim_w;
  t["reshape"] = reshape_w;
  t["squeeze"] = plain_reshape;
  t["transpose"] = [](const Emission& e) {
    return e.plain("transpose", {{"permutation", integers_attribute(e.params.get<TransposeParams>().permutation)}});
  };
  t["rev"] = [](const Emission& e) {
    return e.plain("reverse", {{"dimensions", integers_attribute(e.params.get<RevParams>().dimensions)}});
  };
  t["concatenate"] = [](const Emission& e) {
    return e.plain("concatenate", {{"dimension", integer_attribute(e.params.get<ConcatenateParams>().dimension)}});
  };
  t["pad"] = pad_w;
  t["slice"] = slice_w;
  t["dynamic_slice"] = [](const Emission& e) {
    return ValueIds{e.out.dynamic_slice(e.operands[0], e.inputs[0].shape, {e.operands.begin() + 1, e.operands.end()},
                                        e.outputs[0])};
  };
  t["dynamic_update_slice"] = [](const Emission& e) { return e.plain("dynamic_update_slice"); };
  t["iota"] = [](const Emission& e) {
    return ValueIds{e.out.iota(e.params.get<IotaParams>().dimension, e.outputs[0])};
  };
  t["dim_as_value"] = [](const Emission& e) { return ValueIds{e.out.size(e.params.get<DimValue>().dim)}; };
  t["select_n"] = select_n_w;
  t["clamp"] = clamp_w;
  t["conj"] = conj_w;
  t["round"] = round_w;
  t["sign"] = [](const Emission& e) {  // StableHLO has none of unsigned integers
    if (!is_unsigned_integer(e.inputs[0].dtype)) return e.plain("sign");
    return e.out.expanded([](const Arrays& xs) { return Arrays{minimum(xs[0], ones_like(xs[0]))}; }, e.inputs,
                          e.operands);
  };
  t["reduce_precision"] = [](const Emission& e) {
    const auto& p = e.params.get<ReducePrecision>();
    return e.plain("reduce_precision", {{"exponent_bits", integer_attribute(p.exponent_bits)},
                                        {"mantissa_bits", integer_attribute(p.mantissa_bits)}});
  };
  const std::pair<const char*, const char*> plain[] = {{"eq", "EQ"}, {"ne", "NE"}, {"lt", "LT"},
                                                       {"le", "LE"}, {"gt", "GT"}, {"ge", "GE"}};
  for (const auto& [primitive, direction] : plain)
    t[primitive] = [d = std::string(direction)](const Emission& e) { return compare_w(e, d, false); };
  const std::pair<const char*, const char*> total[] = {{"eq_to", "EQ"}, {"lt_to", "LT"}, {"le_to", "LE"}};
  for (const auto& [primitive, direction] : total)
    t[primitive] = [d = std::string(direction)](const Emission& e) { return compare_w(e, d, true); };
  for (const char* primitive : {"copy", "copy_p", "stop_gradient", "device_put"}) t[primitive] = same;
  t["add_any"] = [](const Emission& e) { return e.elementwise("add"); };
}

}  // namespace tf2jax::stablehlo
