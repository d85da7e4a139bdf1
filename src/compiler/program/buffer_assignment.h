// Which values of a program lie in one memory, one after another.
#pragma once
#include <span>

#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

/// The bases that a unit of the plan reads and writes.
struct UnitAccess {
  std::vector<ValueId> reads, writes;
  std::vector<std::pair<ValueId, ValueId>> in_place;  // (operand, result) that may be one memory while the unit runs
};

/// Output `output` may lie in the memory of input `input`.
struct SharedMemory {
  std::int32_t input, output;
};

struct BufferAssignment {
  std::vector<ValueId> home;          // by base: the first value in its memory
  std::vector<bool> alone;            // by base: nothing else lies there
  std::vector<std::int32_t> outputs;  // by output: the input in whose memory it lies, or -1
};

/// A result takes the memory of an operand that nothing reads later; an output that of an input, where `allowed` has
/// the pair, which is dead before the output's memory is first written. `units` are those of plan.order.
BufferAssignment assign_buffers(const Graph& graph, const FusionPlan& plan, const std::vector<UnitAccess>& units,
                                std::span<const SharedMemory> allowed);

}  // namespace tf2jax::compiler
