// KernelTable: the eager kernels of the CPU backend, by primitive.
#pragma once
#include <utility>

#include "tf2jax/base/error.h"
#include "tf2jax/trace/rule_table.h"

namespace tf2jax::cpu {

/// Filled once by the register_<family>_kernels functions, then read by any number of threads.
class KernelTable {
 public:
  /// Throws: InternalError when the primitive has a kernel already.
  void add(const Primitive& primitive, Kernel kernel) {
    check<InternalError>(!kernels_.find(primitive), "KernelTable: '{}' has two kernels.", primitive.name());
    kernels_.set(primitive, std::move(kernel));
  }
  /// The kernel, or null.
  const Kernel* find(const Primitive& primitive) const { return kernels_.find(primitive); }

 private:
  RuleTable<Kernel> kernels_;
};

}  // namespace tf2jax::cpu
