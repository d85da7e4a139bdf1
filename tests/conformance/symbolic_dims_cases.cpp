// Symbolic dimensions: their texts, arithmetic, comparisons, and constraints.
#include <fmt/format.h>

#include <cctype>
#include <functional>
#include <map>
#include <variant>

#include "expected_error.h"
#include "runners.h"
#include "tf2jax/base/symbolic_scope.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Sizes = std::map<std::string, Dim>;
using Answer = std::variant<Dim, bool>;

std::string text_of(const Answer& a) {
  if (const bool* b = std::get_if<bool>(&a)) return *b ? "True" : "False";
  return std::get<Dim>(a).to_string();
}

// A Python expression over dimensions. A name that is no function is a variable, made by `variable`.
class Expression {
 public:
  using Variable = std::function<Dim(const std::string&)>;
  Expression(std::string text, Variable variable) : text_(std::move(text)), variable_(std::move(variable)) {}

  Answer value() {
    const Answer a = comparison();
    if (peek() != '\0') unknown();
    return a;
  }

 private:
  std::string text_;
  Variable variable_;
  std::size_t at_ = 0;

  [[noreturn]] void unknown() const { throw Unsupported("the text '" + text_.substr(at_) + "'"); }
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(std::string_view s) {
    peek();
    if (!std::string_view(text_).substr(at_).starts_with(s)) return false;
    at_ += s.size();
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s)) unknown();
  }
  std::string word() {
    peek();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    return text_.substr(start, at_ - start);
  }

  Answer comparison() {
    const Answer left = sum();
    if (accept("in ")) return is_among(std::get<Dim>(left));
    for (const std::string_view op : {"==", "!=", ">=", "<=", "<", ">"})
      if (accept(op)) return compared(left, op);
    return left;
  }
  Answer compared(const Answer& left, std::string_view op) {
    if (peek() == '\'') {  // a dimension is no text
      word_in_quotes();
      return op == "!=";
    }
    const Answer right = sum();
    if (std::holds_alternative<bool>(left) || std::holds_alternative<bool>(right))
      return (left == right) == (op == "==");
    const Dim a = std::get<Dim>(left), b = std::get<Dim>(right);
    if (op == "==") return a == b;
    if (op == "!=") return !(a == b);
    if (op == ">=") return a >= b;
    if (op == "<=") return a <= b;
    return op == "<" ? a < b : a > b;
  }
  void word_in_quotes() {
    expect("'");
    word();
    expect("'");
  }
  bool is_among(Dim d) {
    expect("(");
    bool found = false;
    while (!accept(")")) {
      const Dim other = dim(sum());
      found = found || identical(d, other) || d == other;
      accept(",");
    }
    return found;
  }

  static Dim dim(const Answer& a) {
    if (const Dim* d = std::get_if<Dim>(&a)) return *d;
    throw Unsupported("a bool as a dimension");
  }
  Answer sum() {
    Answer v = product();
    for (;;) {
      if (accept("+")) v = dim(v) + dim(product());
      else if (accept("-")) v = dim(v) - dim(product());
      else return v;
    }
  }
  Answer product() {
    Answer v = negated();
    for (;;) {
      if (accept("//")) v = floordiv(dim(v), dim(negated()));
      else if (accept("%")) v = mod(dim(v), dim(negated()));
      else if (accept("*")) v = dim(v) * dim(negated());
      else return v;
    }
  }
  Answer negated() {
    if (accept("-")) return -dim(negated());
    if (accept("+")) return negated();
    const Answer base = atom();
    if (!accept("**") && !accept("^")) return base;
    return pow(dim(base), dim(negated()).value());
  }
  Answer atom() {
    if (accept("(")) {
      const Answer v = comparison();
      expect(")");
      return v;
    }
    if (std::isdigit(static_cast<unsigned char>(peek()))) return Dim(static_cast<std::int64_t>(std::stoll(word())));
    const std::string name = word();
    if (name.empty()) unknown();
    return peek() == '(' ? call(name) : Answer(variable_(name));
  }
  Answer call(const std::string& name) {
    expect("(");
    std::vector<Dim> x;
    while (!accept(")")) {
      x.push_back(dim(sum()));
      if (!accept(",") && peek() != ')') unknown();
    }
    const auto is = [&](std::size_t count, auto... names) { return x.size() == count && ((name == names) || ...); };
    if (is(2, "max", "max_dim")) return max(x[0], x[1]);
    if (is(2, "min", "min_dim")) return min(x[0], x[1]);
    if (is(2, "floordiv")) return floordiv(x[0], x[1]);
    if (is(2, "mod")) return mod(x[0], x[1]);
    if (is(2, "divmod")) {
      expect("[");
      const bool remainder = word() == "1";
      expect("]");
      return remainder ? mod(x[0], x[1]) : floordiv(x[0], x[1]);
    }
    if (is(3, "stride_dim")) return max(floordiv(x[0] - x[1], x[2]) + 1, 0);  // of windows that fit
    if (is(2, "dilate_dim")) return max(x[1] * (x[0] - 1) + 1, 0);
    if (is(1, "int")) return Dim(x[0].value());
    if (is(1, "bool")) return !(x[0] == Dim(0));
    if (is(1, "hash")) return Dim(static_cast<std::int64_t>(hash_value(x[0]) >> 1));
    throw Unsupported("the function " + name);
  }
};

