// The process's worker threads.
#include "tf2jax/base/thread_pool.h"

#include "tf2jax/base/error.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tf2jax {
namespace {

using Body = std::function<void(std::int64_t, std::int64_t)>;

// One loop. Pieces are taken from `next` by whoever comes; the last to finish wakes the caller.
struct Job {
  const Body* body;
  std::int64_t size, piece, pieces;
  std::atomic<std::int64_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable finished;
  std::exception_ptr error;
};

thread_local bool inside_loop = false;

void work(Job& job) {
  const bool outer = std::exchange(inside_loop, true);
  for (;;) {
    const std::int64_t i = job.next.fetch_add(1);
    if (i >= job.pieces) break;
    try {
      (*job.body)(i * job.piece, std::min(job.size, (i + 1) * job.piece));
    } catch (...) {
      const std::lock_guard lock(job.mutex);
      if (!job.error) job.error = std::current_exception();
    }
    if (job.done.fetch_add(1) + 1 == job.pieces) {
      const std::lock_guard lock(job.mutex);
      job.finished.notify_all();
    }
  }
  inside_loop = outer;
}

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }
  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(const std::shared_ptr<Job>& job) {
    {
      const std::lock_guard lock(mutex_);
      job_ = job;
      ++generation_;
    }
    wake_.notify_all();
    work(*job);
    std::unique_lock lock(job->mutex);
    job->finished.wait(lock, [&] { return job->done.load() == job->pieces; });
  }

 private:
  void serve() {
    std::uint64_t seen = 0;
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
        job = job_;
      }
      work(*job);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Job> job_;
  std::uint64_t generation_ = 0;
  bool stop_ = false;
};

int default_threads() {
  if (const char* text = std::getenv("TF2JAX_NUM_THREADS")) {
    const int n = std::atoi(text);
    if (n > 0) return std::min(n, 1024);
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

struct State {
  std::mutex mutex;
  std::atomic<int> count{default_threads()};
  std::shared_ptr<Pool> pool;   // made on first use
};
State& state() {
  // Never destroyed: a loop may still run on another thread when the process exits.
  static State* const s = std::make_unique<State>().release();
  return *s;
}

std::shared_ptr<Pool> pool() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (!s.pool || s.pool->threads() != s.count) s.pool = std::make_shared<Pool>(s.count);
  return s.pool;
}

}  // namespace

int num_threads() { return state().count; }

bool inside_parallel_loop() { return inside_loop; }

void set_num_threads(int count) {
  check(count >= 1, "set_num_threads: the count is too small. Got {}; expected 1 or more.", count);
  state().count = count;
}

void parallel_for(std::int64_t size, std::int64_t grain, const Body& body) {
  if (size <= 0) return;
  const std::int64_t threads = num_threads();
  const std::int64_t least = std::max<std::int64_t>(grain, 1);
  // Four pieces a thread even out unequal speed at a small cost in dispatch.
  const std::int64_t pieces = std::min(threads * 4, (size + least - 1) / least);
  if (inside_loop || threads == 1 || pieces <= 1) {
    body(0, size);
    return;
  }
  const auto job = std::make_shared<Job>();
  job->body = &body;
  job->size = size;
  job->piece = (size + pieces - 1) / pieces;
  job->pieces = (size + job->piece - 1) / job->piece;
  pool()->run(job);
  if (job->error) std::rethrow_exception(job->error);
}

}  // namespace tf2jax
