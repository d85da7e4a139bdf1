#include "tf2jax/base/snapshot_list.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tf2jax::detail {
namespace {

std::shared_ptr<const int> number(int v) { return std::make_shared<const int>(v); }
auto is(int v) {
  return [v](const int& i) { return i == v; };
}

TEST(SnapshotList, KeepsTheNewestAndTheFirstOfEqualOnes) {
  SnapshotList<int> list;
  for (int i = 0; i < 5; ++i) list.add(number(i), 3, is(i));
  EXPECT_EQ(list.items()->size(), 3u);
  EXPECT_EQ(list.find(is(1)), nullptr);
  const auto four = list.find(is(4));
  EXPECT_EQ(list.add(number(4), 3, is(4)), four);
  list.clear();
  EXPECT_TRUE(list.items()->empty());
  EXPECT_EQ(*four, 4);  // what was found lives on
}

TEST(SnapshotList, IsNotHeldWhileItIsSearched) {
  SnapshotList<int> list;
  list.add(number(1), 9, is(1));
  list.find([&](const int&) {
    std::thread([&] { list.add(number(2), 9, is(2)); }).join();  // would never end
    return false;
  });
  EXPECT_NE(list.find(is(2)), nullptr);
}

TEST(SnapshotList, ManyReadAndWriteAtOnce) {
  SnapshotList<int> list;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const int v = (t * 31 + i) % 40;
        const auto added = list.add(number(v), 32, is(v));
        if (*added != v) ++wrong;
        if (const auto found = list.find(is(v)); found && *found != v) ++wrong;
        if (i % 100 == 99) list.clear();
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tf2jax::detail
