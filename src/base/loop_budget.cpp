// Counting the turns of loops.
#include "tf2jax/base/loop_budget.h"

#include "tf2jax/base/config.h"
#include "tf2jax/base/error.h"

#include <optional>

namespace tf2jax {
namespace {

using Clock = std::chrono::steady_clock;
thread_local std::optional<Clock::time_point> outermost_start;

}  // namespace

bool loops_are_bounded() { return config().max_loop_steps > 0 || config().max_seconds > 0; }

LoopBudget::LoopBudget(std::string_view name) : name_(name), bounded_(loops_are_bounded()) {
  if (!bounded_ || outermost_start) return;
  outermost_start = Clock::now();
  outermost_ = true;
}

LoopBudget::~LoopBudget() {
  if (outermost_) outermost_start.reset();
}

void LoopBudget::count() {
  const Config& limits = config();
  ++steps_;
  if (limits.max_loop_steps > 0 && steps_ > limits.max_loop_steps)
    raise<ResourceExhaustedError>(
        "{}: the loop takes more than {} steps. Raise Config::max_loop_steps if it is meant to.", name_,
        limits.max_loop_steps);
  if (limits.max_seconds > 0 &&
      std::chrono::duration<double>(Clock::now() - *outermost_start).count() > limits.max_seconds)
    raise<ResourceExhaustedError>(
        "{}: loops have run for more than {} seconds, in step {}. Raise Config::max_seconds if they are meant to.",
        name_, limits.max_seconds, steps_);
}

}  // namespace tf2jax
