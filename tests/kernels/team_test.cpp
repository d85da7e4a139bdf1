// How many threads a call uses, and each thread's memory.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/kernels/internal/team.h"

namespace tf2jax {
namespace {

using kernels::ScratchSlot;
using kernels::thread_scratch;

class Team : public ::testing::Test {
 protected:
  int before_ = num_threads();
  ~Team() override { set_num_threads(before_); }
};

TEST_F(Team, IsAllThreadsOutsideOfLoopsAndOneInside) {
  set_num_threads(3);
  EXPECT_EQ(kernels::team_size(), 3);
  parallel_for(100, 1, [](std::int64_t, std::int64_t) { EXPECT_EQ(kernels::team_size(), 1); });
  EXPECT_EQ(kernels::team_size(), 3);
}

TEST_F(Team, SmallAndDeterministicWorkStaysOnOneThread) {
  set_num_threads(3);
  EXPECT_EQ(kernels::team_for((std::int64_t{1} << 20) - 1, false), 1);
  EXPECT_EQ(kernels::team_for(std::int64_t{1} << 20, false), 3);
  EXPECT_EQ(kernels::team_for(std::int64_t{1} << 40, true), 1);
}

TEST(ThreadScratch, StaysAndGrows) {
  void* const first = thread_scratch(ScratchSlot::panels, 100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
  std::memset(first, 7, 100);
  void* const large = thread_scratch(ScratchSlot::panels, 1 << 20);
  std::memset(large, 1, 1 << 20);
  EXPECT_EQ(thread_scratch(ScratchSlot::panels, 1 << 20), large);
  EXPECT_NE(thread_scratch(ScratchSlot::operand, 100), large);
}

TEST(ThreadScratch, IsOfOneThread) {
  void* const mine = thread_scratch(ScratchSlot::tile, 100);
  void* other = nullptr;
  std::thread([&] { other = thread_scratch(ScratchSlot::tile, 100); }).join();
  EXPECT_NE(mine, other);
}

TEST(PooledBuffer, IsWritable) {
  const kernels::PooledBuffer buffer(1000);
  std::memset(buffer.as<char>(), 3, 1000);
  EXPECT_EQ(buffer.as<char>()[999], 3);
}

}  // namespace
}  // namespace tf2jax
