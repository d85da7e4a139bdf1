// The operations of VHLO. Source: its compatibility log; names and order of attributes never change once given.
#include "tf2jax/stablehlo/internal/vhlo_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tf2jax::stablehlo {
namespace {

struct Row {
  std::string_view names, attributes;
  Version since = kOldestVersion, until = kNewestVersion;
};

constexpr std::string_view kConvolution =
    "batch_group_count feature_group_count input_batch_dimension input_feature_dimension input_spatial_dimensions "
    "kernel_input_feature_dimension kernel_output_feature_dimension kernel_spatial_dimensions lhs_dilation "
    "output_batch_dimension output_feature_dimension output_spatial_dimensions padding precision_config rhs_dilation "
    "window_reversal window_strides";
constexpr std::string_view kDynamicConvolution =
    "batch_group_count feature_group_count input_batch_dimension input_feature_dimension input_spatial_dimensions "
    "kernel_input_feature_dimension kernel_output_feature_dimension kernel_spatial_dimensions lhs_dilation "
    "output_batch_dimension output_feature_dimension output_spatial_dimensions precision_config rhs_dilation "
    "window_reversal window_strides";
constexpr std::string_view kCustomCall =
    "api_version backend_config call_target_name called_computations has_side_effect operand_layouts "
    "output_operand_aliases result_layouts";
constexpr std::string_view kGather =
    "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims slice_sizes start_index_map";
constexpr std::string_view kBatchedGather =
    "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims operand_batching_dims slice_sizes "
    "start_index_map start_indices_batching_dims";

// A row holds operations with the same attributes and life. Names without version are of version 1.
const Row kRows[] = {
    {"abs ceil count_leading_zeros floor imag is_finite negate not popcnt real round_nearest_afz round_nearest_even "
     "sign convert reshape bitcast_convert uniform_quantize uniform_dequantize add atan2 complex divide maximum "
     "minimum multiply or power remainder shift_left shift_right_arithmetic shift_right_logical subtract xor and "
     "select clamp if case while return optimization_barrier tuple after_all create_token dynamic_pad dynamic_reshape "
     "real_dynamic_slice dynamic_update_slice partition_id replica_id",
     ""},
    {"cbrt cosine exponential_minus_one log log_plus_one logistic rsqrt sine sqrt tanh", "", kOldestVersion, {1, 9, 0}},
    {"tan", "", {1, 4, 0}, {1, 9, 0}},
    {"cbrt_v2 cosine_v2 exponential_minus_one_v2 log_v2 log_plus_one_v2 logistic_v2 rsqrt_v2 sine_v2 sqrt_v2 tan_v2 "
     "tanh_v2",
     "result_accuracy",
     {1, 10, 0}},
    {"exponential", "", kOldestVersion, {1, 8, 0}},
    {"exponential_v2", "result_accuracy", {1, 9, 0}},
    {"compare", "compare_type comparison_direction"},
    {"constant", "value"},
    {"iota dynamic_iota", "iota_dimension"},
    {"broadcast_in_dim", "broadcast_dimensions"},
    {"broadcast", "broadcast_sizes"},
    {"transpose", "permutation"},
    {"reverse reduce map", "dimensions"},
    {"concatenate get_dimension_size set_dimension_size", "dimension"},
    {"slice", "limit_indices start_indices strides"},
    {"dynamic_slice", "slice_sizes"},
    {"pad", "edge_padding_high edge_padding_low interior_padding"},
    {"reduce_precision", "exponent_bits mantissa_bits"},
    {"dot_general",
     "lhs_batching_dimensions lhs_contracting_dimensions precision_config rhs_batching_dimensions "
     "rhs_contracting_dimensions",
     kOldestVersion,
     {1, 5, 0}},
    {"dot_general_v2",
     "accumulation_type allow_imprecise_accumulation lhs_batching_dimensions lhs_component_count "
     "lhs_contracting_dimensions lhs_precision_type num_primitive_operations precision_config "
     "rhs_batching_dimensions rhs_component_count rhs_contracting_dimensions rhs_precision_type",
     {1, 6, 0}},
    {"dot", "precision_config"},
    {"einsum unary_einsum", "einsum_config"},
    {"convolution", kConvolution},
    {"dynamic_conv", kConvolution, kOldestVersion, {0, 19, 0}},
    {"dynamic_conv_v2", kDynamicConvolution, {0, 20, 0}},
    {"gather", kGather, kOldestVersion, {1, 0, 0}},
    {"gather_v2", kBatchedGather, {1, 1, 0}},
    {"dynamic_gather",
     "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims start_index_map",
     kOldestVersion,
     {1, 0, 0}},
    {"dynamic_gather_v2",
     "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims operand_batching_dims start_index_map "
     "start_indices_batching_dims",
     {1, 1, 0}},
    {"scatter",
     "index_vector_dim indices_are_sorted inserted_window_dims scatter_dims_to_operand_dims unique_indices "
     "update_window_dims",
     kOldestVersion,
     {1, 0, 0}},
    {"scatter_v2",
     "index_vector_dim indices_are_sorted input_batching_dims inserted_window_dims scatter_dims_to_operand_dims "
     "scatter_indices_batching_dims unique_indices update_window_dims",
     {1, 1, 0}},
    {"reduce_window", "base_dilations padding window_dilations window_dimensions window_strides"},
    {"select_and_scatter", "padding window_dimensions window_strides"},
    {"sort", "dimension is_stable"},
    {"call", "callee"},
    {"composite", "composite_attributes decomposition name version", {0, 19, 0}, {1, 13, 0}},
    {"composite_v2", "composite_attributes decomposition name version", {1, 14, 0}},
    {"func", "arg_attrs function_type res_attrs sym_name sym_visibility"},
    {"get_tuple_element", "index"},
    {"fft", "fft_length fft_type"},
    {"cholesky", "lower"},
    {"triangular_solve", "left_side lower transpose_a unit_diagonal"},
    {"batch_norm_inference batch_norm_training batch_norm_grad", "epsilon feature_index"},
    {"rng", "rng_distribution"},
    {"rng_bit_generator", "rng_algorithm"},
    {"torch_index_select", "batch_dims dim"},
    {"dynamic_broadcast_in_dim", "broadcast_dimensions known_expanding_dimensions known_nonexpanding_dimensions"},
    {"custom_call", kCustomCall, kOldestVersion, {1, 17, 0}},
    {"custom_call_v2",
     "api_version backend_config call_target_name called_computations has_side_effect operand_layouts "
     "output_operand_aliases result_layouts result_tilings",
     {1, 18, 0}},
};

using Table = std::map<std::string, VhloOp, std::less<>>;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

const Table& table() {
  static const Table all = [] {
    Table out;
    for (const Row& row : kRows)
      for (const auto word : words(row.names)) {
        const bool versioned = without_version(word) != word;
        std::string name = versioned ? std::string(word) : fmt::format("{}_v1", word);
        const auto it = out.emplace(std::move(name), VhloOp{{}, words(row.attributes), row.since, row.until}).first;
        it->second.name = it->first;
      }
    return out;
  }();
  return all;
}

}  // namespace

std::string Version::to_string() const { return fmt::format("{}.{}.{}", major, minor, patch); }

std::string_view without_version(std::string_view name) {
  const auto at = name.rfind("_v");
  if (at == std::string_view::npos || at + 2 == name.size()) return name;
  const bool digits = std::ranges::all_of(name.substr(at + 2), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? name.substr(0, at) : name;
}

const VhloOp* find_vhlo_op(std::string_view name) {
  const auto it = table().find(name);
  return it == table().end() ? nullptr : &it->second;
}

const VhloOp* vhlo_op_for(std::string_view name, const Version& target) {
  const Version release{target.major, target.minor, 0};
  for (int v = 1; v <= 2; ++v) {
    const VhloOp* op = find_vhlo_op(fmt::format("{}_v{}", name, v));
    if (op && op->since <= release && release <= op->until) return op;
  }
  return nullptr;
}

}  // namespace tf2jax::stablehlo
