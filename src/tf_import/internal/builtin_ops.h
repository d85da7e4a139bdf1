// The families of built-in converters.
#pragma once
#include "tf2jax/tf_import/converter.h"

namespace tf2jax::tf_import {

void add_builtin_operations(ConverterTable& table);

void add_math_operations(ConverterTable& table);      // elementwise
void add_shape_operations(ConverterTable& table);     // shapes, movement, creation
void add_index_operations(ConverterTable& table);     // slices, gathers, scatters
void add_reduce_operations(ConverterTable& table);
void add_nn_operations(ConverterTable& table);        // contractions, convolution, pooling, normalisation
void add_state_operations(ConverterTable& table);     // constants, variables, calls
void add_gradient_operations(ConverterTable& table);  // IdentityN, PreventGradient, StopGradient
void add_random_operations(ConverterTable& table);
void add_xla_operations(ConverterTable& table);
void add_matrix_operations(ConverterTable& table);
void add_tensor_list_operations(ConverterTable& table);
void add_control_operations(ConverterTable& table);   // If, Case, While

}  // namespace tf2jax::tf_import
