// From a group to a loop program.
#pragma once
#include "tf2jax/backends/llvm/fusion.h"

namespace tf2jax::compiler {

/// A kernel and what its buffers are: bases of views, in the order of the kernel's buffers (scratch ones excepted).
struct LoweredGroup {
  loops::Kernel kernel;
  std::vector<ValueId> bases;
};

/// `lanes`: elements of a vector. Several kernels where pads and concatenations cut the index space into long pieces, so
/// that each piece computes only what it holds.
std::vector<LoweredGroup> lower_group(const Graph& graph, const Plan& plan, const Group& group, int lanes);

}  // namespace tf2jax::compiler
