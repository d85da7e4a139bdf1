// Warnings go to one handler; of a topic only the first.
#include <gtest/gtest.h>
#include <tf2jax/base/warning.h>

#include <vector>

namespace tf2jax {
namespace {

class WarningHandlers : public ::testing::Test {
 protected:
  WarningHandlers() : former_(set_warning_handler([this](std::string_view m) { heard_.emplace_back(m); })) {}
  ~WarningHandlers() override { set_warning_handler(former_); }
  std::vector<std::string> heard_;

 private:
  WarningHandler former_;
};

TEST_F(WarningHandlers, HearEveryMessage) {
  warn("one");
  warn("one");
  EXPECT_EQ(heard_, (std::vector<std::string>{"one", "one"}));
}

TEST_F(WarningHandlers, HearOfATopicOnce) {
  warn_once("topic", "first");
  warn_once("topic", "second");
  warn_once("other", "third");
  EXPECT_EQ(heard_, (std::vector<std::string>{"first", "third"}));
}

TEST_F(WarningHandlers, ANewOneHearsOfEveryTopicAgain) {
  warn_once("topic", "first");
  std::vector<std::string> later;
  const WarningHandler mine = set_warning_handler([&](std::string_view m) { later.emplace_back(m); });
  warn_once("topic", "again");
  EXPECT_EQ(later, std::vector<std::string>{"again"});
  set_warning_handler(mine);
  warn("back");
  EXPECT_EQ(heard_, (std::vector<std::string>{"first", "back"}));
}

TEST_F(WarningHandlers, NoneDropsWarnings) {
  const WarningHandler mine = set_warning_handler({});
  warn("nobody hears this");
  set_warning_handler(mine);
  EXPECT_TRUE(heard_.empty());
}

TEST_F(WarningHandlers, MayWarnThemselves) {
  int depth = 0;
  const WarningHandler mine = set_warning_handler([&](std::string_view) {
    if (++depth < 3) warn("more");
  });
  warn("start");
  EXPECT_EQ(depth, 3);
  set_warning_handler(mine);
}

}  // namespace
}  // namespace tf2jax
