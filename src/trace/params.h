// EquationParams: the static parameters of an equation, typed per primitive and erased at the dispatch boundary.
// Hashing, printing and parsing derive from one function, visit_fields, so that they cannot drift apart.
#pragma once
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "tf2jax/base/dtype.h"
#include "tf2jax/base/shape.h"
#include "tf2jax/trace/jaxpr_handle.h"

namespace tf2jax {

/// How one parameter prints: plain text, or nested programs that the printer lays out.
struct ParamText {
  std::string name;
  std::string text;
  std::vector<Jaxpr> jaxprs;
  bool is_jaxpr = false;         // jaxprs[0], printed alone
  bool is_jaxpr_tuple = false;   // all of jaxprs, printed as a tuple
};

/// A parameter value as the parser read it.
struct ParsedValue {
  enum class Kind { none, boolean, integer, floating, name, tuple, list, call, jaxpr, jaxprs, text };
  Kind kind = Kind::none;
  std::string text;                              // the spelling in the source
  std::int64_t integer = 0;
  double floating = 0;
  std::vector<ParsedValue> items;                // of a tuple or list, positional arguments of a call
  std::vector<struct ParsedField> fields;        // keyword arguments of a call
  std::vector<Jaxpr> jaxprs;
};
struct ParsedField {
  std::string key;
  ParsedValue value;
};

// ---- values that may be parameters: text, hash, reading. Overloads for further types are found by ADL.
std::string param_text(bool v);
std::string param_text(std::int64_t v);
std::string param_text(double v);
std::string param_text(const std::string& v);
std::string param_text(DType v);
std::string param_text(Dim v);
std::string param_text(const Axes& v);      // "(0, 1)"
std::string param_text(const Shape& v);
std::string param_text(const std::vector<std::pair<std::int64_t, std::int64_t>>& v);   // "((0, 0), (1, 1))"
template <class T>
std::string param_text(const std::optional<T>& v) { return v ? param_text(*v) : std::string("None"); }

std::size_t param_hash(bool v);
std::size_t param_hash(std::int64_t v);
std::size_t param_hash(double v);
std::size_t param_hash(const std::string& v);
std::size_t param_hash(DType v);
std::size_t param_hash(Dim v);
std::size_t param_hash(const Axes& v);
std::size_t param_hash(const Shape& v);
std::size_t param_hash(const std::vector<std::pair<std::int64_t, std::int64_t>>& v);
std::size_t param_hash(const Jaxpr& v);
std::size_t param_hash(const std::vector<Jaxpr>& v);
template <class T>
std::size_t param_hash(const std::optional<T>& v) { return v ? param_hash(*v) * 31 + 1 : 0; }

// Throw: ParseError when the value is of another kind.
void read_param(const ParsedValue& v, bool& out);
void read_param(const ParsedValue& v, std::int64_t& out);
void read_param(const ParsedValue& v, double& out);
void read_param(const ParsedValue& v, std::string& out);
void read_param(const ParsedValue& v, DType& out);
void read_param(const ParsedValue& v, Dim& out);
void read_param(const ParsedValue& v, Axes& out);
void read_param(const ParsedValue& v, Shape& out);
void read_param(const ParsedValue& v, std::vector<std::pair<std::int64_t, std::int64_t>>& out);
void read_param(const ParsedValue& v, Jaxpr& out);
void read_param(const ParsedValue& v, std::vector<Jaxpr>& out);
template <class T>
void read_param(const ParsedValue& v, std::optional<T>& out) {
  if (v.kind == ParsedValue::Kind::none) {
    out.reset();
    return;
  }
  read_param(v, out.emplace());
}

/// Leaves per group of JAX's `ft_in` and `ft_out` of scan: `((None,), (None, None), ())` gives {1, 2, 0};
/// `Pytree(vals=[…], tree=PyTreeDef(([*], [*, *], [])))` is read likewise. Throws: ParseError.
std::vector<std::int64_t> count_group_leaves(const ParsedValue& groups);

/// The `jaxprs` of a field, when it holds programs.
ParamText jaxpr_param(std::string_view name, const Jaxpr& v);
ParamText jaxpr_param(std::string_view name, const std::vector<Jaxpr>& v);

/// Collects the printed parameters. `field` always prints; `field_unless` prints unless the value equals the default;
/// `hidden` never prints; `fixed` prints a constant text that carries no information here (JAX prints it).
class ParamPrinter {
 public:
  std::vector<ParamText> fields;
  template <class T>
  void field(std::string_view name, const T& v) {
    if constexpr (requires { jaxpr_param(name, v); }) fields.push_back(jaxpr_param(name, v));
    else add_text(name, param_text(v));
  }
  template <class T>
  void field_unless(std::string_view name, const T& v, const T& omitted) {
    if (!(v == omitted)) field(name, v);
  }
  template <class T>
  void hidden(std::string_view, const T&) {}
  void fixed(std::string_view name, std::string_view text) { add_text(name, std::string(text)); }

