// A small evaluator of Python expressions.
#include "expression.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "golden.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"

namespace conformance {

using namespace tf2jax;

namespace {

class Evaluator {
 public:
  Evaluator(std::string_view text, const Module& module, Scope scope)
      : text_(text), module_(module), scope_(std::move(scope)) {}
  Value run() {
    Value v = comparison();
    skip();
    if (pos_ != text_.size()) unknown();
    return v;
  }

 private:
  [[noreturn]] void unknown() const { throw Unsupported("the text '" + std::string(text_.substr(pos_, 30)) + "'"); }
  char peek() {
    skip();
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }
  void skip() {
    while (pos_ < text_.size() && text_[pos_] == ' ') ++pos_;
  }
  bool accept(std::string_view s) {
    skip();
    if (!text_.substr(pos_).starts_with(s)) return false;
    pos_ += s.size();
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s)) unknown();
  }
  std::string word() {
    skip();
    const std::size_t start = pos_;
    while (pos_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[pos_])) || text_[pos_] == '_')) ++pos_;
    return std::string(text_.substr(start, pos_ - start));
  }

  static bool is_dim(const Value& v) { return std::holds_alternative<Dim>(v.is); }
  static bool is_int(const Value& v) { return std::holds_alternative<std::int64_t>(v.is); }

  static bool is_array(const Value& v) { return std::holds_alternative<Array>(v.is); }

  static Value arithmetic(char op, const Value& a, const Value& b) {
    if (op == ':' || ((op == '/' || op == '%') && (is_array(a) || is_array(b)))) {
      const Array x = array_of(a), y = array_of(b);
      return {op == ':' ? divide(x, y) : op == '/' ? floor_divide(x, y) : tf2jax::mod(x, y)};
    }
    if (op == '/' || op == '%')
      return make_dim(op == '/' ? floordiv(dim_of(a), dim_of(b)) : tf2jax::mod(dim_of(a), dim_of(b)));
    if (is_dim(a) || is_dim(b)) {
      const Dim x = dim_of(a), y = dim_of(b);
      return make_dim(op == '+' ? x + y : op == '-' ? x - y : x * y);
    }
    if (is_int(a) && is_int(b)) {
      // Wrapping, so that 2**63 - 1 comes out right.
      const auto x = static_cast<std::uint64_t>(std::get<std::int64_t>(a.is)),
                 y = static_cast<std::uint64_t>(std::get<std::int64_t>(b.is));
      return {static_cast<std::int64_t>(op == '+' ? x + y : op == '-' ? x - y : x * y)};
    }
    const Array x = array_of(a), y = array_of(b);
    return {op == '+' ? add(x, y) : op == '-' ? sub(x, y) : mul(x, y)};
  }
  Value comparison() {
    const Value v = sum();
    if (accept("in ")) return {is_among(v, *std::get<std::shared_ptr<const Tuple>>(sum().is))};
    for (const std::string_view op : {"==", "!=", ">=", "<=", "<", ">"})
      if (accept(op)) return compared(v, op, sum());
    return v;
  }
  static Value compared(const Value& a, std::string_view op, const Value& b) {
    if (std::holds_alternative<std::string>(b.is)) return {op == "!="};  // numbers are no texts
    if (is_array(a) || is_array(b)) {
      const Array x = array_of(a), y = array_of(b);
      if (op == "==") return {equal(x, y)};
      if (op == "!=") return {not_equal(x, y)};
      if (op == ">=") return {greater_equal(x, y)};
      if (op == "<=") return {less_equal(x, y)};
      return {op == "<" ? less(x, y) : greater(x, y)};
    }
    const Dim x = dim_of(a), y = dim_of(b);
    if (op == "==") return {x == y};
    if (op == "!=") return {!(x == y)};
    if (op == ">=") return {x >= y};
    if (op == "<=") return {x <= y};
    return {op == "<" ? x < y : x > y};
  }
  static bool is_among(const Value& v, const Tuple& items) {
    return std::ranges::any_of(items,
                               [d = dim_of(v)](const Value& i) { return identical(d, dim_of(i)) || d == dim_of(i); });
  }
  Value sum() {
    Value v = product();
    for (;;) {
      if (accept("+")) v = arithmetic('+', v, product());
      else if (accept("-")) v = arithmetic('-', v, product());
      else return v;
    }
  }
  Value product() {
    Value v = negated();
    for (;;) {
      if (accept("@")) {
        v = {matmul(array_of(v), array_of(negated()))};
      } else if (accept("//")) {
        v = arithmetic('/', v, negated());
      } else if (accept("/")) {
        v = arithmetic(':', v, negated());
      } else if (accept("%")) {
        v = arithmetic('%', v, negated());
      } else if (peek() == '*' && text_.substr(pos_, 2) != "**") {
        ++pos_;
        v = arithmetic('*', v, negated());
      } else {
        return v;
      }
    }
  }
  Value negated() {
    if (!accept("-")) return power();
    const Value v = negated();
    if (const auto* d = std::get_if<double>(&v.is)) return {-*d};
    if (is_array(v)) return {neg(array_of(v))};
    if (is_dim(v)) return make_dim(-dim_of(v));
    return {static_cast<std::int64_t>(-static_cast<std::uint64_t>(integer(v)))};
  }
  Value power() {
    const Value base = postfix();
    if (!accept("**") && !accept("^")) return base;
    const std::int64_t exponent = integer(negated());
    if (is_dim(base)) return make_dim(pow(dim_of(base), exponent));
    if (is_array(base)) return {integer_pow(array_of(base), exponent)};
    std::uint64_t v = 1;
    for (std::int64_t i = 0; i < exponent; ++i) v *= static_cast<std::uint64_t>(integer(base));
    return {static_cast<std::int64_t>(v)};
  }
  Arguments arguments() {
    Arguments a;
    while (!accept(")")) {
      const std::size_t start = pos_;
      const std::string name = word();
      skip();
      if (!name.empty() && pos_ < text_.size() && text_[pos_] == '=' && !text_.substr(pos_).starts_with("==")) {
        ++pos_;
        a.named.emplace(name, comparison());
      } else {
        pos_ = start;
        a.positional.push_back(comparison());
      }
      if (!accept(",") && peek() != ')') unknown();
    }
    return a;
  }
  Value postfix() {
    Value v = atom();
    for (;;) {
      if (std::holds_alternative<std::shared_ptr<const Function>>(v.is) && accept("(")) {
        v = function_of(v)(arguments());
      } else if (std::holds_alternative<Array>(v.is) && peek() == '[') {
        ++pos_;
        v = {index_array(std::get<Array>(v.is), subscripts())};
      } else if (const auto* items = std::get_if<std::shared_ptr<const Tuple>>(&v.is); items && accept("[")) {
        const Value item = (*items)->at(integer(sum()));
        expect("]");
        v = item;
      } else if (std::holds_alternative<Array>(v.is) && accept(".reshape(")) {
        v = {reshape(std::get<Array>(v.is), sizes(arguments().positional))};
      } else if (is_array(v) && accept(".at[")) {
        v = updated(IndexedRef(std::get<Array>(v.is), subscripts()));
      } else if (is_array(v) && accept(".sum()")) {
        v = {tf2jax::sum(std::get<Array>(v.is))};
      } else if (is_array(v) && accept(".T")) {
        v = {transpose(std::get<Array>(v.is))};
      } else if (std::holds_alternative<Array>(v.is) && accept(".astype(")) {
        v = {astype(std::get<Array>(v.is), dtype_of(arguments().get(0, "dtype")))};
      } else {
        return v;
      }
    }
  }
  // What stands between brackets.
  std::vector<Index> subscripts() {
    std::vector<Index> out;
    while (!accept("]")) {
      out.push_back(subscript());
      if (!accept(",") && peek() != ']') unknown();
    }
    return out;
  }
  Index subscript() {
    if (accept("...")) return ellipsis;
    std::optional<Value> first;
    if (peek() != ':') first = comparison();
    if (!accept(":")) {
      if (is_none(*first)) return newaxis;
      if (is_array(*first)) return array_of(*first);
      return integer(*first);
    }
    const auto bound = [&]() -> std::optional<std::int64_t> {
      if (peek() == ':' || peek() == ',' || peek() == ']') return std::nullopt;
      return integer(comparison());
    };
    const auto stop = bound();
    const auto step = accept(":") ? bound() : std::nullopt;
    return {Index::Kind::range, first ? std::optional(integer(*first)) : std::nullopt, stop, step.value_or(1)};
  }
  // What follows x.at[…].
  Value updated(const IndexedRef& at) {
    for (const auto& [name, update] : {std::pair{".set(", &IndexedRef::set},
                                       {".add(", &IndexedRef::add},
                                       {".mul(", &IndexedRef::multiply},
                                       {".multiply(", &IndexedRef::multiply},
                                       {".min(", &IndexedRef::min},
                                       {".max(", &IndexedRef::max}}) {
      if (!accept(name)) continue;
      const Arguments a = arguments();
      if (a.positional.size() != 1 || !a.named.empty()) throw Unsupported("options of an update");
      return {(at.*update)(array_of(a.positional[0]))};
    }
    throw Unsupported("an update");
  }
  // Of reshape: integers, or one tuple of them.
  static Shape sizes(const Tuple& given) {
    if (given.size() == 1 && std::holds_alternative<std::shared_ptr<const Tuple>>(given[0].is))
      return shape_of(given[0]);
    Shape out;
    for (const Value& item : given) out.push_back(integer(item));
    return out;
  }
  Value atom() {
    const char c = peek();
    if (c == '(' || c == '[') return sequence(c);
    if (c == '\'' || c == '"') return string(c);
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    std::string name = word();
    if (name == "None") return {None{}};
    if (name == "True") return {true};
    if (name == "False") return {false};
    if (name == "lambda") return lambda();
    for (auto it = scope_.rbegin(); it != scope_.rend(); ++it)
      if (it->first == name) return it->second;
    while (pos_ < text_.size() && text_[pos_] == '.') {
      ++pos_;
      name += "." + word();
    }
    if (const auto found = module_(name)) return *found;
    throw Unsupported("the name " + name);
  }
  Value sequence(char open) {
    ++pos_;
    const char close = open == '(' ? ')' : ']';
    Tuple items;
    bool comma = false;
    while (peek() != close) {
      items.push_back(comparison());
      if (accept(",")) comma = true;
      else if (peek() != close) unknown();
    }
    ++pos_;
    if (open == '(' && items.size() == 1 && !comma) return items[0];
    return make_tuple(std::move(items));
  }
  Value string(char quote) {
    const std::size_t end = text_.find(quote, pos_ + 1);
    if (end == std::string_view::npos) unknown();
    const std::string s(text_.substr(pos_ + 1, end - pos_ - 1));
    pos_ = end + 1;
    return {s};
  }
  Value number() {
    const std::size_t start = pos_;
    bool real = false;
    while (pos_ < text_.size() &&
           (std::isdigit(static_cast<unsigned char>(text_[pos_])) || text_[pos_] == '.' || text_[pos_] == 'e'))
      real |= !std::isdigit(static_cast<unsigned char>(text_[pos_++]));
    const std::string s(text_.substr(start, pos_ - start));
    if (real) return {std::strtod(s.c_str(), nullptr)};
    return {static_cast<std::int64_t>(std::strtoll(s.c_str(), nullptr, 10))};
  }
  // The body is evaluated anew at each call, with the variables in force where the lambda stood.
  Value lambda() {
    std::vector<std::string> parameters;
    do parameters.push_back(word());
    while (accept(","));
    expect(":");
    const std::size_t start = pos_;
    int depth = 0;
    while (pos_ < text_.size() && (depth > 0 || (text_[pos_] != ')' && text_[pos_] != ','))) {
      depth += text_[pos_] == '(' || text_[pos_] == '[' ? 1 : text_[pos_] == ')' || text_[pos_] == ']' ? -1 : 0;
      ++pos_;
    }
    return make_function([parameters, body = std::string(text_.substr(start, pos_ - start)), scope = scope_,
                          module = module_](const Arguments& a) {
      Scope inner = scope;
      for (std::size_t i = 0; i < parameters.size(); ++i) inner.emplace_back(parameters[i], a.get(i, parameters[i]));
      return Evaluator(body, module, std::move(inner)).run();
    });
  }

  std::string_view text_;
  const Module& module_;
  Scope scope_;
  std::size_t pos_ = 0;
};

}  // namespace

Value evaluate(std::string_view text, const Module& module, const Scope& scope) {
  return Evaluator(text, module, scope).run();
}

Value run_program(const std::string& text, const Module& module) {
  Scope scope;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size()), assign = text.find(" = ", at);
    if (assign >= end) throw Unsupported("the line '" + text.substr(at, end - at) + "'");
    scope.emplace_back(text.substr(at, assign - at),
                       evaluate(std::string_view(text).substr(assign + 3, end - assign - 3), module, scope));
    at = end + 1;
  }
  if (scope.empty()) throw Unsupported("an empty program");
  return scope.back().second;
}

}  // namespace conformance
