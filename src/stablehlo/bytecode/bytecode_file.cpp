// The container of MLIR bytecode. Source: MLIR's "Bytecode Format".
#include "tf2jax/stablehlo/internal/bytecode_file.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

constexpr std::uint64_t kNewestVersion = 6;

}  // namespace

SectionHead read_section(ByteCursor& in) {
  const std::uint8_t id = in.byte();
  SectionHead head;
  head.id = id & 0x7F;
  const std::uint64_t size = in.varint();
  if (id & 0x80) in.align(in.varint());
  head.begin = in.offset();
  head.size = size;
  (void)in.bytes(size);
  return head;
}

BytecodeFile::BytecodeFile(std::string_view b) : bytes(b) {
  ByteCursor in(bytes, 0, bytes.size(), "header");
  if (in.bytes(4) != kBytecodeMagic) in.fail("it does not start as MLIR bytecode does.");
  version = in.varint();
  check<NotImplementedError>(version <= kNewestVersion,
                             "stablehlo: this version of MLIR's bytecode is not known. Got {}; expected at most {}.",
                             version, kNewestVersion);
  producer = in.terminated();
  find_sections(in);
  read_strings();
  read_dialects();
  read_places();
  if (version >= 5) read_properties();
}

void BytecodeFile::find_sections(ByteCursor in) {
  while (!in.empty()) {
    const SectionHead head = read_section(in);
    if (head.id >= sections_.size()) in.fail(fmt::format("a section is not known. Got number {}.", head.id));
    if (sections_[head.id]) in.fail(fmt::format("section '{}' is there twice.", section_name(head.id)));
    sections_[head.id] = Range{head.begin, head.size};
  }
}

ByteCursor BytecodeFile::section(Section s) const {
  const auto id = static_cast<std::uint8_t>(s);
  const auto& range = sections_[id];
  check<DataLossError>(range.has_value(), "stablehlo: the file is damaged: it has no section '{}'.", section_name(id));
  return {bytes, range->begin, range->size, section_name(id)};
}
ByteCursor BytecodeFile::entry(const EntryPlace& place) const {
  return {bytes, place.begin, place.size, section_name(static_cast<std::uint8_t>(Section::attr_type))};
}
ByteCursor BytecodeFile::property(std::uint64_t i) const {
  const std::string_view name = section_name(static_cast<std::uint8_t>(Section::properties));
  const std::uint64_t begin = properties.at(i);
  ByteCursor in(bytes, begin, bytes.size() - begin, name);
  const std::uint64_t size = in.varint();
  return {bytes, in.offset(), size, name};
}

// Lengths come last string first, the strings in order; each ends with a zero byte.
void BytecodeFile::read_strings() {
  ByteCursor in = section(Section::string);
  const std::uint64_t n = in.count("strings", 2);
  std::vector<std::uint64_t> sizes(n);
  for (std::uint64_t i = n; i-- > 0;) {
    sizes[i] = in.varint();
    if (sizes[i] == 0) in.fail("a string has no end.");
  }
  strings.reserve(n);
  for (const auto size : sizes) strings.push_back(in.bytes(size).substr(0, size - 1));
}

void BytecodeFile::read_dialects() {
  ByteCursor in = section(Section::dialect);
  const std::uint64_t n = in.count("dialects");
  for (std::uint64_t i = 0; i < n; ++i) {
    std::uint64_t name = in.varint();
    const bool has_version = version >= 1 && (name & 1u);
    if (version >= 1) name >>= 1;
    if (name >= strings.size()) in.fail("the name of a dialect is no string.");
    dialects.push_back(strings[name]);
    if (has_version) (void)read_section(in);
  }
  if (version >= 4) (void)in.varint();  // how many names follow
  while (!in.empty()) {
    const std::string_view dialect = dialects[in.index(dialects.size(), "a dialect")];
    const std::uint64_t count = in.count("names of operations");
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t name = in.varint();
      if (version >= 5) name >>= 1;  // whether it is registered
      if (name >= strings.size()) in.fail("the name of an operation is no string.");
      op_names.push_back({dialect, strings[name]});
    }
  }
}

void BytecodeFile::read_places() {
  ByteCursor in = section(Section::attr_type_offset);
  const std::uint64_t num_attributes = in.count("attributes"), num_types = in.count("types");
  std::uint64_t at = section(Section::attr_type).offset();
  read_places_of(in, attributes, num_attributes, at);
  read_places_of(in, types, num_types, at);
}

EntryPlace EntryPlaces::at(std::uint64_t i) const {
  const std::uint64_t entry = entries_.at(i);
  const std::uint64_t next = i + 1 < entries_.size() ? entries_[i + 1] >> 1 : end_;
  const auto group = std::ranges::upper_bound(groups_, i, {}, [](const auto& g) { return g.first; }) - 1;
  return {entry >> 1, next - (entry >> 1), group->second, (entry & 1u) != 0};
}

void EntryPlaces::add(std::uint64_t begin, std::uint64_t size, bool is_text) {
  entries_.push_back(begin << 1 | (is_text ? 1 : 0));
  end_ = begin + size;
}

void BytecodeFile::read_places_of(ByteCursor& in, EntryPlaces& out, std::uint64_t count, std::uint64_t& at) {
  const ByteCursor data = section(Section::attr_type);
  const std::uint64_t last = data.offset() + data.left();
  while (out.size() < count) {
    out.add_group(in.index(dialects.size(), "a dialect"));
    const std::uint64_t here = in.count("entries");
    if (here > count - out.size()) in.fail("there are more entries than it says.");
    for (std::uint64_t i = 0; i < here; ++i) {
      const std::uint64_t code = in.varint(), size = code >> 1;
      if (size > last - at) in.fail("an entry lies outside of section 'AttrType'.");
      out.add(at, size, (code & 1u) == 0);
      at += size;
    }
  }
}

void BytecodeFile::read_properties() {
  ByteCursor in = section(Section::properties);
  const std::uint64_t n = in.count("properties");
  for (std::uint64_t i = 0; i < n; ++i) {
    properties.push_back(in.offset());
    (void)in.bytes(in.varint());
  }
}

}  // namespace tf2jax::stablehlo
