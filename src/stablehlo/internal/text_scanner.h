// Words and signs of an MLIR text, with line and column for what is wrong.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tf2jax::stablehlo {

class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : text_(text) {}

  /// Behind white space and comments.
  bool at_end();
  /// The next character; 0 at the end.
  char peek();
  bool looking_at(std::string_view sign);
  bool accept(std::string_view sign);
  void expect(std::string_view sign);
  /// Letters, digits, `_`, `.`, `$` and, inside, `-`. Empty when there is none.
  std::string_view word();
  /// The same, but it must be there.
  std::string_view need_word(std::string_view what);
  /// A whole word, which is not taken unless it is this one.
  bool accept_word(std::string_view wanted);
  /// A number as it is written: sign, digits, point, exponent, or hexadecimal.
  std::string_view number();
  /// What a text of that kind says: decimal or hexadecimal, up to 64 bits. Fails for anything else.
  std::int64_t integer(std::string_view number) const;
  /// A text in quotes, without them.
  std::string quoted();
  /// Everything up to the `close` that ends a nesting of brackets which has been opened.
  std::string_view balanced(char open, char close);
  /// A name behind `%`, `@`, `#` or `^`: a word, or a text in quotes.
  std::string name();

  std::uint64_t line() const;
  std::size_t position() const { return at_; }
  void go_to(std::size_t position) { at_ = position; }
  std::string_view text() const { return text_; }
  [[noreturn]] void fail(const std::string& message) const;

 private:
  void skip();
  std::string_view text_;
  std::size_t at_ = 0;
  mutable std::size_t counted_ = 0;
  mutable std::uint64_t line_ = 1;
};

}  // namespace tf2jax::stablehlo
