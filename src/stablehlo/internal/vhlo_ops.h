// The operations of VHLO: which attributes they have, and since which version of StableHLO.
#pragma once
#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace tf2jax::stablehlo {

/// A version of StableHLO's portable artifacts; patches of files do not matter.
struct Version {
  int major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
  std::string to_string() const;
};
/// The oldest and the newest version that is known.
inline constexpr Version kOldestVersion{0, 9, 0}, kNewestVersion{1, 20, 0};

/// `attributes` in alphabetical order, as properties have them.
struct VhloOp {
  std::string_view name;  ///< with its version: "add_v1"
  std::vector<std::string_view> attributes;
  Version since, until;
};

/// null when the operation is not known.
const VhloOp* find_vhlo_op(std::string_view name);
/// The form of an operation (named without version) that `target` has. null when it has none.
const VhloOp* vhlo_op_for(std::string_view name, const Version& target);

/// "add" of "add_v1".
std::string_view without_version(std::string_view name);

}  // namespace tf2jax::stablehlo
