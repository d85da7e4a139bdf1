// Affinity, and the quota of control groups. Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
// Documentation/scheduler/sched-bwc.rst (cpu.cfs_quota_us).
#include "tf2jax/base/internal/processors.h"

#include "tf2jax/base/internal/control_groups.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

namespace tf2jax::detail {

namespace fs = std::filesystem;

namespace {

std::optional<double> quotient(double quota, double period) {
  if (quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// Version 2: "max 100000" or "150000 100000".
std::optional<double> quota_of_version_2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return std::nullopt;
  return quotient(std::strtod(quota.c_str(), nullptr), period);
}

// Version 1: two files; -1 is no quota.
std::optional<double> quota_of_version_1(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  return quotient(quota, period);
}

}  // namespace

std::optional<double> granted_processors(const fs::path& root) {
  std::optional<double> least;
  for (const auto& [folder, version] : control_groups("cpu", root))
    if (const auto q = version == 2 ? quota_of_version_2(folder) : quota_of_version_1(folder);
        q && (!least || *q < *least))
      least = q;
  return least;
}

int usable_processors() {
  std::array<cpu_set_t, 16> set{};  // 16384 processors
  const bool known = ::sched_getaffinity(0, sizeof set, set.data()) == 0;
  const int allowed =
      known ? CPU_COUNT_S(sizeof set, set.data()) : static_cast<int>(std::thread::hardware_concurrency());
  const auto granted = granted_processors();
  const int count = granted ? std::min(allowed, static_cast<int>(std::min(std::lround(*granted), 16384L))) : allowed;
  return std::max(1, count);
}

}  // namespace tf2jax::detail
