// Reverse mode through while loops: the carries are computed again from checkpoints.
#pragma once
#include "tf2jax/control/while_loop.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// The cotangents of a loop's linear operands. The loop is counted, then its known carries are kept at regular steps
/// and computed again between them, in levels: with s slots a level, s^levels steps need one more pass for each level.
/// Memory: Config::while_checkpoint_bytes a level, and at least kFewestSlots carries.
/// Sources: Griewank and Walther, Evaluating Derivatives, 2nd ed., 12.1 (multilevel checkpointing).
/// Throws: ValueError where Config::while_checkpoint_bytes is 0 (JAX's refusal), NotImplementedError for a predicate
/// with axes.
Tangents while_transpose(std::span<const Tangent> cotangents, std::span<const LinearArg> operands,
                         const WhileParams& p);

}  // namespace tf2jax
