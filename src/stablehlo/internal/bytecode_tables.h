// What a bytecode file that is being written refers to by number: strings, attributes, types, names of operations.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/internal/byte_sink.h"
#include "tf2jax/stablehlo/internal/vhlo_ops.h"
#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// The format of MLIR's bytecode that readers of a version of StableHLO know.
int bytecode_version(const Version& target);

/// Numbers things in the order they are first asked for, each once.
class BytecodeTables {
 public:
  explicit BytecodeTables(const Version& target) : target_(target), format_(bytecode_version(target)) {}

  int format() const { return format_; }
  const Version& target() const { return target_; }

  std::uint64_t string(std::string_view text);
  std::uint64_t op_name(std::string_view dialect, std::string_view name);
  std::uint64_t property(const std::string& bytes);
  /// Attributes of MLIR itself.
  std::uint64_t unknown_location();
  std::uint64_t builtin_string(std::string_view text);
  std::uint64_t builtin_integer(std::int64_t value, int width);
  /// A dictionary of names and numbers of attributes.
  std::uint64_t builtin_dictionary(const std::vector<std::pair<std::string, std::uint64_t>>& entries);
  /// VHLO's form of an attribute; `name` says which enumeration a word is of, and the width of an integer.
  std::uint64_t attribute(const Attr& a, std::string_view name);
  std::uint64_t type_attribute(std::uint64_t type);
  /// What stands for an attribute that is not there. Throws: NotImplementedError.
  std::uint64_t absent(std::string_view name);
  std::uint64_t type(const Type& t);

  /// The sections besides the program, around it, in the order that MLIR writes.
  std::string file(const std::string& program) const;

 private:
  struct Entry {
    std::uint64_t dialect;
    std::string bytes;
  };
  struct Entries {
    std::vector<Entry> list;
    std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> known;
  };
  std::uint64_t dialect(std::string_view name);
  std::uint64_t add(Entries& entries, std::string_view dialect, const ByteSink& sink);
  std::uint64_t scalar_type(const std::string& element);
  std::uint64_t number_attribute(const Attr& a, std::string_view name);
  std::uint64_t word_attribute(const std::string& text, std::string_view name);
  std::uint64_t tensor_attribute_number(const Attr& a);
  std::uint64_t list_attribute(std::uint64_t code, const std::vector<std::uint64_t>& items);

  Version target_;
  int format_;
  std::vector<std::string> strings_, dialects_, properties_;
  std::map<std::string, std::uint64_t, std::less<>> known_strings_, known_dialects_, known_properties_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ops_;  // dialect, name
  std::map<std::pair<std::string, std::string>, std::uint64_t> known_ops_;
  Entries attributes_, types_;
};

}  // namespace tf2jax::stablehlo
