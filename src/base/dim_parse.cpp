// Reads dimension expressions: "2*b + floordiv(a, 2)".
#include "tf2jax/base/dim.h"

#include <cctype>
#include <charconv>

namespace tf2jax {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::int64_t kMaxExponent = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Dim parse() {
    const Dim d = expression();
    if (!at_end()) fail("the end");
    return d;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  int depth_ = 0;

  [[noreturn]] void fail(std::string_view expected) const {
    raise<ParseError>("syntax error in symbolic dimension '{}': expected {}. Parsed '{}', remaining '{}'.", text_,
                      expected, text_.substr(0, position_), text_.substr(position_));
  }
  void skip() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) ++position_;
  }
  bool at_end() {
    skip();
    return position_ == text_.size();
  }
  char peek() { return at_end() ? '\0' : text_[position_]; }
  bool accept(char c) {
    if (peek() != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string{'\'', c, '\''});
  }

  Dim expression() {
    if (++depth_ > kMaxDepth) fail("fewer nested parentheses");
    Dim sum = accept('-') ? -term() : term();
    for (;;) {
      if (accept('+')) sum += term();
      else if (accept('-')) sum -= term();
      else break;
    }
    --depth_;
    return sum;
  }

  Dim term() {
    Dim product = factor();
    while (accept('*')) product *= factor();
    return product;
  }

  Dim factor() {
    const Dim base = atom();
    if (!accept('^')) return base;
    const std::int64_t exponent = number();
    if (exponent < 0 || exponent > kMaxExponent) fail("an exponent between 0 and 64");
    Dim power = 1;
    for (std::int64_t i = 0; i < exponent; ++i) power *= base;
    return power;
  }

  std::int64_t number() {
    skip();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + position_, text_.data() + text_.size(), value);
    if (error != std::errc{}) fail("an integer");
    position_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  Dim atom() {
    const char c = peek();
    if (c == '-') {
      ++position_;
      if (++depth_ > kMaxDepth) fail("fewer signs");
      const Dim d = -atom();
      --depth_;
      return d;
    }
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    if (accept('(')) {
      const Dim d = expression();
      expect(')');
      return d;
    }
    if (!std::isalpha(static_cast<unsigned char>(c)) && c != '_') fail("a name, a number or '-'");
    const std::size_t start = position_;
    while (position_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[position_])) || text_[position_] == '_'))
      ++position_;
    const std::string_view name = text_.substr(start, position_ - start);
    if (peek() != '(') return Dim::variable(name);
    return call(name, start);
  }

  Dim call(std::string_view name, std::size_t start) {
    Dim (*f)(Dim, Dim) = nullptr;
    if (name == "floordiv") f = floordiv;
    else if (name == "mod") f = mod;
    else if (name == "max") f = max;
    else if (name == "min") f = min;
    if (!f) {
      position_ = start;
      fail("floordiv, mod, max or min before '('");
    }
    expect('(');
    const Dim a = expression();
    expect(',');
    const Dim b = expression();
    expect(')');
    return f(a, b);
  }
};

}  // namespace

Dim Dim::parse(std::string_view text) { return Parser(text).parse(); }

}  // namespace tf2jax
