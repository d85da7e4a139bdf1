// The watch over contended processors: it may be asked at any time, from any thread, and loops run as before.
#include <gtest/gtest.h>
#include <tf2jax/base/internal/short_waits.h>
#include <tf2jax/base/thread_pool.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace tf2jax {
namespace {

TEST(ShortWaits, LoopsBetweenLooksVisitEverything) {
  std::atomic<std::int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([&] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(350);  // some windows of time
      while (std::chrono::steady_clock::now() < end) {
        detail::shorten_waits(1);  // so few threads that a busy machine counts as contended
        std::int64_t mine = 0;
        std::atomic<std::int64_t> seen = 0;
        parallel_for(64, 1, [&](std::int64_t lo, std::int64_t hi) { seen += hi - lo; });
        mine = seen;
        ASSERT_EQ(mine, 64);
        sum += mine;
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_GT(sum, 0);
}

}  // namespace
}  // namespace tf2jax
