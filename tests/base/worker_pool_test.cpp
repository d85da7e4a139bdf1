// Worker threads: the caller works too, and nobody works after the call.
#include <gtest/gtest.h>
#include <tf2jax/base/internal/worker_pool.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tf2jax {
namespace {

struct Count {
  std::atomic<int> calls = 0, running = 0;
  std::atomic<bool> caller_worked = false;
};
void work(void* context, int index) {
  Count& c = *static_cast<Count*>(context);
  ++c.running;
  ++c.calls;
  if (index == 0) c.caller_worked = true;
  std::this_thread::yield();
  --c.running;
}

TEST(WorkerPool, OneThreadIsTheCaller) {
  Count c;
  detail::run_on_workers(1, work, &c);
  EXPECT_EQ(c.calls, 1);
  EXPECT_TRUE(c.caller_worked);
}

TEST(WorkerPool, NobodyRunsAfterTheCall) {
  for (int round = 0; round < 200; ++round) {
    Count c;  // gone after this turn: a worker that came late would write to it
    detail::run_on_workers(1 + round % 4, work, &c);
    EXPECT_GE(c.calls, 1);
    EXPECT_LE(c.calls, 1 + round % 4);
    EXPECT_EQ(c.running, 0);
    EXPECT_TRUE(c.caller_worked);
  }
}

TEST(WorkerPool, IndicesAreDistinct) {
  std::atomic<int> seen[4] = {};
  for (int round = 0; round < 50; ++round) {
    for (auto& s : seen) s = 0;
    detail::run_on_workers(4, [](void* context, int index) { ++static_cast<std::atomic<int>*>(context)[index]; }, seen);
    for (const auto& s : seen) EXPECT_LE(s, 1);
    EXPECT_EQ(seen[0], 1);
  }
}

TEST(WorkerPool, ServesSeveralCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> done = 0;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Count c;
        detail::run_on_workers(3, work, &c);
        if (c.caller_worked && c.running == 0) ++done;
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(done, 200);
}

}  // namespace
}  // namespace tf2jax
