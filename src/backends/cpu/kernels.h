// The kernels of the CPU backend, one registration function per operation family.
#pragma once
#include "tf2jax/backends/cpu/kernel_table.h"

namespace tf2jax::cpu {

void register_reduce_kernels(KernelTable& table);
void register_window_kernels(KernelTable& table);
void register_gather_kernels(KernelTable& table);
void register_conv_kernels(KernelTable& table);
void register_sort_kernels(KernelTable& table);
void register_random_kernels(KernelTable& table);

}  // namespace tf2jax::cpu
