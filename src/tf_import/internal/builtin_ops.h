// The families of built-in converters.
#pragma once
#include "tf2jax/ops/gather.h"
#include "tf2jax/tf_import/converter.h"

namespace tf2jax::tf_import {

void add_builtin_operations(ConverterTable& table);

void add_math_operations(ConverterTable& table);   // elementwise
void add_shape_operations(ConverterTable& table);  // shapes, movement
/// Lets arithmetic of integers that are there take symbolic sizes.
void add_symbolic_arithmetic(ConverterTable& table);
void add_join_operations(ConverterTable& table);
void add_padding_operations(ConverterTable& table);  // and blocks of space
void add_creation_operations(ConverterTable& table);
void add_index_operations(ConverterTable& table);  // gathers, scatters
void add_slice_operations(ConverterTable& table);
void add_reduce_operations(ConverterTable& table);
void add_nn_operations(ConverterTable& table);        // contractions, convolution, pooling, normalisation
void add_state_operations(ConverterTable& table);     // constants, variables, calls
void add_gradient_operations(ConverterTable& table);  // IdentityN, PreventGradient, StopGradient
void add_random_operations(ConverterTable& table);
void add_generator_operations(ConverterTable& table);
/// Lets stateless random operations give TensorFlow's numbers, where the configuration asks for them.
void add_exact_random(ConverterTable& table);
void add_xla_operations(ConverterTable& table);
void add_module_operations(ConverterTable& table);  // XlaCallModule
void add_matrix_operations(ConverterTable& table);
void add_tensor_list_operations(ConverterTable& table);
void add_control_operations(ConverterTable& table);  // If, Case, While
void add_fft_operations(ConverterTable& table);
void add_linalg_operations(ConverterTable& table);   // factorisations, linear equations
void add_search_operations(ConverterTable& table);   // positions in sorted rows
void add_conv_operations(ConverterTable& table);     // convolutions and their gradients
void add_pool_operations(ConverterTable& table);     // pooling and its gradients
void add_segment_operations(ConverterTable& table);  // segments, bins, buckets
void add_resize_operations(ConverterTable& table);
void add_image_operations(ConverterTable& table);  // colours, crops, patches, projections
void add_quantize_operations(ConverterTable& table);
void add_value_shape_operations(
    ConverterTable& table);  // what is not zero, partitions, distinct values, boxes, sparse tensors
void add_sequence_operations(ConverterTable& table);   // reversal of parts, running sums, ranks
void add_neighbour_operations(ConverterTable& table);  // dilation, positions of maxima
void add_optimizer_operations(ConverterTable& table);
void add_table_operations(ConverterTable& table);   // lookup tables
void add_ragged_operations(ConverterTable& table);  // rows of different lengths
void add_text_operations(ConverterTable& table);    // strings, which are known
/// Lets operations that move, choose or compare elements take strings.
void add_string_movement(ConverterTable& table);
void add_recurrent_operations(ConverterTable& table);  // cells of LSTMs and GRUs
void add_sparse_operations(ConverterTable& table);
void add_special_operations(ConverterTable& table);  // special functions
void add_banded_operations(ConverterTable& table);   // tridiagonal and banded matrices

/// The handle of a TensorArray of dynamic size; that of others is the operation's name.
inline constexpr const char* kGrowingArray = "TensorArray of dynamic size";
inline bool is_growing_array(const Value& handle) {
  const auto* text = handle.get_if<StringTensor>();
  return text && text->values.size() == 1 && text->values[0] == kGrowingArray;
}

using Scatter = Array (*)(const Array&, const Array&, const Array&, const ScatterDims&, const GatherOptions&);
/// `x` with `updates` at `indices`, whose last axis says where along the first axes of x a window begins; what lies
/// outside is left out.
Array scatter_windows(Scatter f, const Array& x, const Array& indices, const Array& updates);
/// Integers that are known now, in the dtype as it is.
Array known_integers(std::span<const std::int64_t> values, const Dims& dims, DType dtype);
inline Array known_vector(std::span<const std::int64_t> values, DType dtype) {
  return known_integers(values, {std::ssize(values)}, dtype);
}
/// The coordinates of positions in an array of these sizes, an array for each axis. The first is not bounded.
Arrays unravelled(const Array& positions, const Dims& sizes);
/// Sizes as a host value, i32 or i64; with symbolic ones among them they stay expressions.
Value sizes_value(const Shape& sizes, bool scalar, DType dtype);
/// The leading axes of both, all but the last two, broadcast to one shape.
std::pair<Array, Array> with_common_batch(const Node& n, const Array& a, const Array& b);

/// The derivative of the modified Bessel function of the first kind and order 1.
Array bessel_i1_slope(const Array& x);

/// For each of `values` [b, m], how many elements of the same sorted row of `rows` [b, n] are not larger.
Array upper_bounds(const Array& rows, const Array& values);

/// `count` keys of two words each from a random key, typed or raw.
Arrays split_key(const Array& key, std::int64_t count);

}  // namespace tf2jax::tf_import
