// How products, convolutions and Fourier transforms are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/fft.h"

namespace tf2jax::stablehlo {
namespace {

// "Precision.HIGHEST" for both operands.
AttrPtr precision_of(const std::optional<std::string>& text) {
  std::string word = "DEFAULT";
  for (const char* known : {"HIGHEST", "HIGH"})
    if (text && text->find(known) != std::string::npos) {
      word = known;
      break;
    }
  return string_list({word, word});
}

ValueIds dot_w(const Emission& e) {
  const auto& p = e.params.get<DotParams>();
  const DotDims& d = p.dimension_numbers;
  return e.plain("dot_general", {{"lhs_batching_dimensions", integers_attribute(d.lhs_batch)},
                                 {"lhs_contracting_dimensions", integers_attribute(d.lhs_contract)},
                                 {"precision_config", precision_of(p.precision)},
                                 {"rhs_batching_dimensions", integers_attribute(d.rhs_batch)},
                                 {"rhs_contracting_dimensions", integers_attribute(d.rhs_contract)}});
}

void add_layout(Attributes& out, const std::string& who, const Axes& spec, const char* first, const char* second) {
  out.emplace_back(who + first, integer_attribute(spec.at(0)));
  out.emplace_back(who + second, integer_attribute(spec.at(1)));
  out.emplace_back(who + "_spatial_dimensions", integers_attribute(Axes(spec.begin() + 2, spec.end())));
}

AttrPtr no_reversal(std::size_t n) {
  Attr a;
  a.kind = Attr::Kind::tensor;
  a.type = tensor_type("i1", {static_cast<std::int64_t>(n)});
  a.text.assign(n, '\0');
  return std::make_shared<const Attr>(std::move(a));
}

ValueIds conv_w(const Emission& e) {
  const auto& p = e.params.get<ConvParams>();
  const std::size_t n = p.dimension_numbers.lhs_spec.size() - 2;
  const auto or_ones = [&](const Dims& d) { return integers_attribute(d.empty() ? Dims(n, 1) : d); };
  Attributes a{{"batch_group_count", integer_attribute(p.batch_group_count)},
               {"feature_group_count", integer_attribute(p.feature_group_count)},
               {"lhs_dilation", or_ones(p.lhs_dilation)},
               {"padding", pairs_attribute(p.padding.empty() ? Padding(n) : p.padding)},
               {"precision_config", precision_of(p.precision)},
               {"rhs_dilation", or_ones(p.rhs_dilation)},
               {"window_reversal", no_reversal(n)},
               {"window_strides", or_ones(p.window_strides)}};
  add_layout(a, "input", p.dimension_numbers.lhs_spec, "_batch_dimension", "_feature_dimension");
  add_layout(a, "kernel", p.dimension_numbers.rhs_spec, "_output_feature_dimension", "_input_feature_dimension");
  add_layout(a, "output", p.dimension_numbers.out_spec, "_batch_dimension", "_feature_dimension");
  return e.plain("convolution", std::move(a));
}

ValueIds fft_w(const Emission& e) {
  const auto& p = e.params.get<FftParams>();
  constexpr const char* kTypes[] = {"FFT", "IFFT", "RFFT", "IRFFT"};
  return e.plain("fft", {{"fft_length", integers_attribute(p.fft_lengths)},
                         {"fft_type", string_attribute(kTypes[static_cast<int>(p.fft_type)])}});
}

}  // namespace

void add_contraction_writers(Writers& t) {
  t["dot_general"] = dot_w;
  t["conv_general_dilated"] = conv_w;
  t["fft"] = fft_w;
}

}  // namespace tf2jax::stablehlo
