// Products of tensors, convolutions, Fourier transforms.
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/fft.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

// What JAX prints for it; nothing where every entry is the default.
std::optional<std::string> precision(const Call& c) {
  const Attr* a = c.op.find("precision_config");
  if (!a || a->kind != Attr::Kind::array || a->items.empty()) return std::nullopt;
  const std::string first = a->items[0]->text;
  if (std::ranges::all_of(a->items, [](const AttrPtr& i) { return i->text == "DEFAULT"; })) return std::nullopt;
  return "Precision." + first;
}

Arrays dot_general_row(Call& c) {
  c.expect_operands(2, 2);
  DotParams p;
  p.dimension_numbers = {c.integers("lhs_contracting_dimensions"), c.integers("rhs_contracting_dimensions"),
                         c.integers_or("lhs_batching_dimensions", {}), c.integers_or("rhs_batching_dimensions", {})};
  p.precision = precision(c);
  p.preferred_element_type = c.result_dtype();
  return {dot_general_p().bind1({c[0], c[1]}, p)};
}

// The last axis of the left with the first of the right.
Arrays dot_row(Call& c) {
  c.expect_operands(2, 2);
  if (c[0].rank() < 1 || c[1].rank() < 1) c.fail("its operands must have axes.");
  DotParams p;
  p.dimension_numbers = {{c[0].rank() - 1}, {0}, {}, {}};
  p.precision = precision(c);
  p.preferred_element_type = c.result_dtype();
  return {dot_general_p().bind1({c[0], c[1]}, p)};
}

Axes spec(const Call& c, std::string_view first, std::string_view second, std::string_view spatial) {
  Axes out{c.integer(first), c.integer(second)};
  const Axes rest = c.integers(spatial);
  out.insert(out.end(), rest.begin(), rest.end());
  Axes sorted = out;
  std::ranges::sort(sorted);
  if (sorted != iota_axes(static_cast<std::int64_t>(sorted.size())) || sorted.size() != c[0].shape().size())
    c.fail(
        fmt::format("the dimension numbers must name each axis once. Got {} for {}.", tuple_string(out), c[0].aval()));
  return out;
}

Array convolve(const Call& c, Padding padding) {
  if (c[0].rank() < 2 || c[1].rank() != c[0].rank()) c.fail("its operands must have one rank, of at least 2.");
  ConvParams p;
  const auto n = as_index(c[0].rank() - 2);
  p.window_strides = c.integers_or("window_strides", Axes(n, 1));
  p.lhs_dilation = c.integers_or("lhs_dilation", Axes(n, 1));
  p.rhs_dilation = c.integers_or("rhs_dilation", Axes(n, 1));
  p.padding = padding.empty() && n > 0 ? Padding(n) : std::move(padding);
  p.dimension_numbers = {
      spec(c, "input_batch_dimension", "input_feature_dimension", "input_spatial_dimensions"),
      spec(c, "kernel_output_feature_dimension", "kernel_input_feature_dimension", "kernel_spatial_dimensions"),
      spec(c, "output_batch_dimension", "output_feature_dimension", "output_spatial_dimensions")};
  p.feature_group_count = c.integer("feature_group_count");
  p.batch_group_count = c.integer("batch_group_count");
  p.precision = precision(c);
  p.preferred_element_type = c.result_dtype();
  const Axes reversed = c.integers_or("window_reversal", {});
  Axes flipped;
  for (std::size_t i = 0; i < reversed.size() && i < n; ++i)
    if (reversed[i]) flipped.push_back(p.dimension_numbers.rhs_spec[i + 2]);
  const Array kernel = flipped.empty() ? c[1] : rev(c[1], flipped);
  return conv_general_dilated_p().bind1({c[0], kernel}, p);
}

Arrays convolution_row(Call& c) {
  c.expect_operands(2, 2);
  return {convolve(c, c.has("padding") ? Padding(c.pairs("padding")) : Padding{})};
}

Arrays dynamic_conv_row(Call& c) {
  c.expect_operands(3, 3);
  const auto flat = c.known(2);
  if (flat.size() % 2 != 0) c.fail("its padding must be pairs.");
  Padding padding;
  for (std::size_t i = 0; i < flat.size(); i += 2) padding.emplace_back(flat[i], flat[i + 1]);
  return {convolve(c, std::move(padding))};
}

Arrays fft_row(Call& c) {
  c.expect_operands(1, 1);
  const std::string& type = c.text("fft_type");
  constexpr std::string_view kTypes[] = {"FFT", "IFFT", "RFFT", "IRFFT"};
  const auto* it = std::ranges::find(kTypes, type);
  if (it == std::end(kTypes)) c.fail(fmt::format("attribute 'fft_type' is not known. Got '{}'.", type));
  return {fft_p().bind1({c[0]}, FftParams{c.integers("fft_length"), static_cast<FftType>(it - kTypes)})};
}

constexpr OpRow kRows[] = {
    {"dot_general", dot_general_p, dot_general_row},
    {"dot", nullptr, dot_row},
    {"convolution", conv_general_dilated_p, convolution_row},
    {"dynamic_conv", nullptr, dynamic_conv_row},
    {"fft", fft_p, fft_row},
};

}  // namespace

std::span<const OpRow> contraction_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
