// Verifying a plan before code is made of it. Each function throws InternalError naming what does not hold.
#pragma once
#include <functional>

#include "tf2jax/compiler/program/buffer_assignment.h"
#include "tf2jax/compiler/program/in_place.h"
#include "tf2jax/compiler/program/program.h"

namespace tf2jax::compiler {

/// Each unit reads what earlier ones wrote, and every value in memory is written by one group, or by one op.
void check_order(const Graph& graph, const FusionPlan& plan);

/// Index maps of groups of few elements against the definition of each movement, place by place; a result of a group
/// runs over every element once.
void check_maps(const Graph& graph, const FusionPlan& plan);

/// No memory is written over while a value in it is still read, by any of its names, but in place where a unit allows
/// it; a scatter's operand lies where its result goes.
void check_assignment(const Graph& graph, const FusionPlan& plan, const std::vector<UnitAccess>& units,
                      const BufferAssignment& sharing);

/// How often a kernel writes an element of its results.
enum class Writes { once, any };

/// Kernels before results are written over operands: accesses stay inside buffers, nothing is read after it was written
/// over, and with `once` every element of a result is written once by all of them together (some rows in part again, by
/// the iteration that wrote them). `home`: of a base, what names its memory. Kernels with many accesses are left out.
void check_kernels(const std::vector<BoundKernel>& kernels, const std::function<ValueId(ValueId)>& home, Writes writes);

/// Slots that live at the same time do not overlap in the arena.
void check_arena(const std::vector<Program::Slot>& slots);

}  // namespace tf2jax::compiler
