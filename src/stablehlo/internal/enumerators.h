// The enumerations of VHLO: names by number.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "tf2jax/stablehlo/internal/byte_cursor.h"

namespace tf2jax::stablehlo {

/// `code` is the number of the attribute that holds it.
struct Enumeration {
  std::uint64_t code;
  std::string_view attribute;  ///< StableHLO's word for it in texts: "comparison_direction"
  std::span<const std::string_view> names;

  /// Throws: what `in.fail` does, for numbers that have no name.
  std::string_view name(std::uint64_t value, const ByteCursor& in) const;
  std::optional<std::uint64_t> value(std::string_view name) const;
};

/// null when the attribute with that number is no enumeration.
const Enumeration* find_enumeration(std::uint64_t code);
/// By StableHLO's word; null when there is none.
const Enumeration* find_enumeration(std::string_view attribute);

}  // namespace tf2jax::stablehlo
