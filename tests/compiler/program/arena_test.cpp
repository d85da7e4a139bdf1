// Places in the arena against overlap.
#include "tf2jax/compiler/program/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace tf2jax::compiler {
namespace {

TEST(MemoryPlan, ValuesThatLiveAtOnceDoNotOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Program::Slot> slots(40);
    std::int64_t total = 0;
    for (auto& s : slots) {
      s.bytes = static_cast<std::int64_t>(random() % 5000);
      s.first = static_cast<std::int32_t>(random() % 30);
      s.last = s.first + static_cast<std::int32_t>(random() % 6);
      total += (s.bytes + 127) / 64 * 64;
    }
    const std::int64_t size = plan_arena(slots);
    EXPECT_LT(size, total);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      EXPECT_EQ(slots[i].where % 64, 0);
      EXPECT_LE(slots[i].where + slots[i].bytes, size);
      for (std::size_t j = 0; j < i; ++j) {
        if (slots[i].last < slots[j].first || slots[j].last < slots[i].first) continue;
        EXPECT_TRUE(slots[i].where + slots[i].bytes <= slots[j].where ||
                    slots[j].where + slots[j].bytes <= slots[i].where)
            << i << " and " << j;
      }
    }
  }
}

}  // namespace
}  // namespace tf2jax::compiler
