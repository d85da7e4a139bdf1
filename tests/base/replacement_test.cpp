#include "tf2jax/base/internal/replacement.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace tf2jax::detail {
namespace {

namespace fs = std::filesystem;

class ReplacementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / fmt::format("replacing-{}-{}", ::getpid(), ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  static std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(root_)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }

  fs::path root_;
};

TEST_F(ReplacementTest, ReplacesAndKeepsTheMode) {
  const fs::path file = root_ / "x";
  replace_file(file, "one");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  replace_file(file, "two");
  EXPECT_EQ(contents(file), "two");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(names(), ::testing::ElementsAre("x"));
}

TEST_F(ReplacementTest, AFailedWriteLeavesTheFile) {
  replace_file(root_ / "x", "one");
  { const FileReplacement abandoned(root_ / "x", "two"); }
  EXPECT_EQ(contents(root_ / "x"), "one");
  EXPECT_THAT(names(), ::testing::ElementsAre("x"));
}

TEST_F(ReplacementTest, LinksStayAndWhatTheyNameIsReplaced) {
  replace_file(root_ / "real", "one");
  fs::create_symlink("real", root_ / "link");
  replace_file(root_ / "link", "two");
  EXPECT_TRUE(fs::is_symlink(root_ / "link"));
  EXPECT_EQ(contents(root_ / "real"), "two");
  fs::create_symlink("nothing", root_ / "broken");
  EXPECT_THROW(replace_file(root_ / "broken", "x"), ValueError);
}

TEST_F(ReplacementTest, FoldersAndMissingFoldersAreErrors) {
  fs::create_directory(root_ / "d");
  EXPECT_THROW(replace_file(root_ / "d", "x"), IoError);
  EXPECT_THROW(replace_file(root_ / "no" / "x", "x"), IoError);
  EXPECT_THROW(write_new_file(root_ / "no" / "x", "x"), IoError);
}

TEST_F(ReplacementTest, PipesAreWrittenTo) {
  const fs::path pipe = root_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::ifstream in(pipe);
    std::string text;
    in >> text;
    ::_exit(text == "hello" ? 0 : 1);
  }
  replace_file(pipe, "hello");
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(ReplacementTest, AKilledWriterLeavesTheOldOrTheNewFile) {
  const fs::path file = root_ / "x";
  const std::string old(100000, 'a'), fresh(200000, 'b');
  replace_file(file, old);
  std::mt19937 random(3);
  for (int i = 0; i < 100; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) replace_file(file, fresh), replace_file(file, old);
    }
    ::usleep(random() % 2000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string now = contents(file);
    ASSERT_TRUE(now == old || now == fresh) << now.size() << " bytes";
  }
  replace_file(file, old);
  EXPECT_THAT(names(), ::testing::ElementsAre("x"));
}

}  // namespace
}  // namespace tf2jax::detail
