// libgomp's threads spin for several milliseconds before they sleep. When other processes, or a control group's quota,
// keep the thread that they wait for from running, that is what every loop takes. Nothing changes the bound once
// libgomp has started, but it counts its threads, and while it has more of them than there are processors it spins 3000
// times less, for a microsecond or so. So we keep a team that sleeps while the processors are contended: then, and only
// then, is sleeping at once cheaper. Contention tells when that is.
#include "tf2jax/base/internal/short_waits.h"

#if defined(_OPENMP)
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "tf2jax/base/internal/contention.h"

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
int processors_of_libgomp() {
  return std::max(omp_get_num_procs(), std::getenv("OMP_NUM_THREADS") ? 1 : omp_get_max_threads());
}

// A team of libgomp's that sleeps until it is told to end.
class SleepingTeam {
 public:
  SleepingTeam() {
    sigset_t all, before;  // the team's threads take no signals
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([shared = shared_] { lead(*shared); }).detach();
      shared_->started.get_future().wait();
    } catch (const std::system_error&) {  // not one more thread
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  // Its threads end by themselves: after a fork there are none.
  ~SleepingTeam() {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
    shared_->wake.notify_all();
  }
  SleepingTeam(const SleepingTeam&) = delete;
  SleepingTeam& operator=(const SleepingTeam&) = delete;

 private:
  struct Shared {
    std::promise<void> started;
    std::mutex mutex;
    std::condition_variable wake;
    bool ended = false;
  };
  static void lead(Shared& shared) {
    const int threads = processors_of_libgomp() + 1;
    if (!can_make_threads(threads)) return shared.started.set_value();
    std::atomic<int> arrived = 0;  // an empty region would be left out
#pragma omp parallel num_threads(threads)
    ++arrived;
    shared.started.set_value();
    std::unique_lock lock(shared.mutex);  // the team lives as long as the thread that leads it
    shared.wake.wait(lock, [&] { return shared.ended; });
  }
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// Beyond one piece, which takes the caller as long as another thread, a wait is for a thread that does not run.
std::atomic<std::int64_t> lost_nanoseconds{0};

ThreadFortunes fortunes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {usage.ru_nivcsw, std::chrono::nanoseconds(lost_nanoseconds.load(std::memory_order_relaxed))};
}

}  // namespace

void shorten_waits(int threads) {
  struct State {
    std::mutex mutex;
    Contention contention{Contention::Clock::now(), fortunes()};
    std::unique_ptr<SleepingTeam> team;
  };
  // Never destroyed: loops may run while the process exits.
  static State* const state =
      std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT") ? nullptr : std::make_unique<State>().release();
  if (!state) return;
  const std::unique_lock lock(state->mutex, std::try_to_lock);
  if (!lock) return;
  const bool sleep = state->contention.look(Contention::Clock::now(), fortunes, threads);
  if (sleep == (state->team != nullptr)) return;
  state->team = sleep ? std::make_unique<SleepingTeam>() : nullptr;
}

void note_wait(std::chrono::nanoseconds worked, std::chrono::nanoseconds waited) {
  if (waited > worked) lost_nanoseconds.fetch_add((waited - worked).count(), std::memory_order_relaxed);
}

}  // namespace tf2jax::detail
#else
namespace tf2jax::detail {
void shorten_waits(int) {}  // the own workers sleep at once
void note_wait(std::chrono::nanoseconds, std::chrono::nanoseconds) {}
}  // namespace tf2jax::detail
#endif