Answer evaluated(const std::string& text, const SymbolicScope& scope) {
  return Expression(text, [&](const std::string& name) { return Dim::variable(name, scope); }).value();
}

// How often `text` is true and false at sizes that the constraints allow.
struct Tally {
  int holds = 0, fails = 0;
};
Tally tally(const std::string& text, const std::vector<std::string>& constraints) {
  std::string all = text;
  for (const std::string& c : constraints) all += " " + c;
  const auto largest = [&](char name) {  // of variables that do not occur: one size
    const std::ptrdiff_t used =
        std::ranges::count_if(std::string_view("abc"), [&](char n) { return all.find(n) != all.npos; });
    return all.find(name) == all.npos ? 1 : used == 1 ? 2000 : used == 2 ? 100 : 24;
  };
  const int last_a = largest('a'), last_b = largest('b'), last_c = largest('c');
  Tally out;
  Sizes sizes;
  const auto value = [&](const std::string& t) {
    return std::get<bool>(Expression(t, [&](const std::string& name) { return sizes.at(name); }).value());
  };
  for (int a = 1; a <= last_a; ++a)
    for (int b = 1; b <= last_b; ++b)
      for (int c = 1; c <= last_c; ++c) {
        sizes = {{"a", a}, {"b", b}, {"c", c}};
        if (std::ranges::all_of(constraints, value)) ++(value(text) ? out.holds : out.fails);
      }
  return out;
}

void check_answer(const json& want, const Answer& got, CaseResult& result) {
  const std::string kind = want.at("kind").get<std::string>();
  const json& value = want.at("value");
  const std::string expected = kind == "bool"  ? (value.get<bool>() ? "True" : "False")
                               : kind == "int" ? fmt::format("{}", value.get<std::int64_t>())
                                               : value.get<std::string>();
  const Dim* d = std::get_if<Dim>(&got);
  const bool same_kind = kind == "bool" ? !d : d && d->is_constant() == (kind == "int");
  if (!same_kind || text_of(got) != expected)
    result.fail("value", fmt::format("got {}, expected {} {}", text_of(got), kind, expected));
}

// What a case computes.
struct Computation {
  std::string text;  // of an expression; else a shape
  std::vector<std::string> constraints;
  std::string spec;
  SymbolicShapeOptions options;
  std::string left, right,
      operation;  // or an operation on "x" and "y", two dimensions that are read as sizes of shapes

  Answer value() const {
    const SymbolicScope scope(constraints);
    if (left.empty()) return evaluated(text, scope);
    const Dim x = Dim::parse(left), y = Dim::parse(right);
    return Expression(operation, [&](const std::string& name) { return name == "x" ? x : y; }).value();
  }
  Shape shape() const { return symbolic_shape(spec, options); }
};

