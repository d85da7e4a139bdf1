// EquationParams: the static parameters of an equation, typed per primitive and erased at the dispatch boundary.
// Hashing, printing, parsing and finding the programs in them derive from one function, visit_fields, so that they
// cannot drift apart.
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
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
  bool is_jaxpr = false;        // jaxprs[0], printed alone
  bool is_jaxpr_tuple = false;  // all of jaxprs, printed as a tuple
};

/// A parameter value as the parser read it.
struct ParsedValue {
  enum class Kind { none, boolean, integer, floating, name, tuple, list, call, jaxpr, jaxprs, text };
  Kind kind = Kind::none;
  std::string text;  // the spelling in the source
  std::int64_t integer = 0;
  double floating = 0;
  std::vector<ParsedValue> items;          // of a tuple or list, positional arguments of a call
  std::vector<struct ParsedField> fields;  // keyword arguments of a call
  std::vector<Jaxpr> jaxprs;
};
struct ParsedField {
  std::string key;
  ParsedValue value;
};

// ---- values that may be parameters: text and reading. Overloads for further types are found by ADL. Dimension
// structs and the like are visited as params are; with a `kTextName` they print as `Name(field=value, …)` by
// themselves.
std::string param_text(bool v);
std::string param_text(std::int64_t v);
std::string param_text(double v);
std::string param_text(const std::string& v);
std::string param_text(DType v);
std::string param_text(Dim v);
std::string param_text(const Axes& v);  // "(0, 1)"
std::string param_text(const Shape& v);
std::string param_text(const std::vector<std::pair<std::int64_t, std::int64_t>>& v);  // "((0, 0), (1, 1))"
template <class T>
std::string param_text(const std::optional<T>& v) {
  return v ? param_text(*v) : std::string("None");
}

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
ParamText jaxpr_param(std::string_view name, const std::optional<Jaxpr>& v);
ParamText jaxpr_param(std::string_view name, const std::vector<Jaxpr>& v);

// ---- visitors. What visit_fields(self, v) says of each field:
//   field(name, self.x)                  printed, and expected in texts
//   field_or(name, self.x, absent)       printed; `absent` where a text lacks it
//   field_unless(name, self.x, omitted)  printed, and expected in texts, unless it is `omitted`
//   hidden(name, self.x)                 never printed; after_read sets it
// and of what JAX prints and has no field here:
//   fixed(name, text)                    printed; texts may say nothing else
//   remark(name, text)                   printed; texts may say anything
//   ignored({names…})                    not printed; texts may have it

/// Collects the printed parameters.
class ParamPrinter {
 public:
  std::vector<ParamText> fields;
  template <class T>
  void field(std::string_view name, const T& v) {
    if constexpr (requires { jaxpr_param(name, v); }) fields.push_back(jaxpr_param(name, v));
    else add_text(name, param_text(v));
  }
  template <class T>
  void field_or(std::string_view name, const T& v, const std::type_identity_t<T>&) {
    field(name, v);
  }
  template <class T>
  void field_unless(std::string_view name, const T& v, const std::type_identity_t<T>& omitted) {
    if (!(v == omitted)) field(name, v);
  }
  template <class T>
  void hidden(std::string_view, const T&) {}
  void fixed(std::string_view name, std::string_view text) { add_text(name, std::string(text)); }
  void remark(std::string_view name, std::string_view text) { add_text(name, std::string(text)); }
  void ignored(std::initializer_list<std::string_view>) {}

 private:
  void add_text(std::string_view name, std::string text);
};

/// What the other visitors share: every field is looked at, and nothing else.
template <class Visitor>
class FieldVisitor {
 public:
  template <class T>
  void field_or(std::string_view name, const T& v, const std::type_identity_t<T>&) {
    self().field(name, v);
  }
  template <class T>
  void field_unless(std::string_view name, const T& v, const std::type_identity_t<T>&) {
    self().field(name, v);
  }
  template <class T>
  void hidden(std::string_view name, const T& v) {
    self().field(name, v);
  }
  void fixed(std::string_view, std::string_view) {}
  void remark(std::string_view, std::string_view) {}
  void ignored(std::initializer_list<std::string_view>) {}

 private:
  Visitor& self() { return static_cast<Visitor&>(*this); }
};

/// The hash of a value that may be a parameter, or of params.
template <class T>
std::size_t param_hash(const T& v);

/// Combines the hashes of the fields.
class ParamHasher : public FieldVisitor<ParamHasher> {
 public:
  std::size_t hash = 0;
  template <class T>
  void field(std::string_view, const T& v) {
    mix(param_hash(v));
  }
  void mix(std::size_t h) { hash ^= h + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2); }
};

