// When waiting threads should sleep: two contended windows of time on end, until a while passed without one. The
// windows are made up, so that nothing here depends on what else the machine does.
#include <gtest/gtest.h>
#include <tf2jax/base/internal/contention.h>

namespace tf2jax::detail {
namespace {

using std::chrono::milliseconds;

class Contended : public ::testing::Test {
 protected:
  // A window of that length in which two threads were made to give their processors up and lost that much time.
  bool window(long switches, milliseconds lost, milliseconds length = milliseconds(100)) {
    now_ += length;
    all_.switches += switches;
    all_.lost_waiting += lost;
    return watch_.look(now_, [&] { return all_; }, 2);
  }
  bool quiet() { return window(3, milliseconds(2)); }

  ThreadFortunes all_{1000, milliseconds(5000)};
  Contention::Clock::time_point now_{std::chrono::hours(1)};
  Contention watch_{now_, all_};
};

TEST_F(Contended, QuietWindowsSpin) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(quiet());
}

TEST_F(Contended, ManySwitchesInTwoWindowsSleep) {
  EXPECT_FALSE(window(14, milliseconds(0)));
  EXPECT_TRUE(window(14, milliseconds(0)));
}

TEST_F(Contended, LostTimeSleepsWithoutSwitches) {
  EXPECT_FALSE(window(0, milliseconds(21)));
  EXPECT_TRUE(window(0, milliseconds(80)));
}

TEST_F(Contended, OneWindowSaysNothing) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(window(100, milliseconds(90)));
    EXPECT_FALSE(quiet());
  }
}

TEST_F(Contended, IdleTimeSaysNothing) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(window(100, milliseconds(300), milliseconds(500)));
}

TEST_F(Contended, FortunesAreAskedForAtTheEndOfAWindowOnly) {
  int asked = 0;
  for (int i = 1; i <= 250; ++i) watch_.look(now_ + milliseconds(i), [&] { return ++asked, all_; }, 2);
  EXPECT_EQ(asked, 2);
}

TEST_F(Contended, SleepEndsAfterASecondAndEachTimeLater) {
  const auto windows_until_awake = [&] {
    window(50, milliseconds(50));
    EXPECT_TRUE(window(50, milliseconds(50)));
    int count = 1;
    while (quiet()) ++count;
    return count;
  };
  EXPECT_EQ(windows_until_awake(), 11);
  EXPECT_EQ(windows_until_awake(), 21);
  EXPECT_EQ(windows_until_awake(), 41);
  for (int i = 0; i < 601; ++i) quiet();  // a minute of peace
  EXPECT_EQ(windows_until_awake(), 11);
}

}  // namespace
}  // namespace tf2jax::detail
