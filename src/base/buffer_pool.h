// Memory for array data: blocks are kept when freed, and large ones lie on huge pages.
#pragma once
#include <cstddef>

namespace tf2jax {

/// An uninitialised block of at least `bytes`, aligned to 64. First touch of fresh memory costs more than most
/// operations on it, so freed blocks are kept, up to TF2JAX_POOL_BYTES (default: a quarter of the machine's memory; 0:
/// none). They are given back when a block is made that is larger than all of them: the process then needs no more than
/// its arrays. Throws: ResourceExhaustedError when the blocks in use would exceed Config::max_total_bytes, or the
/// system has no memory.
void* allocate_buffer(std::size_t bytes);
/// Gives a block back; `bytes` is what was asked for. From any thread.
void free_buffer(void* block, std::size_t bytes) noexcept;

/// Bytes of the blocks of more than 64 KiB that are in use.
std::size_t buffer_bytes_in_use();
/// What memory the process may have: the machine's, or its control group's (cgroup v1, v2) where that is less.
std::size_t memory_limit();

/// Returns the kept blocks of the process, and the small ones of this thread, to the system.
void release_pooled_memory();
/// Bytes of freed blocks kept at the moment, those of other threads' small lists left out.
std::size_t pooled_bytes();
/// Calls `release` before a block of 16 MiB or more is made: what can be had again cheaply may be let go of. One at a
/// time; it is called from any thread and must neither throw nor allocate buffers.
void when_memory_grows(void (*release)());

}  // namespace tf2jax
