// A small evaluator of Python expressions: calls, lambdas, tuples, arithmetic on numbers.
#include "expression.h"

#include <cctype>
#include <cstring>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "golden.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/base/config.h"
#include "tf2jax/transforms/batch.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Scope = std::vector<std::pair<std::string, Value>>;

struct Arguments {
  Tuple positional;
  std::map<std::string, Value> named;
  const Value* find(std::size_t i, const std::string& name) const {
    if (i < positional.size()) return &positional[i];
    const auto it = named.find(name);
    return it == named.end() ? nullptr : &it->second;
  }
  const Value& get(std::size_t i, const std::string& name) const {
    const Value* v = find(i, name);
    if (!v) throw Unsupported("missing argument " + name);
    return *v;
  }
};

bool is_none(const Value& v) { return std::holds_alternative<None>(v.is); }
std::int64_t integer(const Value& v) {
  if (const auto* i = std::get_if<std::int64_t>(&v.is)) return static_cast<std::int64_t>(*i);
  throw Unsupported("an integer is expected");
}
Array integer_array(std::int64_t v) {
  if (config().enable_x64) {
    const auto wide = static_cast<std::int64_t>(v);
    return Array::build(Aval{DType::i64, {}, true}, [&](std::byte* p) { std::memcpy(p, &wide, 8); });
  }
  const auto narrow = static_cast<std::int32_t>(v);
  return Array::build(Aval{DType::i32, {}, true}, [&](std::byte* p) { std::memcpy(p, &narrow, 4); });
}
Array array_of(const Value& v) {
  if (const auto* a = std::get_if<Array>(&v.is)) return *a;
  if (const auto* i = std::get_if<std::int64_t>(&v.is)) return integer_array(*i);
  if (const auto* d = std::get_if<double>(&v.is)) return Array(*d);
  throw Unsupported("an array is expected");
}
DType dtype_of_value(const Value& v) {
  const auto* s = std::get_if<std::string>(&v.is);
  const auto d = s ? parse_dtype(*s) : std::nullopt;
  if (!d) throw Unsupported("a dtype is expected");
  return *d;
}
std::optional<DType> optional_dtype(const Value* v) { return v ? std::optional(dtype_of_value(*v)) : std::nullopt; }
Shape shape_of(const Value& v) {
  if (std::holds_alternative<std::int64_t>(v.is)) return {Dim(integer(v))};
  const auto* t = std::get_if<std::shared_ptr<Tuple>>(&v.is);
  if (!t) throw Unsupported("a shape is expected");
  Shape out;
  for (const Value& item : **t) out.push_back(integer(item));
  return out;
}
Shape optional_shape(const Value* v) { return v ? shape_of(*v) : Shape{}; }
std::optional<Shape> maybe_shape(const Value* v) { return v && !is_none(*v) ? std::optional(shape_of(*v)) : std::nullopt; }

void flatten(const Value& v, std::vector<double>& out, Dims& dims, std::size_t depth) {
  if (const auto* t = std::get_if<std::shared_ptr<Tuple>>(&v.is)) {
    if (dims.size() == depth) dims.push_back(static_cast<std::int64_t>((*t)->size()));
    for (const Value& item : **t) flatten(item, out, dims, depth + 1);
  } else {
    out.push_back(array_of(v).item<double>());
  }
}

