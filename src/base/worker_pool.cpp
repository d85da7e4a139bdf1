// Worker threads for builds without OpenMP.
#include "tf2jax/base/internal/worker_pool.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tf2jax::detail {
namespace {

// One call. Workers that come after it has closed leave it alone: its context may be gone.
struct Task {
  void (*work)(void*, int);
  void* context;
  std::mutex mutex;
  std::condition_variable idle;
  int running = 0;
  bool closed = false;

  void join(int index) {
    {
      const std::lock_guard lock(mutex);
      if (closed) return;
      ++running;
    }
    work(context, index);
    const std::lock_guard lock(mutex);
    if (--running == 0) idle.notify_all();
  }
  void close() {
    std::unique_lock lock(mutex);
    closed = true;
    idle.wait(lock, [&] { return running == 0; });
  }
};

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
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

  void run(const std::shared_ptr<Task>& task) {
    {
      const std::lock_guard lock(mutex_);
      task_ = task;
      ++generation_;
    }
    wake_.notify_all();
    task->join(0);
    task->close();
  }

 private:
  void serve(int index) {
    std::uint64_t seen = 0;
    for (;;) {
      std::shared_ptr<Task> task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
        task = task_;
      }
      task->join(index);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Task> task_;
  std::uint64_t generation_ = 0;
  bool stop_ = false;
};

struct State {
  std::mutex mutex;
  std::shared_ptr<Pool> pool;  // made on first use
};

std::shared_ptr<Pool> pool_of(int threads) {
  // Never destroyed: a loop may still run on another thread when the process exits.
  static State* const state = std::make_unique<State>().release();
  const std::lock_guard lock(state->mutex);
  if (!state->pool || state->pool->threads() != threads) state->pool = std::make_shared<Pool>(threads);
  return state->pool;
}

}  // namespace

void run_on_workers(int threads, void (*work)(void*, int), void* context) {
  const auto task = std::make_shared<Task>();
  task->work = work;
  task->context = context;
  pool_of(threads)->run(task);
}

}  // namespace tf2jax::detail
