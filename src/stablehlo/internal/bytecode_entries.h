// Attributes and types of a bytecode file, decoded when they are asked for.
#pragma once
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tf2jax/stablehlo/internal/bytecode_file.h"
#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

template <class T>
struct DecodedEntry {
  std::shared_ptr<const T> value;
  std::size_t height = 0, weight = 0;  ///< of what it holds: the deepest, and all of them
};

/// Decodes entries of `file`, which outlives it: those that are large or hold others once, short ones again after a
/// while. Entries hold others by number: how deep, and how many with those that are held several times, is bounded.
class BytecodeEntries {
 public:
  explicit BytecodeEntries(const BytecodeFile& file);

  /// Throws: DataLossError for damaged entries, NotImplementedError for kinds that are not known.
  AttrPtr attribute(std::uint64_t i);
  const TypePtr& type(std::uint64_t i);
  const BytecodeFile& file() const { return file_; }

  /// Numbers that are read from a cursor.
  AttrPtr read_attribute(ByteCursor& in) { return attribute(in.index(file_.attributes.size(), "an attribute")); }
  TypePtr read_type(ByteCursor& in) { return type(in.index(file_.types.size(), "a type")); }
  std::string read_string(ByteCursor& in);
  std::vector<TypePtr> read_types(ByteCursor& in);
  std::vector<AttrPtr> read_attributes(ByteCursor& in);

 private:
  template <class T>
  using Entry = DecodedEntry<T>;
  template <class T, class Decode>
  Entry<T> decoded(const EntryPlace& place, const Decode& decode);
  void count_in(std::size_t height, std::size_t weight);
  Attr decode_attribute(const EntryPlace& place);
  Attr decode_builtin(ByteCursor& in);
  Attr decode_vhlo(ByteCursor& in);
  Attr decode_stablehlo(ByteCursor& in);
  Attr decode_chlo(ByteCursor& in);
  Attr decode_dot_algorithm(ByteCursor& in);
  Type decode_type(const EntryPlace& place);
  Type decode_builtin_type(ByteCursor& in);
  Type decode_vhlo_type(ByteCursor& in);
  Type decode_function(ByteCursor& in);
  Attr integer(ByteCursor& in);
  Attr real(ByteCursor& in);
  Attr tensor(ByteCursor& in, bool packs_bools);
  Attr dictionary(ByteCursor& in, bool names_are_attributes);
  Dims read_dims(ByteCursor& in);
  std::string element_of(ByteCursor& in);
  std::string complex_of(ByteCursor& in);

  const BytecodeFile& file_;
  std::unordered_map<std::uint64_t, Entry<Attr>> kept_;
  std::array<std::pair<std::uint64_t, Entry<Attr>>, 64> recent_;  // short ones, by the last bits of their numbers
  std::vector<Entry<Type>> types_;
  std::size_t depth_ = 0, height_ = 0, weight_ = 0;  // of the entry that is being decoded
};

/// An opaque entry: its text.
Attr text_attribute(std::string text);

/// The elements of a tensor in one byte a bool; `data` is as in the file. Throws: what `in.fail` does, where the
/// length does not fit.
std::string tensor_bytes(const Type& type, std::string_view data, bool packs_bools, const ByteCursor& in);

}  // namespace tf2jax::stablehlo
