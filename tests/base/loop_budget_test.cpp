// Turns of loops are counted against the configuration.
#include <gtest/gtest.h>
#include <tf2jax/base/config.h>
#include <tf2jax/base/loop_budget.h>

#include <chrono>
#include <thread>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(LoopBudget, CountsNothingWithoutALimit) {
  EXPECT_FALSE(loops_are_bounded());
  LoopBudget budget("while");
  for (int i = 0; i < 1000; ++i) budget.step();
}

TEST(LoopBudget, StopsAfterTheLastTurn) {
  const auto limited = override_config(&Config::max_loop_steps, 3);
  EXPECT_TRUE(loops_are_bounded());
  LoopBudget budget("while");
  for (int i = 0; i < 3; ++i) budget.step();
  expect_error<ResourceExhaustedError>([&] { budget.step(); }, "while: the loop takes more than 3 steps");
  LoopBudget another("scan");  // counts for itself
  another.step();
}

TEST(LoopBudget, TheTimeIsThatOfTheOutermostLoop) {
  const auto limited = override_config(&Config::max_seconds, 0.02);
  {
    LoopBudget outer("outer");
    outer.step();
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    LoopBudget inner("inner");
    expect_error<ResourceExhaustedError>([&] { inner.step(); },
                                         "inner: loops have run for more than 0.02 seconds, in step 1");
  }
  LoopBudget next("next");  // its time begins now
  next.step();
}

}  // namespace
}  // namespace tf2jax
