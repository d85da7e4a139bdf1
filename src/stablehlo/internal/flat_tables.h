// FlatBuffers: tables of optional fields. Source: FlatBuffers' "Internals". Own code: the schema is a few tables.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tf2jax::stablehlo {

/// A table of a file that is being read. Every offset is checked; what is outside throws DataLossError, as does a file
/// whose tables lead to the same bytes again and again.
class FlatTable {
 public:
  /// The root of a file.
  static FlatTable root(std::string_view file);

  std::uint64_t number(int slot, int bytes, std::uint64_t fallback = 0) const;
  std::string text(int slot) const;
  std::optional<FlatTable> table(int slot) const;
  std::vector<FlatTable> tables(int slot) const;
  std::vector<std::string> texts(int slot) const;
  /// The elements of a vector of numbers.
  std::vector<std::uint64_t> numbers(int slot, int bytes) const;

 private:
  using Budget = std::shared_ptr<std::uint64_t>;  // bytes that may be read yet, of all tables of a file
  FlatTable(std::string_view file, std::uint64_t at, int depth, Budget left);
  void take(std::uint64_t bytes) const;
  std::optional<std::uint64_t> field(int slot) const;
  std::uint64_t load(std::uint64_t at, int bytes) const;
  std::uint64_t follow(std::uint64_t at) const;
  std::string text_at(std::uint64_t at) const;
  std::pair<std::uint64_t, std::uint64_t> vector_at(std::uint64_t at, std::uint64_t element) const;
  [[noreturn]] void fail(std::uint64_t at, const char* what) const;

  std::string_view file_;
  std::uint64_t at_ = 0, fields_ = 0, vtable_size_ = 0, vtable_ = 0;
  int depth_ = 0;
  Budget left_;
};

/// A table that is being written: fields by slot, each a number, a text, a table, or a vector.
class FlatNode {
 public:
  void number(int slot, std::uint64_t value, int bytes);
  void text(int slot, std::string value);
  void table(int slot, FlatNode value);
  void tables(int slot, std::vector<FlatNode> values);
  void texts(int slot, const std::vector<std::string>& values);
  /// A vector of numbers of so many bytes each.
  void numbers(int slot, const std::vector<std::uint64_t>& values, int bytes);
  /// A vector of bytes.
  void bytes(int slot, std::string value);
  /// The file whose root this is.
  std::string file() const;

 private:
  struct Number {
    std::uint64_t value;
    int bytes;
  };
  struct Raw {  // a vector of numbers, or a text with its end
    std::string contents;
    std::uint32_t count;
    int alignment;
    bool is_text;
  };
  using Children = std::vector<std::variant<Raw, std::shared_ptr<FlatNode>>>;
  using Field = std::variant<Number, Raw, std::shared_ptr<FlatNode>, Children>;
  void set(int slot, Field field);
  static Raw raw_text(std::string value);
  static std::uint32_t write(const FlatNode& node, std::string& out);
  static std::uint32_t write(const Raw& raw, std::string& out);

  std::vector<std::optional<Field>> fields_;
};

}  // namespace tf2jax::stablehlo
