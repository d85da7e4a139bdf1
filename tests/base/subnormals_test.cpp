// Whether a thread's arithmetic keeps subnormal numbers.
#include <gtest/gtest.h>
#include <tf2jax/base/subnormals.h>

#include <limits>
#include <thread>

namespace tf2jax {
namespace {

bool can_flush() {
  const SubnormalScope scope(true);
  return flushes_subnormals();
}
// Half of the smallest normal number, computed at run time.
float half_of_the_least() {
  volatile float least = std::numeric_limits<float>::min();
  return least * 0.5f;
}

TEST(Subnormals, ScopesNestAndRestore) {
  if (!can_flush()) GTEST_SKIP();
  EXPECT_FALSE(flushes_subnormals());
  {
    const SubnormalScope outer(true);
    EXPECT_TRUE(flushes_subnormals());
    const SubnormalScope inner(false);
    EXPECT_FALSE(flushes_subnormals());
  }
  EXPECT_FALSE(flushes_subnormals());
}

TEST(Subnormals, ResultsFollowTheSwitch) {
  if (!can_flush()) GTEST_SKIP();
  EXPECT_GT(half_of_the_least(), 0);
  {
    const SubnormalScope scope(true);
    EXPECT_EQ(half_of_the_least(), 0);
  }
  EXPECT_GT(half_of_the_least(), 0);
}

TEST(Subnormals, AnotherThreadHasItsOwnSwitch) {
  if (!can_flush()) GTEST_SKIP();
  bool theirs = true;
  std::thread([&] {
    const SubnormalScope scope(true);
    theirs = flushes_subnormals();
  }).join();
  EXPECT_TRUE(theirs);
  EXPECT_FALSE(flushes_subnormals());
}

TEST(Subnormals, OtherBitsOfTheRegisterStay) {
  if (!can_flush()) GTEST_SKIP();
  set_flushes_subnormals(true);
  set_flushes_subnormals(true);
  volatile float third = 1.f / 3.f, one = 1;
  EXPECT_EQ(one / 3.f, third);  // rounding is as it was
  set_flushes_subnormals(false);
  EXPECT_FALSE(flushes_subnormals());
}

}  // namespace
}  // namespace tf2jax
