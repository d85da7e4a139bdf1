// Reading and writing FlatBuffers.
#include "tf2jax/stablehlo/internal/flat_tables.h"
#include "tf2jax/stablehlo/module.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

// What a file may refer to more than once, as it does to types and names.
constexpr std::uint64_t kShared = std::uint64_t{1} << 26;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}
void patch(std::string& out, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> (8 * i));
}
void align(std::string& out, std::size_t alignment, std::size_t behind = 0) {
  while ((out.size() + behind) % alignment != 0) out.push_back('\0');
}
std::uint32_t place(const std::string& out) {
  check<ValueError>(out.size() < (std::size_t{1} << 31),
                    "stablehlo: an export is larger than its format allows. Got {} bytes.", out.size());
  return static_cast<std::uint32_t>(out.size());
}

}  // namespace

void FlatTable::fail(std::uint64_t at, const char* what) const {
  raise<DataLossError>("stablehlo: the export is damaged at byte {}: {}", at, what);
}

std::uint64_t FlatTable::load(std::uint64_t at, int bytes) const {
  if (at > file_.size() || static_cast<std::uint64_t>(bytes) > file_.size() - at) fail(at, "an offset leads outside.");
  std::uint64_t out = 0;
  for (int i = 0; i < bytes; ++i)
    out |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(file_[at + static_cast<std::uint64_t>(i)])) << (8 * i);
  return out;
}

void FlatTable::take(std::uint64_t bytes) const {
  if (bytes > *left_) fail(at_, "its tables lead to the same bytes too often.");
  *left_ -= bytes;
}

std::uint64_t FlatTable::follow(std::uint64_t at) const { return at + load(at, 4); }

FlatTable FlatTable::root(std::string_view file) {
  check<DataLossError>(file.size() >= 8, "stablehlo: the export is damaged at byte 0: it is too short. Got {} bytes.",
                       file.size());
  std::uint64_t at = 0;
  for (int i = 3; i >= 0; --i) at = at << 8 | static_cast<std::uint8_t>(file[as_index(i)]);
  return {file, at, 0, std::make_shared<std::uint64_t>(file.size() + kShared)};
}

FlatTable::FlatTable(std::string_view file, std::uint64_t at, int depth, Budget left)
    : file_(file), at_(at), depth_(depth), left_(std::move(left)) {
  if (depth > 100) fail(at, "tables are nested too deep.");
  take(sizeof(FlatTable));
  const auto back = static_cast<std::int32_t>(load(at, 4));
  const std::int64_t vtable = static_cast<std::int64_t>(at) - back;
  if (vtable < 0) fail(at, "a table has no list of its fields.");
  vtable_ = static_cast<std::uint64_t>(vtable);
  vtable_size_ = load(vtable_, 2);
  fields_ = load(vtable_ + 2, 2);
}

std::optional<std::uint64_t> FlatTable::field(int slot) const {
  const std::uint64_t at = 4 + 2 * static_cast<std::uint64_t>(slot);
  if (at + 2 > vtable_size_) return std::nullopt;
  const std::uint64_t offset = load(vtable_ + at, 2);
  if (offset == 0) return std::nullopt;
  if (offset >= fields_) fail(vtable_ + at, "a field lies outside of its table.");
  return at_ + offset;
}

std::uint64_t FlatTable::number(int slot, int bytes, std::uint64_t fallback) const {
  const auto at = field(slot);
  return at ? load(*at, bytes) : fallback;
}

std::pair<std::uint64_t, std::uint64_t> FlatTable::vector_at(std::uint64_t at, std::uint64_t element) const {
  const std::uint64_t begin = follow(at), count = load(begin, 4);
  if (count > (file_.size() - begin - 4) / element) fail(begin, "a list is longer than the file.");
  take(count * element);
  return {begin + 4, count};
}

std::string FlatTable::text_at(std::uint64_t at) const {
  const auto [begin, count] = vector_at(at, 1);
  take(sizeof(std::string));
  return std::string(file_.substr(begin, count));
}

std::string FlatTable::text(int slot) const {
  const auto at = field(slot);
  return at ? text_at(*at) : std::string();
}

std::optional<FlatTable> FlatTable::table(int slot) const {
  const auto at = field(slot);
  if (!at) return std::nullopt;
  return FlatTable(file_, follow(*at), depth_ + 1, left_);
}

std::vector<FlatTable> FlatTable::tables(int slot) const {
  std::vector<FlatTable> out;
  const auto at = field(slot);
  if (!at) return out;
  const auto [begin, count] = vector_at(*at, 4);
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(FlatTable(file_, follow(begin + 4 * i), depth_ + 1, left_));
  return out;
}

std::vector<std::string> FlatTable::texts(int slot) const {
  std::vector<std::string> out;
  const auto at = field(slot);
  if (!at) return out;
  const auto [begin, count] = vector_at(*at, 4);
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(text_at(begin + 4 * i));
  return out;
}

