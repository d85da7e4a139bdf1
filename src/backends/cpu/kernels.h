// The registration functions of the CPU kernels, one per family.
#pragma once
#include "tf2jax/backends/cpu/kernel_table.h"

namespace tf2jax::cpu {

void register_unary_kernels(KernelTable& table);
void register_complex_unary_kernels(KernelTable& table);
void register_binary_kernels(KernelTable& table);
void register_convert_kernels(KernelTable& table);
void register_shape_kernels(KernelTable& table);
void register_dot_kernels(KernelTable& table);
void register_linalg_kernels(KernelTable& table);
void register_factorization_kernels(KernelTable& table);
void register_condensed_form_kernels(KernelTable& table);
void register_reduce_kernels(KernelTable& table);
void register_window_kernels(KernelTable& table);
void register_gather_kernels(KernelTable& table);
void register_conv_kernels(KernelTable& table);
void register_sort_kernels(KernelTable& table);
void register_random_kernels(KernelTable& table);
void register_bit_generator_kernels(KernelTable& table);
void register_fft_kernels(KernelTable& table);
void register_special_kernels(KernelTable& table);

}  // namespace tf2jax::cpu
