// The sections of an MLIR bytecode file: strings, names of operations, and where attributes, types and properties lie.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/internal/byte_cursor.h"

namespace tf2jax::stablehlo {

/// Section numbers.
enum class Section : std::uint8_t {
  string,
  dialect,
  attr_type,
  attr_type_offset,
  ir,
  resource,
  resource_offset,
  dialect_versions,
  properties
};

/// Where one attribute or type lies; the dialect that wrote it, and whether it is text.
struct EntryPlace {
  std::uint64_t begin = 0, size = 0;
  std::size_t dialect = 0;
  bool is_text = false;
};
/// The places of all attributes, or of all types: they lie one behind another, those of a dialect together.
class EntryPlaces {
 public:
  std::size_t size() const { return entries_.size(); }
  /// Throws: std::out_of_range.
  EntryPlace at(std::uint64_t i) const;
  /// Opens a group, whose entries follow.
  void add_group(std::size_t dialect) { groups_.emplace_back(entries_.size(), dialect); }
  void add(std::uint64_t begin, std::uint64_t size, bool is_text);

 private:
  std::vector<std::uint64_t> entries_;  // where each begins, and in the last bit whether it is text
  std::uint64_t end_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> groups_;  // first entry, dialect
};
/// An operation's name: its dialect, and the rest.
struct OpName {
  std::string_view dialect, name;
};

/// What the sections besides the program say. Views into the file, which outlives it.
struct BytecodeFile {
  /// Throws: DataLossError, NotImplementedError for versions that are not known.
  explicit BytecodeFile(std::string_view bytes);

  ByteCursor section(Section s) const;
  ByteCursor entry(const EntryPlace& place) const;
  ByteCursor property(std::uint64_t i) const;

  std::string_view bytes;
  std::uint64_t version = 0;
  std::string_view producer;
  std::vector<std::string_view> strings, dialects;
  std::vector<OpName> op_names;
  EntryPlaces attributes, types;
  std::vector<std::uint64_t> properties;  ///< where each begins, with its size

 private:
  struct Range {
    std::uint64_t begin = 0, size = 0;
  };
  void find_sections(ByteCursor in);
  void read_strings();
  void read_dialects();
  void read_places();
  void read_places_of(ByteCursor& in, EntryPlaces& out, std::uint64_t count, std::uint64_t& at);
  void read_properties();

  std::array<std::optional<Range>, 9> sections_;
};

/// The first bytes of a bytecode file.
inline constexpr std::string_view kBytecodeMagic{"ML\xEFR", 4};

/// Reads the head of a section and leaves `in` behind it. Throws: DataLossError.
struct SectionHead {
  std::uint8_t id = 0;
  std::uint64_t begin = 0, size = 0;
};
SectionHead read_section(ByteCursor& in);

}  // namespace tf2jax::stablehlo