std::vector<std::uint64_t> FlatTable::numbers(int slot, int bytes) const {
  std::vector<std::uint64_t> out;
  const auto at = field(slot);
  if (!at) return out;
  const auto size = static_cast<std::uint64_t>(bytes);
  const auto [begin, count] = vector_at(*at, size);
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(load(begin + size * i, bytes));
  return out;
}

void FlatNode::set(int slot, Field value) {
  const auto i = as_index(slot);
  if (fields_.size() <= i) fields_.resize(i + 1);
  fields_[i] = std::move(value);
}

FlatNode::Raw FlatNode::raw_text(std::string value) {
  const auto count = static_cast<std::uint32_t>(value.size());
  value.push_back('\0');
  return {std::move(value), count, 1, true};
}

void FlatNode::number(int slot, std::uint64_t value, int bytes) { set(slot, Number{value, bytes}); }
void FlatNode::text(int slot, std::string value) { set(slot, raw_text(std::move(value))); }
void FlatNode::table(int slot, FlatNode value) { set(slot, std::make_shared<FlatNode>(std::move(value))); }
void FlatNode::tables(int slot, std::vector<FlatNode> values) {
  Children children;
  for (FlatNode& v : values) children.emplace_back(std::make_shared<FlatNode>(std::move(v)));
  set(slot, std::move(children));
}
void FlatNode::texts(int slot, const std::vector<std::string>& values) {
  Children children;
  for (const std::string& v : values) children.emplace_back(raw_text(v));
  set(slot, std::move(children));
}
void FlatNode::numbers(int slot, const std::vector<std::uint64_t>& values, int bytes) {
  Raw raw{{}, static_cast<std::uint32_t>(values.size()), bytes, false};
  for (const auto v : values) put(raw.contents, v, bytes);
  set(slot, std::move(raw));
}
void FlatNode::bytes(int slot, std::string value) {
  const auto count = static_cast<std::uint32_t>(value.size());
  set(slot, Raw{std::move(value), count, 1, false});
}

std::uint32_t FlatNode::write(const Raw& raw, std::string& out) {
  align(out, 4);
  align(out, as_index(raw.alignment), 4);
  const std::uint32_t at = place(out);
  put(out, raw.count, 4);
  out += raw.contents;
  return at;
}

// The list of fields, the fields, then what they refer to, which must come behind.
std::uint32_t FlatNode::write(const FlatNode& node, std::string& out) {
  align(out, 4);
  const std::size_t count = node.fields_.size(), vtable = out.size();
  // Fields from wide to narrow need no room between them.
  std::vector<std::uint16_t> offsets(count, 0);
  std::uint16_t size = 4;
  for (const int width : {8, 4, 2, 1})
    for (std::size_t i = 0; i < count; ++i) {
      if (!node.fields_[i]) continue;
      const auto* number = std::get_if<Number>(&*node.fields_[i]);
      if ((number ? number->bytes : 4) != width) continue;
      offsets[i] = size;
      size = static_cast<std::uint16_t>(size + width);
    }
  put(out, 4 + 2 * count, 2);
  put(out, size, 2);
  for (const auto o : offsets) put(out, o, 2);
  align(out, 4);
  const std::uint32_t at = place(out);
  put(out, at - vtable, 4);
  out.resize(at + size, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    if (!node.fields_[i]) continue;
    const std::size_t here = at + offsets[i];
    const Field& f = *node.fields_[i];
    if (const auto* n = std::get_if<Number>(&f)) {
      for (int b = 0; b < n->bytes; ++b) out[here + as_index(b)] = static_cast<char>(n->value >> (8 * b));
    } else if (const auto* raw = std::get_if<Raw>(&f)) {
      const std::uint32_t to = write(*raw, out);
      patch(out, here, to - static_cast<std::uint32_t>(here));
    } else if (const auto* child = std::get_if<std::shared_ptr<FlatNode>>(&f)) {
      const std::uint32_t to = write(**child, out);
      patch(out, here, to - static_cast<std::uint32_t>(here));
    } else {
      const auto& children = std::get<Children>(f);
      align(out, 4);
      const std::uint32_t list = place(out);
      put(out, children.size(), 4);
      out.resize(out.size() + 4 * children.size(), '\0');
      patch(out, here, list - static_cast<std::uint32_t>(here));
      for (std::size_t k = 0; k < children.size(); ++k) {
        const auto slot = static_cast<std::uint32_t>(list + 4 + 4 * k);
        const std::uint32_t to = std::visit(
            [&](const auto& c) {
              if constexpr (std::same_as<std::decay_t<decltype(c)>, Raw>) return write(c, out);
              else return write(*c, out);
            },
            children[k]);
        patch(out, slot, to - slot);
      }
    }
  }
  return at;
}

std::string FlatNode::file() const {
  std::string out(4, '\0');
  const std::uint32_t at = write(*this, out);
  patch(out, 0, at);
  return out;
}

}  // namespace tf2jax::stablehlo
