#include "tf2jax/base/thread_pool.h"

#include "tf2jax/base/error.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tf2jax {
namespace {

TEST(ParallelFor, VisitsEachIndexOnce) {
  set_num_threads(4);
  std::vector<int> visits(10007, 0);
  parallel_for(10007, 10, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) ++visits[i];
  });
  for (const int n : visits) EXPECT_EQ(n, 1);
}

TEST(ParallelFor, RethrowsTheBodysException) {
  set_num_threads(4);
  EXPECT_THROW(parallel_for(1000, 1, [](std::int64_t, std::int64_t) { raise<ShapeError>("no"); }), ShapeError);
}

TEST(ParallelFor, NestsAndServesManyCallers) {
  set_num_threads(3);
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        parallel_for(16, 1, [&](std::int64_t begin, std::int64_t end) {
          parallel_for(end - begin, 1, [&](std::int64_t lo, std::int64_t hi) { sum += hi - lo; });
        });
      }
    });
  }
  for (auto& c : callers) c.join();
  EXPECT_EQ(sum, 4 * 50 * 16);
}

TEST(SetNumThreads, RejectsZero) { EXPECT_THROW(set_num_threads(0), ValueError); }

}  // namespace
}  // namespace tf2jax
