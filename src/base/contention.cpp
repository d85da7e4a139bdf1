// Contended windows of time, and how long waiting threads sleep because of them.
#include "tf2jax/base/internal/contention.h"

#include <algorithm>

namespace tf2jax::detail {

void Contention::close_window(Clock::time_point now, const ThreadFortunes& fortunes, int threads) {
  const auto elapsed = now - start_;
  const long switches = fortunes.switches - before_.switches;
  const auto lost = fortunes.lost_waiting - before_.lost_waiting;
  start_ = now;
  before_ = fortunes;
  if (elapsed > 4 * kWindow) return;  // idle meanwhile: it says nothing
  // On a quiet machine a thread gives its processor up once or twice in a window, on one that another process shares as
  // often as there are time slices. Where three processes or more share one, or a control group has a quota, slices are
  // few and long: what loops lost shows it.
  const bool is_contended = switches >= 7L * threads || lost * 5 > elapsed;
  busy_windows_ = is_contended ? busy_windows_ + 1 : 0;
  if (is_contended) last_busy_ = now;
  if (!sleeps_ && busy_windows_ >= 2) {
    if (now - released_ > std::chrono::seconds(60)) patience_ = kPatience;
    sleeps_ = true;
  } else if (sleeps_ && now - last_busy_ > patience_) {
    sleeps_ = false;
    released_ = now;
    // Or a busy machine would be found out again and again.
    patience_ = std::min<std::chrono::milliseconds>(2 * patience_, std::chrono::seconds(30));
  }
}

}  // namespace tf2jax::detail
