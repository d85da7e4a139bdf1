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

#include "../support.h"

namespace tf2jax::detail {
namespace {

namespace fs = std::filesystem;

class ReplacementTest : public TestWithFolder {
 protected:
  void SetUp() override { fs::create_directories(directory_); }
  static std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory_)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
};

TEST_F(ReplacementTest, ReplacesAndKeepsTheMode) {
  const fs::path file = directory_ / "x";
  replace_file(file, "one");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  replace_file(file, "two");
  EXPECT_EQ(contents(file), "two");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(names(), ::testing::ElementsAre("x"));
}

TEST_F(ReplacementTest, AFailedWriteLeavesTheFile) {
  replace_file(directory_ / "x", "one");
  {
    const FileReplacement abandoned(directory_ / "x", "two");
  }
  EXPECT_EQ(contents(directory_ / "x"), "one");
  EXPECT_THAT(names(), ::testing::ElementsAre("x"));
}

TEST_F(ReplacementTest, LinksStayAndWhatTheyNameIsReplaced) {
  replace_file(directory_ / "real", "one");
  fs::create_symlink("real", directory_ / "link");
  replace_file(directory_ / "link", "two");
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_EQ(contents(directory_ / "real"), "two");
  fs::create_symlink("nothing", directory_ / "broken");
  EXPECT_THROW(replace_file(directory_ / "broken", "x"), ValueError);
}

TEST_F(ReplacementTest, FoldersAndMissingFoldersAreErrors) {
  fs::create_directory(directory_ / "d");
  EXPECT_THROW(replace_file(directory_ / "d", "x"), IoError);
  EXPECT_THROW(replace_file(directory_ / "no" / "x", "x"), IoError);
  EXPECT_THROW(write_new_file(directory_ / "no" / "x", "x"), IoError);
}

TEST_F(ReplacementTest, PipesAreWrittenTo) {
  const fs::path pipe = directory_ / "pipe";
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
  const fs::path file = directory_ / "x";
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
