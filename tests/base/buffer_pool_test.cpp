#include "tf2jax/base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace tf2jax {
namespace {

TEST(BufferPool, BlocksAreAlignedAndDoNotOverlap) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (const std::size_t bytes : {0u, 1u, 63u, 64u, 65u, 512u, 513u, 576u, 577u, 1000u, 65536u, 65537u, 1u << 20,
                                  (2u << 20) - 1, 2u << 20, (2u << 20) + 1, 9u << 20}) {
    for (int copy = 0; copy < 3; ++copy) {
      auto* const p = static_cast<unsigned char*>(allocate_buffer(bytes));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0u);
      std::memset(p, static_cast<int>(blocks.size()), bytes);
      blocks.emplace_back(p, bytes);
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t at = 0; at < blocks[i].second; at += 61)
      ASSERT_EQ(blocks[i].first[at], static_cast<unsigned char>(i));
  for (const auto& [p, bytes] : blocks) free_buffer(p, bytes);
  release_pooled_memory();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(BufferPool, KeepsAFreedBlockForTheNextOfItsSize) {
  for (const std::size_t bytes : {100u, 100000u, 5u << 20}) {
    void* const first = allocate_buffer(bytes);
    free_buffer(first, bytes);
    EXPECT_EQ(allocate_buffer(bytes), first);
    free_buffer(first, bytes);
  }
  EXPECT_GE(pooled_bytes(), 5u << 20);
  release_pooled_memory();
  EXPECT_EQ(pooled_bytes(), 0u);
}

TEST(BufferPool, KeptBlocksMakeRoomForALargerOne) {
  release_pooled_memory();
  static int releases;
  releases = 0;
  when_memory_grows([] { ++releases; });
  free_buffer(allocate_buffer(5u << 20), 5u << 20);
  free_buffer(allocate_buffer(100000), 100000);
  const std::size_t kept = pooled_bytes();
  void* const smaller = allocate_buffer(4u << 20);
  EXPECT_EQ(pooled_bytes(), kept);
  EXPECT_EQ(releases, 0);
  void* const larger = allocate_buffer(20u << 20);
  EXPECT_EQ(pooled_bytes(), 0u);
  EXPECT_EQ(releases, 1);
  when_memory_grows(nullptr);
  free_buffer(smaller, 4u << 20);
  free_buffer(larger, 20u << 20);
  release_pooled_memory();
}
#endif

TEST(BufferPool, BlocksMayBeFreedByAnotherThread) {
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    std::jthread([&] {
      for (int i = 0; i < 100; ++i) blocks.push_back(allocate_buffer(static_cast<std::size_t>(i) * 300));
    }).join();
    std::set<void*> distinct(blocks.begin(), blocks.end());
    EXPECT_EQ(distinct.size(), blocks.size());
    for (int i = 0; i < 100; ++i) free_buffer(blocks[i], static_cast<std::size_t>(i) * 300);
  }
  release_pooled_memory();
}

}  // namespace
}  // namespace tf2jax
