// KernelTable: the eager kernels of the CPU backend, by primitive.
#pragma once
#include <unordered_map>
#include <utility>

#include "tf2jax/base/error.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax::cpu {

/// Filled once by the register_<family>_kernels functions, then read by any number of threads.
class KernelTable {
 public:
  /// Throws: InternalError when the primitive has a kernel already.
  void add(const Primitive& primitive, Kernel kernel) {
    check<InternalError>(kernels_.emplace(primitive.id(), std::move(kernel)).second, "KernelTable: '{}' has two kernels.", primitive.name());
  }
  /// The kernel, or null.
  const Kernel* find(const Primitive& primitive) const {
    const auto it = kernels_.find(primitive.id());
    return it == kernels_.end() ? nullptr : &it->second;
  }

 private:
  std::unordered_map<const void*, Kernel> kernels_;
};

}  // namespace tf2jax::cpu
