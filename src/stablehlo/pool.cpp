// Names, attributes and types by number.
#include "tf2jax/stablehlo/internal/pool.h"

#include "tf2jax/stablehlo/internal/byte_cursor.h"

#include <bit>
#include <functional>
#include <limits>

namespace tf2jax::stablehlo {
namespace {

constexpr std::size_t kMostText = 512;
// Bits of a leaf's first byte above its kind.
constexpr std::uint8_t kInteger = 0x10, kReal = 0x20, kText = 0x40, kType = 0x80;

}  // namespace

PoolPtr make_pool() { return std::make_shared<Pool>(); }

bool is_leaf(const Attr& a) { return a.items.empty() && a.entries.empty() && a.text.size() <= kMostText; }

std::uint32_t Pool::name(std::string_view text) {
  if (const auto it = known_names_.find(text); it != known_names_.end()) return it->second;
  const auto number = static_cast<std::uint32_t>(names_.size());
  known_names_.emplace(names_.emplace_back(text), number);
  return number;
}

// 0 for null; else its place among leaves, or among those that are kept, and which of the two.
std::uint32_t Pool::attribute(const AttrPtr& attribute) {
  if (!attribute) return 0;
  constexpr std::size_t kMostBytes = std::numeric_limits<std::uint32_t>::max() / 2;
  if (is_leaf(*attribute) && leaves_.size() < kMostBytes) return (add_leaf(*attribute) << 1) + 1;
  const auto [it, is_new] = known_kept_.try_emplace(attribute.get(), static_cast<std::uint32_t>(kept_.size()));
  if (is_new) kept_.push_back(attribute);
  return (it->second << 1) + 2;
}

AttrPtr Pool::attribute(std::uint64_t number) const {
  if (number == 0) return nullptr;
  const auto i = static_cast<std::uint32_t>((number - 1) >> 1);
  return number % 2 == 1 ? std::make_shared<const Attr>(read_leaf(i)) : kept_[i];
}

std::string_view Pool::leaf(std::uint32_t i) const {
  const std::uint32_t begin = i == 0 ? 0 : leaf_ends_[i - 1];
  return std::string_view(leaves_).substr(begin, leaf_ends_[i] - begin);
}

std::uint32_t Pool::add_leaf(const Attr& a) {
  ByteSink out;
  const bool has_real = std::bit_cast<std::uint64_t>(a.real) != 0;
  out.byte(static_cast<std::uint8_t>(static_cast<unsigned>(a.kind) | (a.integer ? kInteger : 0) |
                                     (has_real ? kReal : 0) | (a.text.empty() ? 0 : kText) | (a.type ? kType : 0)));
  if (a.integer) out.signed_varint(a.integer);
  if (has_real) out.varint(std::bit_cast<std::uint64_t>(a.real));
  if (a.type) out.varint(type(a.type));
  out.bytes(a.text);
  if (const std::uint32_t known = slot_of(out.str())) return known - 1;
  leaves_ += out.str();
  leaf_ends_.push_back(static_cast<std::uint32_t>(leaves_.size()));
  const auto count = static_cast<std::uint32_t>(leaf_ends_.size());
  if (2 * leaf_ends_.size() <= slots_.size()) {
    slot_of(out.str()) = count;
  } else {  // twice as many slots
    slots_.assign(2 * slots_.size(), 0);
    for (std::uint32_t i = 0; i < count; ++i) slot_of(leaf(i)) = i + 1;
  }
  return count - 1;
}

// Where those bytes stand in the table, or may be put.
std::uint32_t& Pool::slot_of(std::string_view bytes) {
  std::size_t i = std::hash<std::string_view>()(bytes);
  for (;; ++i) {
    std::uint32_t& slot = slots_[i & (slots_.size() - 1)];
    if (slot == 0 || leaf(slot - 1) == bytes) return slot;
  }
}

Attr Pool::read_leaf(std::uint32_t i) const {
  const std::string_view bytes = leaf(i);
  ByteCursor in(bytes, 0, bytes.size(), "attribute");
  const std::uint8_t head = in.byte();
  Attr a;
  a.kind = static_cast<Attr::Kind>(head & 0x0F);
  if (head & kInteger) a.integer = in.signed_varint();
  if (head & kReal) a.real = std::bit_cast<double>(in.varint());
  if (head & kType) a.type = types_[in.varint()];
  if (head & kText) a.text = in.bytes(in.left());
  return a;
}

// Types that hold others may be long to tell apart, and are known by their addresses alone.
std::uint32_t Pool::type(const TypePtr& type) {
  if (const auto it = known_types_.find(type.get()); it != known_types_.end()) return it->second;
  auto number = static_cast<std::uint32_t>(types_.size());
  if (type && type->inputs.empty() && type->outputs.empty()) {
    std::string text(1, static_cast<char>(type->kind));
    const auto [it, is_new] = known_texts_.try_emplace(text + type->to_string(), number);
    if (!is_new) return it->second;
  }
  types_.push_back(type);
  known_types_.emplace(type.get(), number);
  return number;
}

}  // namespace tf2jax::stablehlo
