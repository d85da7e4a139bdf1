// LoopBudget: counts the turns of a loop against Config::max_loop_steps and Config::max_seconds.
#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>

namespace tf2jax {

/// True when loops of this thread have a limit: they must not run where nobody counts.
bool loops_are_bounded();

/// One run of a loop, on the thread that made it. The time is that of the outermost loop that runs on the thread.
class LoopBudget {
 public:
  explicit LoopBudget(std::string_view name);
  ~LoopBudget();
  LoopBudget(const LoopBudget&) = delete;
  LoopBudget& operator=(const LoopBudget&) = delete;

  /// Counts a turn. Throws: ResourceExhaustedError naming the loop.
  void step() {
    if (bounded_) [[unlikely]]
      count();
  }

 private:
  void count();

  const std::string_view name_;
  const bool bounded_;
  bool outermost_ = false;
  std::int64_t steps_ = 0;
};

}  // namespace tf2jax
