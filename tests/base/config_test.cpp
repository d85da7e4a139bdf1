// Options: the process's default, overrides of a thread, and names.
#include <gtest/gtest.h>
#include <tf2jax/base/config.h>

#include <thread>

#include "../support.h"

namespace tf2jax {
namespace {

class Configuration : public ::testing::Test {
 protected:
  ~Configuration() override { update_config(before_); }
  const Config before_ = config();
};

TEST_F(Configuration, OverridesNestAndEnd) {
  EXPECT_FALSE(config().enable_x64);
  {
    const auto outer = override_config(&Config::enable_x64, true);
    const auto inner = override_config(&Config::max_seconds, 2);
    EXPECT_TRUE(config().enable_x64);
    EXPECT_EQ(config().max_seconds, 2);
    const auto innermost = override_config("enable_x64", false);
    EXPECT_FALSE(config().enable_x64);
  }
  EXPECT_EQ(config(), before_);
}

TEST_F(Configuration, OverridesAreOfOneThread) {
  const auto mine = override_config(&Config::enable_x64, true);
  bool theirs = true;
  std::thread([&] { theirs = config().enable_x64; }).join();
  EXPECT_FALSE(theirs);
}

TEST_F(Configuration, TheDefaultIsEverybodysWithoutAnOverride) {
  const auto mine = override_config(&Config::max_function_depth, 7);
  update_config(&Config::strict_dtype_check, true);
  EXPECT_FALSE(config().strict_dtype_check == before_.strict_dtype_check && config().max_function_depth != 7);
  bool theirs = false;
  std::int64_t depth = 0;
  std::thread([&] {
    theirs = config().strict_dtype_check;
    depth = config().max_function_depth;
  }).join();
  EXPECT_TRUE(theirs);
  EXPECT_EQ(depth, 7);  // update_config(option) changes the configuration that is in force here
}

TEST_F(Configuration, ByName) {
  EXPECT_TRUE(get_config("strict_shape_check"));
  update_config("strict_shape_check", false);
  EXPECT_FALSE(get_config("strict_shape_check"));
  EXPECT_FALSE(config().strict_shape_check);
}

TEST_F(Configuration, UnknownNamesAreRefused) {
  expect_error<ValueError>([] { get_config("no_such_option"); }, "Parameter named no_such_option not found in config=");
  expect_error<ValueError>([] { update_config("", true); }, "not found");
  expect_error<TypeError>([] { const auto scope = override_config("resize_bilinear_precision", true); },
                          "expected a string");
}

}  // namespace
}  // namespace tf2jax