Value call(const std::string& name, const Arguments& a) {
  const auto key = [&] { return array_of(a.get(0, "key")); };
  using Simple = Array (*)(const Array&, const Shape&, std::optional<DType>);
  static const std::map<std::string, Simple> simple = {
      {"random.normal", random::normal}, {"random.exponential", random::exponential}, {"random.gumbel", random::gumbel}, {"random.laplace", random::laplace},
      {"random.logistic", random::logistic}, {"random.cauchy", random::cauchy}, {"random.rademacher", random::rademacher}};
  if (const auto it = simple.find(name); it != simple.end()) return {it->second(key(), optional_shape(a.find(1, "shape")), optional_dtype(a.find(2, "dtype")))};
  if (name == "random.split") {
    const Value* n = a.find(1, "num");
    if (!n) return {random::split(key())};
    if (std::holds_alternative<std::int64_t>(n->is)) return {random::split(key(), integer(*n))};
    return {random::split(key(), shape_of(*n))};
  }
  if (name == "random.fold_in") {
    const Value& data = a.get(1, "data");
    if (const auto* i = std::get_if<std::int64_t>(&data.is)) {
      const auto word = static_cast<std::uint32_t>(*i);
      return {random::fold_in(key(), Array::from_bytes(DType::u32, {}, std::as_bytes(std::span(&word, 1))))};
    }
    return {random::fold_in(key(), array_of(data))};
  }
  if (name == "random.bits") return {random::bits(key(), optional_shape(a.find(1, "shape")), dtype_of_value(a.get(2, "dtype")))};
  if (name == "random.uniform") {
    const Value *lo = a.find(3, "minval"), *hi = a.find(4, "maxval");
    return {random::uniform(key(), optional_shape(a.find(1, "shape")), optional_dtype(a.find(2, "dtype")), lo ? array_of(*lo) : Array(0.0), hi ? array_of(*hi) : Array(1.0))};
  }
  if (name == "random.randint")
    return {random::randint(key(), shape_of(a.get(1, "shape")), array_of(a.get(2, "minval")), array_of(a.get(3, "maxval")), optional_dtype(a.find(4, "dtype")))};
  if (name == "random.truncated_normal")
    return {random::truncated_normal(key(), array_of(a.get(1, "lower")), array_of(a.get(2, "upper")), optional_shape(a.find(3, "shape")), optional_dtype(a.find(4, "dtype")))};
  if (name == "random.bernoulli") {
    const Value* p = a.find(1, "p");
    return {random::bernoulli(key(), p ? array_of(*p) : Array(0.5), maybe_shape(a.find(2, "shape")))};
  }
  if (name == "random.categorical") {
    const Value* axis = a.find(2, "axis");
    return {random::categorical(key(), array_of(a.get(1, "logits")), axis ? integer(*axis) : -1, maybe_shape(a.find(3, "shape")))};
  }
  if (name == "random.gamma") return {random::gamma(key(), array_of(a.get(1, "a")), maybe_shape(a.find(2, "shape")), optional_dtype(a.find(3, "dtype")))};
  if (name == "random.beta")
    return {random::beta(key(), array_of(a.get(1, "a")), array_of(a.get(2, "b")), maybe_shape(a.find(3, "shape")), optional_dtype(a.find(4, "dtype")))};
  if (name == "random.dirichlet") return {random::dirichlet(key(), array_of(a.get(1, "alpha")), maybe_shape(a.find(2, "shape")), optional_dtype(a.find(3, "dtype")))};
  if (name == "random.permutation") {
    const Value& x = a.get(1, "x");
    if (std::holds_alternative<std::int64_t>(x.is)) return {random::permutation(key(), integer(x))};
    const Value *axis = a.find(2, "axis"), *independent = a.find(3, "independent");
    return {random::permutation(key(), array_of(x), axis ? integer(*axis) : 0, independent && std::get<bool>(independent->is))};
  }
  if (name == "random.choice") {
    const Value *replace = a.find(3, "replace"), *p = a.find(4, "p");
    const bool again = !replace || std::get<bool>(replace->is);
    const auto weights = p ? std::optional(array_of(*p)) : std::nullopt;
    const Value& from = a.get(1, "a");
    if (std::holds_alternative<std::int64_t>(from.is)) return {random::choice(key(), integer(from), optional_shape(a.find(2, "shape")), again, weights)};
    return {random::choice(key(), array_of(from), optional_shape(a.find(2, "shape")), again, weights)};
  }
  if (name == "jnp.arange") {
    const Array x = iota(DType::i32, {Dim(integer(a.get(0, "stop")))}, 0);
    const Value* d = a.find(1, "dtype");
    return {convert_element_type(x, d ? dtype_of_value(*d) : canonical_dtype(DType::i64))};
  }
  if (name == "jnp.array") {
    std::vector<double> values;
    Dims dims;
    flatten(a.get(0, "object"), values, dims, 0);
    return {convert_element_type(from_span<double>(std::span<const double>(values), dims), dtype_of_value(a.get(1, "dtype")))};
  }
  if (name == "jnp.zeros") return {zeros(shape_of(a.get(0, "shape")), dtype_of_value(a.get(1, "dtype")))};
  if (name == "jnp.log") return {log(array_of(a.get(0, "x")))};
  if (name == "jax.vmap") {
    if (const auto* f = std::get_if<Lambda>(&a.get(0, "fun").is)) return {Mapped{*f}};
  }
  throw Unsupported("the call " + name);
}

