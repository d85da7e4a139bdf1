// Convolution with strides, padding, dilations and groups, as in jax.lax.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tf2jax/ops/window.h"

namespace tf2jax {

/// Where batch, feature and spatial axes are: lhs (N, C, spatial…), rhs (O, I, spatial…), out (N, C, spatial…).
struct ConvDims {
  Axes lhs_spec, rhs_spec, out_spec;
  bool operator==(const ConvDims&) const = default;
  static constexpr std::string_view kTextName = "ConvDimensionNumbers";
  static void visit_fields(auto& self, auto& v) {
    v.field("lhs_spec", self.lhs_spec);
    v.field("rhs_spec", self.rhs_spec);
    v.field("out_spec", self.out_spec);
  }
};
/// From layout names such as "NHWC", "HWIO", "NHWC"; any letters for spatial axes. Throws: ValueError.
ConvDims conv_dims(std::string_view lhs, std::string_view rhs, std::string_view out);

/// Params of conv_general_dilated.
struct ConvParams {
  Dims window_strides;
  Padding padding;
  Dims lhs_dilation, rhs_dilation;  // empty: 1
  ConvDims dimension_numbers;
  std::int64_t feature_group_count = 1, batch_group_count = 1;
  std::optional<std::string> precision;
  std::optional<DType> preferred_element_type;
  bool operator==(const ConvParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("batch_group_count", self.batch_group_count);
    v.field("dimension_numbers", self.dimension_numbers);
    v.field("feature_group_count", self.feature_group_count);
    v.field("lhs_dilation", self.lhs_dilation);
    v.fixed("out_sharding", "None");
    v.field("padding", self.padding);
    v.field("precision", self.precision);
    v.field("preferred_element_type", self.preferred_element_type);
    v.field("rhs_dilation", self.rhs_dilation);
    v.field("window_strides", self.window_strides);
  }
};

const Primitive& conv_general_dilated_p();
/// The primitives of conv.cpp.
void append_conv_primitives(std::vector<Primitive>& out);

/// Correlates `lhs` with `rhs`. Empty strides, padding and dilations mean 1 and (0, 0); empty dimension numbers mean
/// NC… , OI… , NC….
/// Shapes: spatial sizes (dilated size + padding - dilated kernel) / stride + 1. Throws: ValueError, ShapeError,
/// DtypeError. Gradient: bilinear; transposes are convolutions. StableHLO: convolution.  TF: Conv2D,
/// DepthwiseConv2dNative, Conv2DBackpropInput, ….
Array conv_general_dilated(const Array& lhs, const Array& rhs, ConvParams params);
/// With padding by name ("SAME", "VALID").
Array conv_general_dilated(const Array& lhs, const Array& rhs, ConvParams params, std::string_view padding);

}  // namespace tf2jax
