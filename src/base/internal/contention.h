// Whether other processes contend for the processors, told from how our own threads fare.
#pragma once
#include <chrono>

namespace tf2jax::detail {

/// What threads met since the process began.
struct ThreadFortunes {
  long switches = 0;                        ///< How often they were made to give their processors up.
  std::chrono::nanoseconds lost_waiting{};  ///< How long loops waited for a thread longer than it can have worked.
};

/// Watches windows of time, one after the other. Two contended ones on end say that waiting threads should sleep; that
/// holds until a while passed without one.
class Contention {
 public:
  using Clock = std::chrono::steady_clock;

  Contention(Clock::time_point start, const ThreadFortunes& fortunes) : start_(start), before_(fortunes) {}
  /// Whether waiting threads should sleep, at `now`, when `threads` of them are to work. Asks for the fortunes at the
  /// end of a window only.
  template <class F>
  bool look(Clock::time_point now, F fortunes, int threads) {
    if (now - start_ >= kWindow) close_window(now, fortunes(), threads);
    return sleeps_;
  }

 private:
  static constexpr std::chrono::milliseconds kWindow{100}, kPatience{1000};
  void close_window(Clock::time_point now, const ThreadFortunes& fortunes, int threads);

  Clock::time_point start_, last_busy_, released_;
  ThreadFortunes before_;
  int busy_windows_ = 0;
  std::chrono::milliseconds patience_ = kPatience;
  bool sleeps_ = false;
};

}  // namespace tf2jax::detail
