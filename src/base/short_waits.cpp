// libgomp's threads spin for several milliseconds before they sleep. When other processes, or a control group's quota, keep
// the thread that they wait for from running, that is what every loop takes. Nothing changes the bound once libgomp has
// started, but it counts its threads, and while it has more of them than there are processors it spins 3000 times less, for
// some microseconds. So we keep a team that sleeps.
#include "tf2jax/base/internal/short_waits.h"

#if defined(_OPENMP)
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace tf2jax::detail {

namespace {

// libgomp ends the process when it cannot make a thread.
bool can_make_threads(int count) {
  std::mutex gate;
  std::vector<std::thread> made;
  std::unique_lock closed(gate);
  try {
    for (int i = 0; i < count; ++i) made.emplace_back([&] { const std::lock_guard pass(gate); });
  } catch (const std::system_error&) {
  }
  closed.unlock();
  for (std::thread& t : made) t.join();
  return made.size() == static_cast<std::size_t>(count);
}

// What libgomp counted when it started; a thread that was bound to fewer processors since sees those.
int processors_of_libgomp() { return std::max(omp_get_num_procs(), std::getenv("OMP_NUM_THREADS") ? 1 : omp_get_max_threads()); }

void keep_sleeping_team() {
  const auto started = std::make_shared<std::promise<void>>();
  std::thread([started] {
    const int threads = processors_of_libgomp() + 1;
    if (!can_make_threads(threads)) return started->set_value();
    std::atomic<int> arrived = 0;   // an empty region would be left out
#pragma omp parallel num_threads(threads)
    ++arrived;
    started->set_value();
    for (;;) ::pause();   // the team lives as long as the thread that leads it
  }).detach();
  started->get_future().wait();
}

// The team's threads take no signals.
void keep_team_undisturbed() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    keep_sleeping_team();
  } catch (const std::system_error&) {   // not one more thread
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void shorten_waits() {
  static const bool done = [] {
    if (!std::getenv("OMP_WAIT_POLICY") && !std::getenv("GOMP_SPINCOUNT")) keep_team_undisturbed();
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace tf2jax::detail
#else
namespace tf2jax::detail {
void shorten_waits() {}   // the own workers sleep at once
}  // namespace tf2jax::detail
#endif