Computation shape_of(const json& c) {
  Computation out;
  out.spec = c.at("spec").is_null() ? "..." : c.at("spec").get<std::string>();
  if (!c.contains("like")) return out;
  out.options.like.emplace();
  for (const json& size : c.at("like"))
    out.options.like->push_back(size.is_null() ? std::nullopt : std::optional(size.get<std::int64_t>()));
  return out;
}

Computation expression_of(const json& c) {
  if (c.contains("expr"))
    return {c.at("expr").get<std::string>(), c.value("constraints", std::vector<std::string>()), {}, {}, {}, {}, {}};
  const std::string op = c.at("op").get<std::string>(), left = c.at("left").get<std::string>(),
                    right = c.at("right").get<std::string>();
  const auto written = [&](const std::string& x, const std::string& y) {
    const bool is_call = op == "max" || op == "min";
    return is_call ? fmt::format("{}({}, {})", op, x, y) : fmt::format("({}) {} ({})", x, op, y);
  };
  return {written(left, right), {}, {}, {}, left, right, written("x", "y")};
}

void check_shape(const json& c, const Shape& shape, CaseResult& result) {
  const json& want = c.at("result");
  if (shape.size() != want.size())
    return result.fail("value", fmt::format("got {} for {}", to_string(shape), want.dump()));
  for (std::size_t i = 0; i < shape.size(); ++i) check_answer(want[i], shape[i], result);
  if (!c.contains("evaluations")) return;
  for (const json& e : c.at("evaluations")) {
    const auto environment = e.at("env").get<std::map<std::string, std::int64_t>>();
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t got = shape[i].evaluate(environment);
      if (got != e.at("values")[i].get<std::int64_t>())
        result.fail("value", fmt::format("got {} for {}", got, e.dump()));
    }
  }
}

// JAX answers False to == where it cannot tell; the documents say that this is an error. Whether it is so here: both
// answers occur.
bool is_open(const Computation& x) {
  if (x.text.find("==") == std::string::npos && x.text.find("!=") == std::string::npos) return false;
  const Tally t = tally(x.text, x.constraints);
  return t.holds > 0 && t.fails > 0;
}
// What JAX cannot tell ours may; then it is so for every size.
bool is_known_here(const Computation& x) {
  try {
    const Answer got = x.value();
    const bool* answer = std::get_if<bool>(&got);
    if (!answer) return false;
    const Tally t = tally(x.text, x.constraints);
    return (*answer ? t.fails : t.holds) == 0;
  } catch (const Error&) {
    return false;
  }
}

// Constraints that no sizes meet: JAX notices when it first compares, and not always.
bool is_impossible(const Computation& x) {
  if (x.constraints.empty()) return false;
  const Tally t = tally("1 == 1", x.constraints);
  return t.holds == 0;
}

}  // namespace

void run_symbolic_dims_case(const json& c, CaseResult& result) {
  const bool is_shape = c.contains("spec");
  const Computation x = is_shape ? shape_of(c) : expression_of(c);
  if (c.contains("error")) {
    const json& error = c.at("error");
    if (!is_shape && error.at("type") == "InconclusiveDimensionOperation" && is_known_here(x))
      return result.passed_part();
    if (error.at("message").get<std::string>().starts_with("Unsatisfiable constraint") && is_impossible(x))
      return result.passed_part();
    return expect_error(error, "error", result, [&] {
      if (is_shape) (void)x.shape();
      else (void)x.value();
    });
  }
  result.part("value", [&] {
    if (is_shape) return check_shape(c, x.shape(), result);
    try {
      check_answer(c.at("result"), x.value(), result);
    } catch (const InconclusiveDimensionOperation&) {
      if (!is_open(x)) throw;
    } catch (const ValueError& e) {
      if (!std::string_view(e.what()).starts_with("Unsatisfiable constraint") || !is_impossible(x)) throw;
    }
  });
}

}  // namespace conformance
