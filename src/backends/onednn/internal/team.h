// How many threads a call into oneDNN uses.
#pragma once
#include <cstddef>
#include <memory>

namespace tf2jax::onednn {

/// num_threads(), or 1 inside a parallel loop.
int team_size();

/// oneDNN's calls on this thread use `threads` threads while this lives.
class TeamScope {
 public:
  explicit TeamScope(int threads);
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;

 private:
  int before_;
};

/// Memory of this thread, aligned to 64 bytes, valid until the next call with the same slot. Grows and stays.
enum class ScratchSlot { panels, operand, first, second, third };
void* thread_scratch(ScratchSlot slot, std::size_t bytes);

}  // namespace tf2jax::onednn