/// Collects the programs.
class ProgramFinder : public FieldVisitor<ProgramFinder> {
 public:
  std::vector<Jaxpr> programs;
  template <class T>
  void field(std::string_view, const T&) {}
  void field(std::string_view, const Jaxpr& v) { programs.push_back(v); }
  void field(std::string_view, const std::optional<Jaxpr>& v) {
    if (v) programs.push_back(*v);
  }
  void field(std::string_view, const std::vector<Jaxpr>& v) { programs.insert(programs.end(), v.begin(), v.end()); }
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
  void field(std::string_view name, T& v) {
    read_param(take(name), v);
  }
  template <class T>
  void field_or(std::string_view name, T& v, const std::type_identity_t<T>& absent) {
    if (has(name)) read_param(take(name), v);
    else v = absent;
  }
  template <class T>
  void field_unless(std::string_view name, T& v, const std::type_identity_t<T>& omitted) {
    field_or(name, v, omitted);
  }
  template <class T>
  void hidden(std::string_view, T&) {}
  void fixed(std::string_view name, std::string_view text);
  void remark(std::string_view name, std::string_view) { ignored({name}); }
  /// Drops parameters that newer or older versions print and that have no meaning here.
  void ignored(std::initializer_list<std::string_view> names);
  bool has(std::string_view name) const { return values_.count(std::string(name)) > 0; }
  ParsedValue take(std::string_view name);
  const ParamReadContext& context() const { return context_; }
  /// Everything not read yet.
  std::map<std::string, ParsedValue> take_all();
  void finish() const;  // throws when something was not read

 private:
  std::map<std::string, ParsedValue> values_;
  ParamReadContext context_;
  std::string primitive_;
};

/// A params type, or a struct inside one: an aggregate with `operator== = default` and
/// `static void visit_fields(auto& self, auto& v)`, which names each field once.
template <class P>
concept ParamSet = std::is_class_v<P> && requires(const P& p, ParamHasher& v) { P::visit_fields(p, v); };

template <class T>
std::size_t param_hash(const T& v) {
  ParamHasher h;
  if constexpr (ParamSet<T>) T::visit_fields(v, h);
  else if constexpr (std::is_enum_v<T>) h.mix(static_cast<std::size_t>(v));
  else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) h.mix(std::hash<T>{}(v));
  else if constexpr (requires { v.first; }) h.field("", v.first), h.field("", v.second);
  else if constexpr (requires {
                       v.value();
                       v.has_value();
                     })
    h.mix(v ? param_hash(*v) : 1);
  else if constexpr (std::ranges::range<const T>)
    for (const auto& item : v) h.field("", item);
  else if constexpr (requires { hash_value(v); }) h.mix(hash_value(v));
  else h.mix(std::hash<T>{}(v));
  return h.hash;
}

/// A struct inside params that prints by its name.
template <class P>
concept NamedParamSet = ParamSet<P> && requires { std::string_view(P::kTextName); };

namespace detail {
std::string call_text(std::string_view name, const std::vector<ParamText>& fields);
/// Reads the keywords of a call. Throws: ParseError unless `v` is a call of `name`.
ParamReader call_reader(const ParsedValue& v, std::string_view name);
}  // namespace detail

template <NamedParamSet P>
std::string param_text(const P& v) {
  ParamPrinter printer;
  P::visit_fields(v, printer);
  return detail::call_text(P::kTextName, printer.fields);
}
template <NamedParamSet P>
void read_param(const ParsedValue& v, P& out) {
  ParamReader reader = detail::call_reader(v, P::kTextName);
  P::visit_fields(out, reader);
  reader.finish();
}

struct NoParams {
  bool operator==(const NoParams&) const = default;
  static void visit_fields(auto&, auto&) {}
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
  bool is() const {
    return *box_->type == typeid(P);
  }
  std::vector<ParamText> texts() const { return box_->texts(); }
  std::size_t hash() const { return box_->hash(); }
  /// The programs among the fields.
  std::vector<Jaxpr> programs() const { return box_->programs(); }
  friend bool operator==(const EquationParams& a, const EquationParams& b) {
    return a.box_.get() == b.box_.get() || (*a.box_->type == *b.box_->type && a.box_->equals(*b.box_));
  }

 private:
  struct Base {
    explicit Base(const std::type_info* t) : type(t) {}
    virtual ~Base() = default;
    virtual std::vector<ParamText> texts() const = 0;
    virtual std::size_t hash() const = 0;
    virtual std::vector<Jaxpr> programs() const = 0;
    virtual bool equals(const Base& other) const = 0;
    const std::type_info* type;
  };
  template <class P>
  struct Box final : Base {
    explicit Box(P v) : Base(&typeid(P)), value(std::move(v)) {}
    std::vector<ParamText> texts() const override { return visited<ParamPrinter>().fields; }
    std::size_t hash() const override { return visited<ParamHasher>().hash; }
    std::vector<Jaxpr> programs() const override { return visited<ProgramFinder>().programs; }
    bool equals(const Base& other) const override { return value == static_cast<const Box&>(other).value; }
    template <class Visitor>
    Visitor visited() const {
      Visitor v;
      P::visit_fields(value, v);
      return v;
    }
    const P value;
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
  P::visit_fields(p, reader);
  if constexpr (requires { p.after_read(reader); }) p.after_read(reader);
  reader.finish();
  return EquationParams(std::move(p));
}

}  // namespace tf2jax
