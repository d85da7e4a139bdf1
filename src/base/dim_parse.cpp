// Texts of dimensions and shapes, in the grammar of jax.export.symbolic_shape. Words of errors are that function's: it
// names tokens as Python does, and says what stands before and behind them.
#include "tf2jax/base/internal/dim_expr.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace tf2jax {
namespace {

using Sizes = std::vector<std::optional<std::int64_t>>;

constexpr int kMaxDepth = 64;

struct Token {
  std::string_view type, text;
  std::size_t at = 0;  // in the line
  bool at_end = false;
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

// Python's tokens, as far as they occur in expressions.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (at_ == text_.size()) return end();
    blank_ = false;
    const char c = text_[at_];
    if (is_letter(c)) return take("NAME", run(at_, [](char x) { return is_letter(x) || is_digit(x); }));
    if (const std::size_t size = number()) return take("NUMBER", size);
    if (c == '\'' || c == '"') {
      const std::size_t close = text_.find(c, at_ + 1);
      if (close != std::string_view::npos) return take("STRING", close + 1 - at_);
    }
    for (const auto& [symbol, type] : kSymbols)
      if (text_.substr(at_).starts_with(symbol)) {
        depth_ += symbol == "(" || symbol == "[" || symbol == "{" ? 1 : 0;
        depth_ -= symbol == ")" || symbol == "]" || symbol == "}" ? 1 : 0;
        return take(type, symbol.size());
      }
    return take("ERRORTOKEN", 1);
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool blank_ = true;

  // Longer symbols first.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 28> kSymbols{{
      {"...", "ELLIPSIS"}, {"**", "DOUBLESTAR"},   {"//", "DOUBLESLASH"}, {"==", "EQEQUAL"},   {"!=", "NOTEQUAL"},
      {"<=", "LESSEQUAL"}, {">=", "GREATEREQUAL"}, {"(", "LPAR"},         {")", "RPAR"},       {"[", "LSQB"},
      {"]", "RSQB"},       {"{", "LBRACE"},        {"}", "RBRACE"},       {",", "COMMA"},      {":", "COLON"},
      {";", "SEMI"},       {"+", "PLUS"},          {"-", "MINUS"},        {"*", "STAR"},       {"/", "SLASH"},
      {"%", "PERCENT"},    {"&", "AMPER"},         {"|", "VBAR"},         {"^", "CIRCUMFLEX"}, {"=", "EQUAL"},
      {".", "DOT"},        {"<", "LESS"},          {">", "GREATER"},
  }};

  Token take(std::string_view type, std::size_t size) {
    const Token t{type, text_.substr(at_, size), at_};
    at_ += size;
    return t;
  }
  template <class F>
  std::size_t run(std::size_t from, F belongs) const {
    std::size_t size = 0;
    while (from + size < text_.size() && belongs(text_[from + size])) ++size;
    return size;
  }
  // The length of the number that begins here: 12, 1.5, .5, 1.
  std::size_t number() const {
    const std::size_t whole = run(at_, is_digit);
    if (at_ + whole == text_.size() || text_[at_ + whole] != '.') return whole;
    const std::size_t fraction = run(at_ + whole + 1, is_digit);
    return whole + fraction == 0 ? 0 : whole + 1 + fraction;
  }
  // Inside parentheses, and on a line of blanks, Python meets the end of the line first.
  Token end() const {
    if (depth_ > 0 || (blank_ && !text_.empty())) return {"NL", "", text_.size()};
    return {"ENDMARKER", "", 0, true};
  }
};

class Parser {
 public:
  Parser(std::string_view text, const Sizes* like, SymbolicScope scope)
      : tokens_(text), like_(like), scope_(scope), token_(tokens_.next()) {}

  Shape parse() {
    shape();
    expect({"ENDMARKER"});
    return std::move(sizes_);
  }

 private:
  using Types = std::initializer_list<std::string_view>;

  Tokens tokens_;
  const Sizes* like_;
  SymbolicScope scope_;
  Token token_;
  Shape sizes_;
  int depth_ = 0;

  [[noreturn]] void fail(const std::string& what) const {
    const std::string_view line = token_.at_end ? std::string_view() : tokens_.text();
    const char quote = tokens_.text().find('\'') != std::string_view::npos ? '"' : '\'';
    raise<ParseError>("syntax error in symbolic shape {}{}{} in dimension {}: {}. Parsed '{}', remaining '{}'.", quote,
                      tokens_.text(), quote, sizes_.size(), what, line.substr(0, token_.at), line.substr(token_.at));
  }
  bool is(Types types) const { return std::ranges::find(types, token_.type) != types.end(); }
  void expect(Types types) const {
    if (is(types)) return;
    std::string names;
    for (const std::string_view t : types) names += (names.empty() ? "" : ", ") + std::string(t);
    fail(fmt::format("expecting one of {{{}}} but found {}", names, token_.type));
  }
  void advance() { token_ = tokens_.next(); }
  void consume(std::string_view type) {
    expect({type});
    advance();
  }
  void deeper() {
    if (++depth_ > kMaxDepth) fail(fmt::format("expecting at most {} levels of parentheses", kMaxDepth));
  }
  bool at_end_of_shape() const { return is({"ENDMARKER", "RPAR"}); }
  bool at_end_of_size() const { return at_end_of_shape() || is({"COMMA"}); }

