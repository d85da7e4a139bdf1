// Properties of operations of the dialects stablehlo, chlo and func. Source: their definitions since JAX 0.4.30, as
// MLIR's bytecode has them: in alphabetical order, one that may be absent with a bit for that.
#include "tf2jax/stablehlo/internal/plain_form.h"

#include <algorithm>
#include <map>
#include <span>

namespace tf2jax::stablehlo {
namespace {

struct Row {
  std::string_view names, properties;  // those that may be absent end with '?'
};

// A row holds operations of one dialect with the same properties. An operation whose properties became more has a row
// for each form.
constexpr Row kFunc[] = {
    {"func", "arg_attrs? function_type no_inline? res_attrs? sym_name sym_visibility?"},
    {"func", "arg_attrs? function_type res_attrs? sym_name sym_visibility?"},
    {"call", "arg_attrs? callee no_inline? res_attrs?"},
    {"call", "arg_attrs? callee res_attrs?"},
    {"call", "callee"},
};

constexpr std::string_view kConvolution =
    "batch_group_count dimension_numbers feature_group_count lhs_dilation? padding? precision_config? rhs_dilation? "
    "window_reversal? window_strides?";
constexpr std::string_view kDynamicConvolution =
    "batch_group_count dimension_numbers feature_group_count lhs_dilation? precision_config? rhs_dilation? "
    "window_reversal? window_strides?";
constexpr std::string_view kCustomCall =
    "api_version? backend_config? call_target_name called_computations? has_side_effect? operand_layouts? "
    "output_operand_aliases? result_layouts?";
constexpr std::string_view kTiledCall =
    "api_version? backend_config? call_target_name called_computations? has_side_effect? operand_layouts? "
    "output_operand_aliases? result_layouts? result_tilings?";

constexpr Row kStablehlo[] = {
    {"batch_norm_grad batch_norm_inference batch_norm_training", "epsilon feature_index"},
    {"broadcast_in_dim", "broadcast_dimensions"},
    {"broadcast", "broadcast_sizes"},
    {"cbrt cosine exponential exponential_minus_one log log_plus_one logistic rsqrt sine sqrt tan tanh",
     "result_accuracy?"},
    {"cholesky", "lower?"},
    {"compare", "compare_type? comparison_direction"},
    {"composite", "composite_attributes? decomposition name version?"},
    {"concatenate get_dimension_size set_dimension_size", "dimension"},
    {"constant", "value"},
    {"convolution", kConvolution},
    {"custom_call", kTiledCall},
    {"custom_call", kCustomCall},
    {"dot_general", "algorithm? dot_dimension_numbers precision_config?"},
    {"dot_general", "dot_dimension_numbers precision_config?"},
    {"dot", "precision_config?"},
    {"dynamic_broadcast_in_dim", "broadcast_dimensions known_expanding_dimensions? known_nonexpanding_dimensions?"},
    {"dynamic_conv", kDynamicConvolution},
    {"dynamic_gather", "dimension_numbers indices_are_sorted?"},
    {"dynamic_iota iota", "iota_dimension"},
    {"dynamic_slice", "slice_sizes"},
    {"einsum unary_einsum", "einsum_config"},
    {"fft", "fft_length fft_type"},
    {"gather", "dimension_numbers indices_are_sorted? slice_sizes"},
    {"get_tuple_element", "index"},
    {"map reduce reverse", "dimensions"},
    {"pad", "edge_padding_high edge_padding_low interior_padding"},
    {"reduce_precision", "exponent_bits mantissa_bits"},
    {"reduce_window", "base_dilations? padding? window_dilations? window_dimensions window_strides?"},
    {"rng_bit_generator", "rng_algorithm"},
    {"rng", "rng_distribution"},
    {"scatter", "indices_are_sorted? scatter_dimension_numbers unique_indices?"},
    {"select_and_scatter", "padding? window_dimensions? window_strides?"},
    {"slice", "limit_indices start_indices strides"},
    {"sort", "dimension? is_stable?"},
    {"torch_index_select", "batch_dims dim"},
    {"transpose", "permutation"},
    {"triangular_solve", "left_side lower transpose_a unit_diagonal"},
};

constexpr Row kChlo[] = {
    {"broadcast_add broadcast_and broadcast_atan2 broadcast_complex broadcast_divide broadcast_maximum "
     "broadcast_minimum broadcast_multiply broadcast_next_after broadcast_or broadcast_polygamma broadcast_power "
     "broadcast_remainder broadcast_shift_left broadcast_shift_right_arithmetic broadcast_shift_right_logical "
     "broadcast_subtract broadcast_xor broadcast_zeta",
     "broadcast_dimensions?"},
    {"broadcast_compare", "broadcast_dimensions? compare_type? comparison_direction"},
    {"constant constant_like", "value"},
    {"ragged_dot", "precision_config? ragged_dot_dimension_numbers"},
    {"top_k", "k"},
};

using Table = std::map<std::string, std::vector<PlainForm>, std::less<>>;

// `add(word)` for each.
template <class F>
void for_each_word(std::string_view text, const F& add) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    add(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

PlainForm form_of(std::string_view properties) {
  PlainForm out;
  for_each_word(properties, [&](std::string_view word) {
    const bool is_optional = word.ends_with('?');
    out.push_back({word.substr(0, word.size() - (is_optional ? 1 : 0)), is_optional});
  });
  return out;
}

void add_rows(Table& out, const std::string& dialect, std::span<const Row> rows) {
  for (const Row& row : rows)
    for_each_word(row.names,
                  [&](std::string_view name) { out[dialect + std::string(name)].push_back(form_of(row.properties)); });
}

}  // namespace

std::span<const PlainForm> plain_forms(std::string_view name) {
  static const Table table = [] {
    Table out;
    add_rows(out, "func.", kFunc);
    add_rows(out, "stablehlo.", kStablehlo);
    add_rows(out, "chlo.", kChlo);
    return out;
  }();
  const auto it = table.find(name);
  return it == table.end() ? std::span<const PlainForm>{} : it->second;
}

}  // namespace tf2jax::stablehlo
