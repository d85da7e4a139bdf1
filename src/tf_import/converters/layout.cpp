// Attributes of windows over images.
#include "tf2jax/tf_import/converters/internal/layout.h"

namespace tf2jax::tf_import {

Dims Layout::spatial_of(const Dims& all) const {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(first_spatial());
  return {first, first + static_cast<std::ptrdiff_t>(spatial)};
}

Layout layout(const Node& n) {
  const auto name = n.attr<std::string>("data_format");
  if (name == "NHWC" || name == "NCHW") return {name, name == "NHWC", 2};
  if (name == "NDHWC" || name == "NCDHW") return {name, name == "NDHWC", 3};
  raise<ValueError>("Found unsupported data format {}.", name);
}

Dims spatial_sizes(const Node& n, const Layout& l, std::string_view name, const Dims& all) {
  const Dims outer{all[0], all[l.channel_axis()]};
  if (outer != Dims{1, 1})
    n.fail(fmt::format("'{}' is {}; expected 1 for batch and channels.", name, tuple_string(all)));
  return l.spatial_of(all);
}
Dims spatial_attr(const Node& n, const Layout& l, std::string_view name) {
  return spatial_sizes(n, l, name, n.attr_integers(name, l.spatial + 2, 1));
}

PaddingSpec padding_of(const Node& n, const Layout& l, bool explicit_allowed, std::string_view op) {
  const auto name = n.attr<std::string>("padding");
  if (name != "EXPLICIT") {
    n.ignore({"explicit_paddings"});
    check(name == "SAME" || name == "VALID", "the padding is not known. Got '{}'; expected SAME or VALID.", name);
    return {name, std::nullopt};
  }
  if (!explicit_allowed) raise<ValueError>("explicit_padding in {} not yet supported.", op);
  const auto flat = n.attr_integers("explicit_paddings", 2 * (l.spatial + 2), 0);
  const auto channel = 2 * l.channel_axis();
  check(flat[0] == 0 && flat[1] == 0 && flat[channel] == 0 && flat[channel + 1] == 0,
        "batch and channels cannot be padded. Got explicit_paddings {}.", tuple_string(flat));
  Padding pairs;
  for (std::size_t i = 0; i < l.spatial; ++i) {
    const std::size_t at = 2 * (l.first_spatial() + i);
    pairs.emplace_back(flat[at], flat[at + 1]);
  }
  return {name, std::move(pairs)};
}

Padding padding_pairs(const PaddingSpec& padding, const Dims& sizes, const Dims& window, const Dims& strides) {
  return padding.pairs ? *padding.pairs : window_padding(sizes, window, strides, padding.name);
}

Dims image_sizes(const Array& x, const Layout& l) {
  Dims sizes;
  for (std::size_t i = 0; i < l.spatial; ++i) sizes.push_back(x.shape()[l.first_spatial() + i].value());
  return sizes;
}

}  // namespace tf2jax::tf_import
