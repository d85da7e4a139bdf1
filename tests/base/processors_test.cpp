#include "tf2jax/base/internal/processors.h"

#include "tf2jax/base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

namespace tf2jax::detail {
namespace {

namespace fs = std::filesystem;

// A file system of its own with the files of control groups.
class Processors : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << '\n';
  }
  const fs::path root_ = fs::temp_directory_path() / ("tf2jax_processors_" + std::to_string(::getpid()));
};

TEST_F(Processors, AreAllWithoutControlGroups) { EXPECT_EQ(granted_processors(root_), std::nullopt); }

TEST_F(Processors, OfVersion2AreTheLeastOfTheGroupAndThoseAboveIt) {
  write("proc/self/cgroup", "0::/service/worker");
  write("sys/fs/cgroup/service/worker/cpu.max", "max 100000");
  EXPECT_EQ(granted_processors(root_), std::nullopt);
  write("sys/fs/cgroup/service/cpu.max", "150000 100000");
  EXPECT_EQ(granted_processors(root_), 1.5);
  write("sys/fs/cgroup/service/worker/cpu.max", "50000 100000");
  EXPECT_EQ(granted_processors(root_), 0.5);
}

TEST_F(Processors, OfAContainerAreAtTheMountsTop) {
  write("proc/self/cgroup", "0::/");
  write("sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(granted_processors(root_), 2);
}

TEST_F(Processors, OfVersion1AreAQuotient) {
  write("proc/self/cgroup", "3:cpuset:/x\n5:cpu,cpuacct:/docker/abc\n0::/");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(granted_processors(root_), std::nullopt);
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000");  // the host's path is not there
  EXPECT_EQ(granted_processors(root_), 3);
}

TEST_F(Processors, NonsenseGrantsAll) {
  write("proc/self/cgroup", "0::/\nnonsense\n4:cpu");
  for (const char* text : {"", "x y", "-5 100000", "100000 0", "100000"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(granted_processors(root_), std::nullopt) << text;
  }
}

TEST(UsableProcessors, FollowTheAffinity) {
  int count = 0;
  std::thread([&] {
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ASSERT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
    count = usable_processors();
  }).join();
  EXPECT_EQ(count, 1);
  EXPECT_GE(usable_processors(), 1);
}

}  // namespace
}  // namespace tf2jax::detail
