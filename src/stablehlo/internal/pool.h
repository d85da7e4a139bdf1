// Names, attributes and types that the operations of a module share, by number.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tf2jax/stablehlo/internal/byte_sink.h"
#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// Whether an attribute holds no others and is short: such are kept as bytes, and made anew when they are asked for.
bool is_leaf(const Attr& attribute);

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::uint32_t name(std::string_view text);
  const std::string& name(std::uint64_t number) const { return names_[number]; }
  /// May be null.
  std::uint32_t attribute(const AttrPtr& attribute);
  AttrPtr attribute(std::uint64_t number) const;
  std::uint32_t type(const TypePtr& type);
  const TypePtr& type(std::uint64_t number) const { return types_[number]; }

 private:
  std::string_view leaf(std::uint32_t i) const;
  std::uint32_t add_leaf(const Attr& attribute);
  std::uint32_t& slot_of(std::string_view leaf);
  Attr read_leaf(std::uint32_t i) const;

  std::deque<std::string> names_;
  std::unordered_map<std::string_view, std::uint32_t> known_names_;
  std::string leaves_;
  std::vector<std::uint32_t> leaf_ends_;
  std::vector<std::uint32_t> slots_{0, 0};  // a hash table of leaves by their bytes: the number of each and 1
  std::vector<AttrPtr> kept_;
  std::unordered_map<const Attr*, std::uint32_t> known_kept_;
  std::vector<TypePtr> types_;
  std::unordered_map<const Type*, std::uint32_t> known_types_;
  std::unordered_map<std::string, std::uint32_t> known_texts_;  // of types that hold no others
};

}  // namespace tf2jax::stablehlo
