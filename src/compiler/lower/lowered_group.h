// What lowering a group gives.
#pragma once
#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

/// A kernel and what its buffers are: bases of views, in the order of the kernel's buffers (scratch ones excepted).
struct LoweredGroup {
  loops::Kernel kernel;
  std::vector<ValueId> bases;
};

}  // namespace tf2jax::compiler
