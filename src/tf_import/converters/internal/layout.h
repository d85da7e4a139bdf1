// The axes of images, and the windows, strides and padding that attributes give for them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tf2jax/ops/window.h"
#include "tf2jax/tf_import/node.h"

namespace tf2jax::tf_import {

/// Axes of "NHWC" or "NCHW", or of their forms for volumes.
struct Layout {
  std::string name;
  bool channels_last;
  std::size_t spatial;
  std::size_t channel_axis() const { return channels_last ? spatial + 1 : 1; }
  std::size_t first_spatial() const { return channels_last ? 1 : 2; }
  /// The spatial ones of entries for all axes.
  Dims spatial_of(const Dims& all) const;
};
/// Of the attribute data_format. Throws: ValueError for another layout.
Layout layout(const Node& n);

/// The spatial entries of sizes for all axes. Throws: ImportError unless those for batch and channels are 1.
Dims spatial_sizes(const Node& n, const Layout& l, std::string_view name, const Dims& all);
Dims spatial_attr(const Node& n, const Layout& l, std::string_view name);

struct PaddingSpec {
  std::string name;  // "SAME", "VALID" or "EXPLICIT"
  std::optional<Padding> pairs;
};
/// Of the attributes padding and explicit_paddings. Throws: ValueError.
PaddingSpec padding_of(const Node& n, const Layout& l, bool explicit_allowed, std::string_view op);
/// The pairs themselves, with those of "SAME" and "VALID" computed.
Padding padding_pairs(const PaddingSpec& padding, const Dims& sizes, const Dims& window, const Dims& strides);

/// The spatial sizes of an image.
Dims image_sizes(const Array& x, const Layout& l);

}  // namespace tf2jax::tf_import
