// How many threads a call into oneDNN uses, and each thread's scratch memory.
#include "tf2jax/kernels/internal/team.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <array>
#include <new>
#include <utility>

#include "tf2jax/base/internal/sanitized.h"
#include "tf2jax/base/internal/short_waits.h"
#include "tf2jax/base/subnormals.h"
#include "tf2jax/base/thread_pool.h"

namespace tf2jax::kernels {

int team_size() { return inside_parallel_loop() ? 1 : num_threads(); }

int team_for(std::int64_t multiplications, bool deterministic) {
  return deterministic || multiplications < std::int64_t{1} << 20 ? 1 : team_size();
}

#if defined(_OPENMP)
namespace {
// oneDNN's threads are the team's: they take subnormals as the caller does, and keep them afterwards.
void flush_on_team(int threads, bool flush) {
  if (threads < 2 || !flushes_subnormals()) return;
#pragma omp parallel num_threads(threads)
  if (omp_get_thread_num() > 0) set_flushes_subnormals(flush);
}
}  // namespace

TeamScope::TeamScope(int threads) : before_(omp_get_max_threads()) {
  if (threads > 1) detail::shorten_waits(threads);
  if (threads != before_) omp_set_num_threads(threads);
  flush_on_team(threads, true);
}
TeamScope::~TeamScope() {
  flush_on_team(omp_get_max_threads(), false);
  if (omp_get_max_threads() != before_) omp_set_num_threads(before_);
}
#else
TeamScope::TeamScope(int) : before_(1) {}
TeamScope::~TeamScope() = default;
#endif

namespace {
struct Block {
  void* data = nullptr;
  std::size_t bytes = 0;
  ~Block() { ::operator delete(data, std::align_val_t{64}); }
};
}  // namespace

void* thread_scratch(ScratchSlot slot, std::size_t bytes) {
  thread_local std::array<Block, 5> blocks;
  Block& block = blocks[static_cast<std::size_t>(slot)];
  if (block.bytes < bytes || (detail::kSanitized && block.bytes != bytes)) {
    ::operator delete(std::exchange(block.data, nullptr), std::align_val_t{64});
    block.bytes = 0;
    block.data = ::operator new(bytes, std::align_val_t{64});
    block.bytes = bytes;
  }
  return block.data;
}

}  // namespace tf2jax::kernels