class Evaluator {
 public:
  Evaluator(std::string_view text, Scope scope) : text_(text), scope_(std::move(scope)) {}
  Value run() {
    Value v = sum();
    skip();
    if (pos_ != text_.size()) throw Unsupported("the text '" + std::string(text_.substr(pos_, 30)) + "'");
    return v;
  }

 private:
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
    if (!accept(s)) throw Unsupported("the text '" + std::string(text_.substr(pos_, 30)) + "'");
  }
  std::string word() {
    skip();
    const std::size_t start = pos_;
    while (pos_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[pos_])) || text_[pos_] == '_')) ++pos_;
    return std::string(text_.substr(start, pos_ - start));
  }

  static Value arithmetic(char op, const Value& a, const Value& b) {
    if (std::holds_alternative<std::int64_t>(a.is) && std::holds_alternative<std::int64_t>(b.is)) {
      // Wrapping, so that 2**63 - 1 comes out right.
      const auto x = static_cast<std::uint64_t>(std::get<std::int64_t>(a.is)), y = static_cast<std::uint64_t>(std::get<std::int64_t>(b.is));
      return {static_cast<std::int64_t>(op == '+' ? x + y : op == '-' ? x - y : x * y)};
    }
    const Array x = array_of(a), y = array_of(b);
    return {op == '+' ? add(x, y) : op == '-' ? sub(x, y) : mul(x, y)};
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
    while (peek() == '*' && text_.substr(pos_, 2) != "**") {
      ++pos_;
      v = arithmetic('*', v, negated());
    }
    return v;
  }
  Value negated() {
    if (!accept("-")) return power();
    const Value v = negated();
    if (const auto* d = std::get_if<double>(&v.is)) return {-*d};
    return {static_cast<std::int64_t>(-static_cast<std::uint64_t>(std::get<std::int64_t>(v.is)))};
  }
  Value power() {
    const Value base = postfix();
    if (!accept("**")) return base;
    const std::int64_t exponent = integer(negated());
    std::uint64_t v = 1;
    for (std::int64_t i = 0; i < exponent; ++i) v *= static_cast<std::uint64_t>(std::get<std::int64_t>(base.is));
    return {static_cast<std::int64_t>(v)};
  }
  Arguments arguments() {
    Arguments a;
    while (!accept(")")) {
      const std::size_t start = pos_;
      const std::string name = word();
      skip();
      if (!name.empty() && pos_ < text_.size() && text_[pos_] == '=') {
        ++pos_;
        a.named.emplace(name, sum());
      } else {
        pos_ = start;
        a.positional.push_back(sum());
      }
      if (!accept(",") && peek() != ')') throw Unsupported("the text '" + std::string(text_.substr(pos_, 30)) + "'");
    }
    return a;
  }
  Value postfix() {
    Value v = atom();
    for (;;) {
      if (std::holds_alternative<Mapped>(v.is) && accept("(")) {
        const Arguments a = arguments();
        v = {map(std::get<Mapped>(v.is).function, array_of(a.get(0, "x")))};
      } else if (std::holds_alternative<Array>(v.is) && peek() == '[') {
        ++pos_;
        const std::int64_t i = integer(sum());
        expect("]");
        v = {std::get<Array>(v.is)[static_cast<int>(i)]};
      } else if (std::holds_alternative<Array>(v.is) && accept(".reshape(")) {
        Shape shape;
        for (const Value& item : arguments().positional) shape.push_back(integer(item));
        v = {reshape(std::get<Array>(v.is), shape)};
      } else {
        return v;
      }
    }
  }
  static Array map(const Lambda& f, const Array& xs) {
    const Array one[] = {xs};
    const Axis axis[] = {0};
    const BatchResult r = vmap_flat([&](const Arrays& x) {
      Scope inner = *f.scope;
      inner.emplace_back(f.parameter, Value{x[0]});
      return Arrays{array_of(Evaluator(f.body, inner).run())};
    }, one, axis, xs.shape()[0]);
    return r.axes[0] ? moveaxis(r.values[0], *r.axes[0], 0) : r.values[0];
  }
  Value atom() {
    const char c = peek();
    if (c == '(' || c == '[') {
      ++pos_;
      const char close = c == '(' ? ')' : ']';
      auto items = std::make_shared<Tuple>();
      bool comma = false;
      while (peek() != close) {
        items->push_back(sum());
        if (accept(",")) comma = true;
        else if (peek() != close) throw Unsupported("the text '" + std::string(text_.substr(pos_, 30)) + "'");
      }
      ++pos_;
      if (c == '(' && items->size() == 1 && !comma) return (*items)[0];
      return {items};
    }
    if (c == '\'' || c == '"') {
      const std::size_t end = text_.find(c, pos_ + 1);
      const std::string s(text_.substr(pos_ + 1, end - pos_ - 1));
      pos_ = end + 1;
      return {s};
    }
    if (std::isdigit(static_cast<unsigned char>(c))) {
      const std::size_t start = pos_;
      bool real = false;
      while (pos_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[pos_])) || text_[pos_] == '.' || text_[pos_] == 'e')) real |= !std::isdigit(static_cast<unsigned char>(text_[pos_++]));
      const std::string s(text_.substr(start, pos_ - start));
      if (real) return {std::strtod(s.c_str(), nullptr)};
      return {static_cast<std::int64_t>(std::strtoll(s.c_str(), nullptr, 10))};
    }
    std::string name = word();
    if (name == "None") return {None{}};
    if (name == "True") return {true};
    if (name == "False") return {false};
    if (name == "lambda") {
      Lambda f;
      f.parameter = word();
      expect(":");
      const std::size_t start = pos_;
      int depth = 0;
      while (pos_ < text_.size() && (depth > 0 || (text_[pos_] != ')' && text_[pos_] != ','))) {
        depth += text_[pos_] == '(' || text_[pos_] == '[' ? 1 : text_[pos_] == ')' || text_[pos_] == ']' ? -1 : 0;
        ++pos_;
      }
      f.body = std::string(text_.substr(start, pos_ - start));
      f.scope = std::make_shared<Scope>(scope_);
      return {f};
    }
    for (auto it = scope_.rbegin(); it != scope_.rend(); ++it)
      if (it->first == name) return it->second;
    while (pos_ < text_.size() && text_[pos_] == '.') {
      ++pos_;
      name += "." + word();
    }
    expect("(");
    return call(name, arguments());
  }

  std::string_view text_;
  Scope scope_;
  std::size_t pos_ = 0;
};

}  // namespace

Array apply_python_lambda(const std::string& source, const Array& key) {
  const std::string start = "lambda key:";
  if (!source.starts_with(start)) throw Unsupported("the source " + source);
  return array_of(Evaluator(std::string_view(source).substr(start.size()), {{"key", Value{key}}}).run());
}

}  // namespace conformance
