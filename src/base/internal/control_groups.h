// Control groups: the folders whose files say what a process may use.
#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

namespace tf2jax::detail {

struct ControlGroup {
  std::filesystem::path folder;
  int version = 2;
};

/// The process's groups for a controller ("cpu", "memory"), of both versions, each followed by all that are above it:
/// one is bound by those too. In a container a group's path may be the host's, of which only the end is there. `root`
/// is where /proc and /sys lie. Source: Linux, cgroups(7).
std::vector<ControlGroup> control_groups(std::string_view controller, const std::filesystem::path& root = "/");

}  // namespace tf2jax::detail
