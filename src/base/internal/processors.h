// How many processors this process may use.
#pragma once
#include <filesystem>
#include <optional>

namespace tf2jax::detail {

/// The processors' time that control groups grant, in processors; nothing when they grant all. `root` is where /proc
/// and /sys lie.
std::optional<double> granted_processors(const std::filesystem::path& root = "/");

/// Of those that the scheduler may run this process on, as many as its control groups grant, at least 1.
int usable_processors();

}  // namespace tf2jax::detail
