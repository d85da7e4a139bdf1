// Reading /proc/self/cgroup.
#include "tf2jax/base/internal/control_groups.h"

#include <fstream>
#include <string>

namespace tf2jax::detail {

namespace fs = std::filesystem;

namespace {

void add_with_parents(std::vector<ControlGroup>& out, const fs::path& mount, const std::string& group, int version) {
  for (fs::path at = fs::path(group).relative_path();; at = at.parent_path()) {
    out.push_back({mount / at, version});
    if (at.empty()) return;
  }
}

}  // namespace

std::vector<ControlGroup> control_groups(std::string_view controller, const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::ifstream lines(root / "proc/self/cgroup");
  std::vector<ControlGroup> out;
  for (std::string line; std::getline(lines, line);) {  // number:controllers:path; no controllers in version 2
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    if (controllers.empty()) {
      add_with_parents(out, mounts, group, 2);
    } else if (("," + controllers + ",").find("," + std::string(controller) + ",") != std::string::npos) {
      add_with_parents(out, mounts / controllers, group, 1);
      if (controllers != controller) add_with_parents(out, mounts / controller, group, 1);
    }
  }
  return out;
}

}  // namespace tf2jax::detail
