// Whether a kernel may write a result over an operand.
#pragma once
#include "tf2jax/compiler/graph/graph.h"

namespace tf2jax::compiler {

/// True when every element of buffer `read` is read for the last time before the element of `written` at the same index
/// is stored, on whichever thread, or when the kernel begins with a copy of one to the other and reads no more of it:
/// the two may be one memory. Other statements it does not know are taken to forbid it.
bool may_overwrite(const loops::Kernel& kernel, loops::BufferId read, loops::BufferId written);

/// Makes loads of `read` loads of `written`: from now on they are one buffer. A copy is dropped; the
/// body is empty where that was all.
void overwrite(loops::Kernel& kernel, loops::BufferId read, loops::BufferId written);

/// A kernel and what its buffers are, scratch ones excepted: bases of views, or -1 for constants.
struct BoundKernel {
  const loops::Kernel& kernel;
  const std::vector<ValueId>& bases;
};
/// The buffers that are one base. A loop names one memory several times where one value is several of its operands.
std::vector<loops::BufferId> buffers_of(const BoundKernel& bound, ValueId base);
/// Whether a kernel that may read the operand, under any of its names, may find the result written over it.
bool allows_overwrite(const BoundKernel& bound, ValueId operand, ValueId result);

}  // namespace tf2jax::compiler
