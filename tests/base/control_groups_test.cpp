// The folders of a process's control groups.
#include <gtest/gtest.h>
#include <tf2jax/base/internal/control_groups.h>

#include <fstream>

#include "../support.h"

namespace tf2jax {
namespace {

using detail::control_groups;

class ControlGroups : public TestWithFolder {
 protected:
  void write(const std::string& text) const {
    std::filesystem::create_directories(directory_ / "proc/self");
    std::ofstream(directory_ / "proc/self/cgroup") << text;
  }
  std::vector<std::string> folders(std::string_view controller) const {
    std::vector<std::string> out;
    for (const auto& g : control_groups(controller, directory_)) {
      std::string folder = std::filesystem::relative(g.folder.lexically_normal(), directory_).string();
      if (folder.ends_with('/')) folder.pop_back();  // of the root "/"
      out.push_back(std::to_string(g.version) + " " + folder);
    }
    return out;
  }
};

TEST_F(ControlGroups, AreNoneWithoutTheFile) { EXPECT_TRUE(folders("cpu").empty()); }

TEST_F(ControlGroups, OfVersion2AreTheGroupAndThoseAboveIt) {
  write("0::/a/b\n");
  EXPECT_EQ(folders("memory"),
            (std::vector<std::string>{"2 sys/fs/cgroup/a/b", "2 sys/fs/cgroup/a", "2 sys/fs/cgroup"}));
}

TEST_F(ControlGroups, OfVersion1AreThoseOfTheController) {
  write("5:cpu,cpuacct:/x\n4:memory:/y\n3:cpuset:/z\n");
  EXPECT_EQ(folders("memory"), (std::vector<std::string>{"1 sys/fs/cgroup/memory/y", "1 sys/fs/cgroup/memory"}));
  EXPECT_EQ(folders("cpu"), (std::vector<std::string>{"1 sys/fs/cgroup/cpu,cpuacct/x", "1 sys/fs/cgroup/cpu,cpuacct",
                                                      "1 sys/fs/cgroup/cpu/x", "1 sys/fs/cgroup/cpu"}));
}

TEST_F(ControlGroups, LinesThatAreNoneAreSkipped) {
  write("nonsense\n1:cpu\n\n0::/\n");
  EXPECT_EQ(folders("cpu"), std::vector<std::string>{"2 sys/fs/cgroup"});
}

}  // namespace
}  // namespace tf2jax