 private:
  void add_text(std::string_view name, std::string text);
};

/// Combines the hashes of the fields.
class ParamHasher {
 public:
  std::size_t hash = 0;
  template <class T>
  void field(std::string_view, const T& v) { mix(param_hash(v)); }
  template <class T>
  void field_unless(std::string_view name, const T& v, const T&) { field(name, v); }
  template <class T>
  void hidden(std::string_view, const T&) {}
  void fixed(std::string_view, std::string_view) {}

 private:
  void mix(std::size_t h) { hash ^= h + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2); }
};

/// Context that a params type may need to read its own text: the operands' and results' avals.
struct ParamReadContext {
  std::vector<std::pair<DType, Shape>> inputs, outputs;
};

/// Fills fields from a parsed parameter list. Throws: ParseError for a missing or unknown parameter.
class ParamReader {
 public:
  ParamReader(std::map<std::string, ParsedValue> values, ParamReadContext context, std::string primitive)
      : values_(std::move(values)), context_(std::move(context)), primitive_(std::move(primitive)) {}
  template <class T>
  void field(std::string_view name, T& v) { read_param(take(name), v); }
  template <class T>
  void field_unless(std::string_view name, T& v, const T& omitted) {
    if (has(name)) read_param(take(name), v);
    else v = omitted;
  }
  template <class T>
  void hidden(std::string_view, T&) {}
  void fixed(std::string_view name, std::string_view text);
  bool has(std::string_view name) const { return values_.count(std::string(name)) > 0; }
  ParsedValue take(std::string_view name);
  /// Drops a parameter that newer or older versions print and that has no meaning here.
  void ignore(std::string_view name) { values_.erase(std::string(name)); }
  const ParamReadContext& context() const { return context_; }
  /// Everything not read yet.
  std::map<std::string, ParsedValue> take_all();
  void finish() const;   // throws when something was not read

 private:
  std::map<std::string, ParsedValue> values_;
  ParamReadContext context_;
  std::string primitive_;
};

/// A params type: an aggregate with `operator== = default` and `visit_fields(v)`, which names each field once.
template <class P>
concept ParamSet = std::is_class_v<P> && requires(P& p, ParamHasher& v) { p.visit_fields(v); };

struct NoParams {
  bool operator==(const NoParams&) const = default;
  template <class V>
  void visit_fields(V&&) {}
};

/// A value of any ParamSet type. Immutable; copying shares it.
class EquationParams {
 public:
  template <ParamSet P>
    requires(!std::same_as<P, EquationParams>)
  EquationParams(P value) : box_(std::make_shared<const Box<P>>(std::move(value))) {}  // NOLINT: params convert at bind
  /// The typed value. Throws: InternalError when it is of another type.
  template <ParamSet P>
  const P& get() const {
    if (box_->type != &typeid(P) && *box_->type != typeid(P)) wrong_type(typeid(P));
    return static_cast<const Box<P>&>(*box_).value;
  }
  template <ParamSet P>
  bool is() const { return *box_->type == typeid(P); }
  std::vector<ParamText> texts() const { return box_->texts(); }
  std::size_t hash() const { return box_->hash(); }
  friend bool operator==(const EquationParams& a, const EquationParams& b) { return a.box_.get() == b.box_.get() || (*a.box_->type == *b.box_->type && a.box_->equals(*b.box_)); }

 private:
  struct Base {
    explicit Base(const std::type_info* t) : type(t) {}
    virtual ~Base() = default;
    virtual std::vector<ParamText> texts() const = 0;
    virtual std::size_t hash() const = 0;
    virtual bool equals(const Base& other) const = 0;
    const std::type_info* type;
  };
  template <class P>
  struct Box final : Base {
    explicit Box(P v) : Base(&typeid(P)), value(std::move(v)) {}
    std::vector<ParamText> texts() const override {
      ParamPrinter v;
      const_cast<P&>(value).visit_fields(v);
      return std::move(v.fields);
    }
    std::size_t hash() const override {
      ParamHasher v;
      const_cast<P&>(value).visit_fields(v);
      return v.hash;
    }
    bool equals(const Base& other) const override { return value == static_cast<const Box&>(other).value; }
    P value;
  };
  [[noreturn]] void wrong_type(const std::type_info& wanted) const;
  std::shared_ptr<const Base> box_;
};

inline const EquationParams& no_params() {
  static const EquationParams p{NoParams{}};
  return p;
}

template <ParamSet P>
EquationParams read_params(ParamReader& reader) {
  P p{};
  p.visit_fields(reader);
  if constexpr (requires { p.after_read(reader); }) p.after_read(reader);
  reader.finish();
  return EquationParams(std::move(p));
}

}  // namespace tf2jax
