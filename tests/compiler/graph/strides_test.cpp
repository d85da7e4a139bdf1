// Axes that step through memory as one, by hand.
#include <gtest/gtest.h>

#include "tf2jax/compiler/graph/strides.h"

namespace tf2jax::compiler {
namespace {

TEST(Strides, NestedStepsAreOneWhereTheyFollowOneAnother) {
  EXPECT_EQ(common_stride({{3, 4}, {4, 1}}), 1);
  EXPECT_EQ(common_stride({{3, 8}, {4, 2}}), 2);
  EXPECT_EQ(common_stride({{3, 5}, {4, 1}}), std::nullopt);  // a gap after each row
  EXPECT_EQ(common_stride({{4, 1}, {3, 4}}), std::nullopt);  // by columns
  EXPECT_EQ(common_stride({{2, 0}, {3, 0}}), 0);
}

TEST(Strides, StepsOfExtentOneDoNotCount) {
  EXPECT_EQ(common_stride({{1, 77}, {4, 3}}), 3);
  EXPECT_EQ(common_stride({{3, 12}, {1, 99}, {4, 3}}), 3);
  EXPECT_EQ(common_stride({{1, 5}}), 1);
  EXPECT_EQ(common_stride({}), 1);
}

TEST(Strides, OfAxesInTheirOrder) {
  const auto steps = steps_of({2, 0}, {5, 6, 7}, {42, 7, 1});
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].extent, 7);
  EXPECT_EQ(steps[0].stride, 1);
  EXPECT_EQ(steps[1].extent, 5);
  EXPECT_EQ(steps[1].stride, 42);
}

TEST(Strides, RunsOfAxes) {
  EXPECT_TRUE(is_run({0, 1, 2}, {5, 6, 7}));
  EXPECT_TRUE(is_run({0, 1}, {5, 6, 7}));
  EXPECT_FALSE(is_run({0, 2}, {5, 6, 7}));
  EXPECT_TRUE(is_run({0, 2}, {5, 1, 7}));
  EXPECT_FALSE(is_run({1, 0}, {5, 6, 7}));
  EXPECT_TRUE(is_run({}, {5}));
}

}  // namespace
}  // namespace tf2jax::compiler