  std::string like_text() const {
    std::string out;
    for (const auto& size : *like_) out += (out.empty() ? "" : ", ") + (size ? fmt::format("{}", *size) : "None");
    return "(" + out + (like_->size() == 1 ? ",)" : ")");
  }
  void add(std::optional<Dim> size) {
    if (!size) fail("unexpected placeholder for unknown dimension; like=" + like_text());
    if (like_ && size->is_constant()) {
      if (sizes_.size() == like_->size())
        fail(fmt::format("the number of sizes must match the rank, here is {}; like={}", *size, like_text()));
      if ((*like_)[sizes_.size()] != size->value())
        fail(fmt::format("different size {} for known dimension; like={}", *size, like_text()));
    }
    sizes_.push_back(*size);
  }
  // The size that "_" or one of "..." stands for.
  std::optional<Dim> placeholder(std::size_t i) const {
    return (*like_)[i] ? std::optional<Dim>(*(*like_)[i]) : std::nullopt;
  }
  // `more`: sizes of `like` that must be left.
  void check_placeholder(std::string_view name, std::size_t more) const {
    if (!like_) fail("spec contains ... but no 'like' shape was given");
    if (sizes_.size() + more > like_->size())
      fail(fmt::format(
          "cannot resolve placeholder '{}' because we parsed {} already and 'like' shape has only {} dimensions", name,
          sizes_.size(), like_->size()));
  }

  void shape() {
    if (is({"LPAR"})) {
      deeper();
      advance();
      shape();
      consume("RPAR");
      return;
    }
    while (!at_end_of_shape()) {
      if (is({"ELLIPSIS"})) {
        check_placeholder("...", 0);
        for (std::size_t i = sizes_.size(); i < like_->size(); ++i) add(placeholder(i));
        advance();
        return;
      }
      if (is({"NAME"}) && token_.text == "_") {
        check_placeholder("_", 1);
        advance();
        add(placeholder(sizes_.size()));
      } else {
        add(sum());
      }
      if (at_end_of_shape()) return;
      consume("COMMA");
    }
  }

  Dim sum() {
    Dim total = 0;
    bool negative = is({"MINUS"});
    if (is({"MINUS", "PLUS"})) advance();
    for (;;) {
      const Dim term = product();
      total = negative ? total - term : total + term;
      if (at_end_of_size()) return total;
      negative = is({"MINUS"});
      expect({"PLUS", "MINUS"});
      advance();
    }
  }
  Dim product() {
    Dim total = 1;
    for (;;) {
      Dim factor = atom();
      if (is({"CIRCUMFLEX"})) {
        advance();
        expect({"NUMBER"});
        const std::int64_t exponent = integer();
        if (exponent > kMaxDepth) fail(fmt::format("expecting an exponent up to {}, found {}", kMaxDepth, exponent));
        factor = pow(factor, exponent);
      }
      total *= factor;
      if (at_end_of_size() || is({"PLUS", "MINUS"})) return total;
      consume("STAR");
    }
  }
  Dim atom() {
    if (is({"NAME"})) {
      const std::string_view name = token_.text;
      if (name == "floordiv" || name == "mod" || name == "max" || name == "min") return operation(name);
      advance();
      return Dim::variable(name, scope_);
    }
    const bool negative = is({"MINUS"});
    if (negative) {
      advance();
      expect({"NUMBER"});
    }
    expect({"NAME", "MINUS", "NUMBER"});
    const std::int64_t value = integer();
    return negative ? -value : value;
  }
  // floordiv and mod stay what they are written as; max and min are simplified.
  Dim operation(std::string_view name) {
    deeper();
    advance();
    consume("LPAR");
    const Dim a = sum();
    consume("COMMA");
    const Dim b = sum();
    consume("RPAR");
    --depth_;
    if (name == "max") return max(a, b);
    if (name == "min") return min(a, b);
    if (identical(b, Dim(0))) fail("integer division or modulo by zero");
    return detail::operation(name == "mod" ? DimAtom::Kind::mod : DimAtom::Kind::floordiv, a, b);
  }
  std::int64_t integer() {
    std::int64_t value = 0;
    const char* const last = token_.text.data() + token_.text.size();
    const auto [end, error] = std::from_chars(token_.text.data(), last, value);
    if (error != std::errc{} || end != last) fail(fmt::format("expecting integer, found {}", token_.text));
    advance();
    return value;
  }
};

}  // namespace

Shape symbolic_shape(std::string_view spec, const SymbolicShapeOptions& options) {
  check(!options.scope || options.constraints.empty(), "Cannot specify both a `scope` and `constraints`.");
  const SymbolicScope scope = options.scope ? *options.scope : SymbolicScope(options.constraints);
  return Parser(spec, options.like ? &*options.like : nullptr, scope).parse();
}

Dim Dim::parse(std::string_view text, const SymbolicScope& scope) {
  const Shape sizes = Parser(text, nullptr, scope).parse();
  if (sizes.size() != 1)
    raise<ParseError>("Dim::parse: the text must be one dimension. Got {} in '{}'; expected a text such as '2*b + 1'.",
                      sizes.size(), text);
  return sizes[0];
}

Dim Dim::parse(std::string_view text) { return parse(text, SymbolicScope()); }

}  // namespace tf2jax
