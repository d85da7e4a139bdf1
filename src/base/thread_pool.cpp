// Data-parallel loops on the process's team of threads.
#include "tf2jax/base/thread_pool.h"

#include "tf2jax/base/error.h"
#include "tf2jax/base/internal/processors.h"
#include "tf2jax/base/internal/short_waits.h"
#include "tf2jax/base/internal/worker_pool.h"
#include "tf2jax/base/subnormals.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <utility>

namespace tf2jax {
namespace {

thread_local bool inside_loop = false;

// One loop. Every thread has a run of pieces of its own, so that loops over the same data meet it in the same cache,
// and takes from the others' when its own is done.
struct Job {
  static constexpr int kMaxRuns = 64;
  struct alignas(64) Run {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };
  LoopBody body;
  void* context;
  std::int64_t size, piece;
  int runs;
  bool flush;  // subnormals, as the caller does
  std::array<Run, kMaxRuns> run;
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void work(int index) {
    // A new thread begins as the one that made it; it is left without flushing.
    if (index > 0) set_flushes_subnormals(flush);
    const bool outer = std::exchange(inside_loop, true);
    for (int k = 0; k < runs; ++k) {
      Run& mine = run[(index + k) % runs];
      for (std::int64_t i = mine.next.load(std::memory_order_relaxed); i < mine.end;) {
        if ((i = mine.next.fetch_add(1)) >= mine.end) break;
        try {
          body(context, i * piece, std::min(size, (i + 1) * piece));
        } catch (...) {
          if (!failed.exchange(true)) error = std::current_exception();
        }
      }
    }
    inside_loop = outer;
    if (index > 0) set_flushes_subnormals(false);
  }
};

int default_threads() {
  if (const char* text = std::getenv("TF2JAX_NUM_THREADS")) {
    const int n = std::atoi(text);
    if (n > 0) return std::min(n, 1024);
  }
  return detail::usable_processors();
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_threads()};
  return count;
}

#if defined(_OPENMP)
void run_on_team(Job& job) {
  using Clock = std::chrono::steady_clock;
  detail::shorten_waits(job.runs);
  const Clock::time_point start = Clock::now();
  Clock::time_point worked;
#pragma omp parallel num_threads(job.runs)
  {
    const int index = omp_get_thread_num();
    job.work(index);
    if (index == 0) worked = Clock::now();
  }
  detail::note_wait(worked - start, Clock::now() - worked);
}
bool in_other_team() { return omp_in_parallel() != 0; }
#else
void run_on_team(Job& job) {
  detail::run_on_workers(
      thread_count(), [](void* context, int index) { static_cast<Job*>(context)->work(index); }, &job);
}
bool in_other_team() { return false; }
#endif

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

bool inside_parallel_loop() { return inside_loop || in_other_team(); }

void set_num_threads(int count) {
  check(count >= 1, "set_num_threads: the count is too small. Got {}; expected 1 or more.", count);
  thread_count() = count;
}

void parallel_for(std::int64_t size, std::int64_t grain, LoopBody body, void* context) {
  if (size <= 0) return;
  const std::int64_t least = std::max<std::int64_t>(grain, 1), most = (size + least - 1) / least;
  if (most <= 1 || num_threads() == 1 || inside_parallel_loop()) return body(context, 0, size);
  const std::int64_t threads = std::min<std::int64_t>({num_threads(), most, Job::kMaxRuns});
  // Four pieces a thread even out unequal speed at a small cost in dispatch.
  Job job{body, context, size, 0, static_cast<int>(threads), flushes_subnormals(), {}, false, nullptr};
  const std::int64_t wanted = std::min(threads * 4, most);
  job.piece = (size + wanted - 1) / wanted;
  const std::int64_t pieces = (size + job.piece - 1) / job.piece;
  for (std::int64_t t = 0; t < threads; ++t) {
    Job::Run& run = job.run[t];
    run.next = pieces * t / threads;
    run.end = pieces * (t + 1) / threads;
  }
  run_on_team(job);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace tf2jax
