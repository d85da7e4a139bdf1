// Reading the text of programs, JAX's or ours: a recursive-descent parser without backtracking over programs. Longer
// than other files because one grammar is one class: its productions call each other.
#include "tf2jax/trace/parse.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>

namespace tf2jax {
namespace {

constexpr int kMaxDepth = 100;                                // nesting of programs and parameter values
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;  // of a constant that the text does not give

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

Array zeros_constant(const Aval& aval) {
  return detail::exact_array(
      aval, [&](std::byte* p) { std::memset(p, 0, num_elements(aval.dims()) * itemsize(aval.dtype)); });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Jaxpr top(Arrays consts) {
    // Shared programs may use later ones: note where each begins, read it when it is first used.
    skip();
    while (word_ahead() == "let") {
      take_word();
      const std::string name(require_name());
      expect("=");
      skip();
      shared_.insert_or_assign(name, Shared{pos_, std::nullopt, false});
      skip_braces();
      if (take_word() != "in") fail("expected 'in' after a shared program");
      skip();
    }
    Jaxpr j = program(0, std::move(consts));
    skip();
    if (pos_ != text_.size()) fail("text after the end of the program");
    return j;
  }

 private:
  struct Binder {
    std::string name;
    std::optional<Aval> type;
  };
  // JAX also calls `_` the results of an inner program that the outer one drops, where the inner one reads them too.
  struct Scope {
    JaxprData data;
    std::map<std::string, VarId, std::less<>> vars;
    std::vector<VarId> dropped;   // results called `_`
    std::vector<Binder> results;  // what the equation around binds the outputs to
  };
  // An operand called `_` that may be any of several results.
  struct Unnamed {
    std::size_t operand;
    std::vector<VarId> candidates;
  };

  struct Shared {
    std::size_t start;
    std::optional<Jaxpr> program;
    bool reading;
  };
  // The shared program of that name, or null.
  const Jaxpr* shared(std::string_view name, int depth) {
    const auto it = shared_.find(name);
    if (it == shared_.end()) return nullptr;
    Shared& s = it->second;
    if (!s.program) {
      if (s.reading) fail(fmt::format("the shared program '{}' uses itself", name));
      s.reading = true;
      const std::size_t back = std::exchange(pos_, s.start);
      std::vector<Binder> around = std::exchange(results_, {});  // it is used elsewhere too
      s.program = program(depth + 1, {});
      results_ = std::move(around);
      pos_ = back;
    }
    return &*s.program;
  }
  void skip_braces() {
    int depth = 0;
    do {
      if (pos_ >= text_.size()) fail("a brace is not closed");
      depth += peek() == '{' ? 1 : peek() == '}' ? -1 : 0;
      ++pos_;
    } while (depth > 0);
  }

  // ---- characters
  [[noreturn]] void fail(const std::string& what) const { fail_at(pos_, what); }
  [[noreturn]] void fail_at(std::size_t pos, const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(pos, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto column = before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    // The message of another error has a place and a full stop of its own.
    std::string_view fault = what;
    if (fault.starts_with("parse_jaxpr: ")) fault.remove_prefix(std::strlen("parse_jaxpr: "));
    if (fault.ends_with('.')) fault.remove_suffix(1);
    raise<ParseError>("parse_jaxpr: {}:{}: {}. Got '{}'.", line, column, fault, text_.substr(before.size(), 30));
  }
  char peek(std::size_t ahead = 0) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0'; }
  // Skips white space; true when it crossed a line end.
  bool skip() {
    bool newline = false;
    for (; pos_ < text_.size() && is_space(text_[pos_]); ++pos_) newline |= text_[pos_] == '\n';
    return newline;
  }
  bool accept(std::string_view s) {
    skip();
    if (!text_.substr(pos_).starts_with(s)) return false;
    pos_ += s.size();
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s)) fail(fmt::format("expected '{}'", s));
  }
  std::string_view word_ahead() const {
    std::size_t end = pos_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(pos_, end - pos_);
  }
  std::string_view take_word() {
    skip();
    const std::string_view w = word_ahead();
    pos_ += w.size();
    return w;
  }
  std::string_view require_name() {
    const std::string_view w = take_word();
    if (w.empty()) fail("expected a name");
    return w;
  }

  // ---- types
  Aval aval() {
    skip();
    const std::size_t start = pos_;
    std::size_t end = pos_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '<' || text_[end] == '>')) ++end;
    std::string_view name = text_.substr(pos_, end - pos_);
    std::optional<DType> dtype = parse_dtype(name);
    if (!dtype)  // a memory space: f32<host>
      if (const std::size_t angle = name.find('<'); angle != std::string_view::npos)
        dtype = parse_dtype(name.substr(0, angle));
    if (!dtype) fail_at(start, fmt::format("unknown dtype '{}'", name.substr(0, 40)));
    pos_ = end;
    if (peek() != '[') fail("expected '[' and the sizes");
    ++pos_;
    Aval a{*dtype, {}, false};
    while (peek() != ']') {
      const std::size_t from = pos_;
      int depth = 0;
      while (pos_ < text_.size() && (depth > 0 || (text_[pos_] != ',' && text_[pos_] != ']'))) {
        depth += text_[pos_] == '(' ? 1 : text_[pos_] == ')' ? -1 : 0;
        ++pos_;
      }
      a.shape.push_back(dimension(from, text_.substr(from, pos_ - from)));
      if (peek() == ',') ++pos_;
      else if (peek() != ']') fail("expected ',' or ']'");
    }
    ++pos_;
    return a;
  }
  Dim dimension(std::size_t at, std::string_view s) const {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (error == std::errc() && end == s.data() + s.size()) {
      if (n < 0) fail_at(at, "a size is negative");
      return n;
    }
    try {
      return Dim::parse(s);
    } catch (const Error&) {
      fail_at(at, "a size cannot be read");
    }
  }

  // ---- atoms
  VarId add_var(Scope& scope, const Aval& a) {
    scope.data.vars.push_back(a);
    return static_cast<VarId>(scope.data.vars.size() - 1);
  }
  VarId define(Scope& scope, std::string_view name, const Aval& a) {
    const VarId v = add_var(scope, a);
    if (name == "_") scope.dropped.push_back(v);
    else scope.vars.insert_or_assign(std::string(name), v);
    return v;
  }
  // A literal `value:type` starts here.
  bool literal_ahead() const {
    const char c = peek();
    if (c == '(' || c == '-' || c == '[' || (c >= '0' && c <= '9')) return true;
    const std::string_view w = word_ahead();
    return (w == "True" || w == "False" || ((w == "nan" || w == "inf") && !binders_ahead())) && peek(w.size()) == ':';
  }
  // `inf` and `nan` are also names of variables: at the start of an equation, with typed names up to an equals sign on
  // the same line.
  bool binders_ahead() const {
    std::size_t i = pos_;
    while (i > 0 && text_[i - 1] == ' ') --i;
    if (i == 0 || (text_[i - 1] != '\n' && text_[i - 1] != ';' && text_[i - 1] != 't')) return false;
    i = pos_;
    while (i < text_.size()) {
      while (i < text_.size() && is_word(text_[i])) ++i;
      if (i >= text_.size() || text_[i] != ':') return false;
      while (i < text_.size() && !is_space(text_[i])) ++i;
      while (i < text_.size() && text_[i] == ' ') ++i;
      if (i < text_.size() && text_[i] == '=') return true;
      if (i >= text_.size() || !is_word(text_[i])) return false;
    }
    return false;
  }
  Atom literal() {
    const std::size_t start = pos_;
    while (pos_ < text_.size() && text_[pos_] != ':') {
      if (text_[pos_] == '\n') fail_at(start, "a literal has no type");
      ++pos_;
    }
    const std::string value(text_.substr(start, pos_ - start));
    expect(":");
    const Aval type = aval();
    if (value == "[...]") return Atom::of(constant(start, type));
    if (type.rank() != 0) fail_at(start, "a literal must be a scalar");
    return Atom::of(detail::exact_array(type, [&](std::byte* p) { write_scalar(start, value, type.dtype, p); }));
  }
  Array constant(std::size_t at, const Aval& type) const {
    const Dims dims = type.dims();
    double count = itemsize(type.dtype);
    for (std::int64_t d : dims) count *= static_cast<double>(d);
    if (count > static_cast<double>(kMaxElements)) fail_at(at, "a constant is too large to be filled with zeros");
    return zeros_constant(type);
  }
  double number(std::size_t at, const std::string& s) const {
    char* end = nullptr;
    const double v = std::strtod(s.c_str(), &end);
    if (s.empty() || *end != '\0') fail_at(at, "a literal cannot be read");
    return v;
  }
  complex128 complex_number(std::size_t at, std::string s) const {
    if (s.starts_with("(") && s.ends_with(")")) s = s.substr(1, s.size() - 2);
    if (!s.ends_with("j")) return {number(at, s), 0};
    s.pop_back();
    std::size_t split = s.size();
    while (split > 1 && !((s[split - 1] == '+' || s[split - 1] == '-') && s[split - 2] != 'e')) --split;
    if (split <= 1) return {0, number(at, s)};
    return {number(at, s.substr(0, split - 1)), number(at, s.substr(split - 1))};
  }
  void write_scalar(std::size_t at, const std::string& s, DType dtype, std::byte* p) const {
    if (dtype == DType::float0) return;
    if (dtype == DType::key) fail_at(at, "a key has no literal");
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      T v{};
      if constexpr (std::same_as<T, bool>) {
        if (s != "True" && s != "False") fail_at(at, "expected True or False");
        v = s == "True";
      } else if constexpr (std::integral<T>) {
        const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
        if (error != std::errc() || end != s.data() + s.size()) fail_at(at, "an integer literal cannot be read");
      } else if constexpr (requires(T t) { t.real(); }) {
        v = T(complex_number(at, s));
      } else if constexpr (std::same_as<T, double>) {
        v = number(at, s);
      } else {
        v = T(static_cast<float>(number(at, s)));
      }
      std::memcpy(p, &v, sizeof v);
    });
  }

  // ---- programs
  Jaxpr program(int depth, Arrays consts) {
    if (depth > kMaxDepth) fail("programs are nested too deeply");
    expect("{");
    if (take_word() != "lambda") fail("expected 'lambda'");
    Scope scope;
    scope.results = std::exchange(results_, {});
    JaxprData& data = scope.data;
    skip();
    const std::size_t constants_at = pos_;
    data.constvars = binders(scope, ';');
    expect(";");
    data.invars = binders(scope, '.');
    expect(".");
    if (take_word() != "let") fail("expected 'let'");
    bind_constants(data, std::move(consts), constants_at);
    for (;;) {
      skip();
      if (peek() == ';') {
        ++pos_;
        continue;
      }
      if (outs_ahead()) break;
      equation(scope, depth);
    }
    take_word();
    expect("(");
    std::vector<VarId> taken;  // by outputs called `_`
    while (!accept(")")) {
      data.outs.push_back(word_ahead() == "_" ? Atom::of(unnamed_output(scope, taken)) : operand(scope));
      skip();
      if (peek() == ',') ++pos_;
      else if (peek() != ')') fail("expected ',' or ')'");
    }
    if (accept(":")) {  // effects
      expect("{");
      while (pos_ < text_.size() && text_[pos_] != '}') ++pos_;
      expect("}");
    }
    expect("}");
    note_unused(scope);
    return Jaxpr(std::move(data));
  }
  void bind_constants(JaxprData& data, Arrays consts, std::size_t at) {
    if (!consts.empty() && consts.size() != data.constvars.size())
      raise("parse_jaxpr: the number of constants is wrong. Got {}; expected {}, one per constvar.", consts.size(),
            data.constvars.size());
    for (std::size_t i = 0; i < data.constvars.size(); ++i) {
      const Aval& want = data.vars[data.constvars[i]];
      if (!consts.empty() && !consts[i].aval().matches(want))
        raise<ShapeError>("parse_jaxpr: constant {} has the wrong type. Got {}; expected {}.", i, consts[i].aval(),
                          want);
      data.consts.push_back(consts.empty() ? constant(at, want) : consts[i]);
    }
  }
  // Results that have a name and are not used print with it again.
  static void note_unused(Scope& scope) {
    JaxprData& data = scope.data;
    std::vector<bool> used(data.vars.size(), false);
    const auto mark = [&](const Atom& a) {
      if (!a.is_literal()) used[a.var] = true;
    };
    for (const Equation& e : data.eqns) std::for_each(e.inputs.begin(), e.inputs.end(), mark);
    std::for_each(data.outs.begin(), data.outs.end(), mark);
    for (VarId v : scope.dropped) used[v] = true;
    for (const Equation& e : data.eqns)
      for (VarId v : e.outputs)
        if (!used[v]) data.named_unused.push_back(v);
  }
  // `in` is also a variable's name: here it must be followed by the list of outputs.
  bool outs_ahead() const {
    if (word_ahead() != "in") return false;
    std::size_t i = pos_ + 2;
    while (i < text_.size() && is_space(text_[i])) ++i;
    return i < text_.size() && text_[i] == '(';
  }
  std::vector<VarId> binders(Scope& scope, char stop) {
    std::vector<VarId> out;
    for (skip(); peek() != stop; skip()) {
      const std::string name(require_name());
      if (!accept(":")) fail("an input has no type");
      out.push_back(define(scope, name, aval()));
    }
    return out;
  }

  // The left side of an equation, with its '='; empty when there is none, with the position restored.
  std::vector<Binder> left_side() {
    const std::size_t start = pos_;
    std::vector<Binder> out;
    for (;;) {
      const std::string name(take_word());
      if (name.empty()) break;
      Binder b{name, std::nullopt};
      if (peek() == ':') {
        ++pos_;
        b.type = aval();
      }
      out.push_back(b);
      const bool newline = skip();
      if (peek() == '=') {
        ++pos_;
        return out;
      }
      if (newline && !b.type) break;
    }
    pos_ = start;
    return {};
  }

  Atom operand(Scope& scope) {
    skip();
    if (literal_ahead()) return literal();
    const std::size_t start = pos_;
    const std::string_view name = take_word();
    const auto it = scope.vars.find(name);
    if (it == scope.vars.end())
      fail_at(start,
              name.empty() ? "expected an operand" : fmt::format("variable '{}' is not defined", name.substr(0, 40)));
    return Atom::of(it->second);
  }
  // An output called `_`. Where the equation around drops it, any result of its type serves.
  VarId unnamed_output(const Scope& scope, std::vector<VarId>& taken) {
    const std::size_t start = pos_, place = scope.data.outs.size();
    take_word();
    const Binder* around = place < scope.results.size() ? &scope.results[place] : nullptr;
    std::vector<VarId> candidates;
    for (const VarId v : scope.dropped)
      if (!around || !around->type || around->type->matches(scope.data.vars[v])) candidates.push_back(v);
    if (candidates.empty()) fail_at(start, "an output '_' has no equation");
    const auto fresh =
        std::ranges::find_if(candidates, [&](VarId v) { return std::ranges::find(taken, v) == taken.end(); });
    const bool is_dropped = around && around->name == "_";
    if (!is_dropped && candidates.size() > 1)
      fail_at(start,
              "several results are called '_', and the text does not say which of them this output is. Name them");
    taken.push_back(fresh == candidates.end() ? candidates.back() : *fresh);
    return taken.back();
  }

  // The results that an operand called `_` may be: those so far whose type the equation around drops.
  std::vector<VarId> unnamed_candidates(const Scope& scope) const {
    const auto may_be_read = [&](VarId v) {
      if (scope.results.empty()) return true;
      return std::ranges::any_of(scope.results, [&](const Binder& b) {
        return b.name == "_" && (!b.type || b.type->matches(scope.data.vars[v]));
      });
    };
    std::vector<VarId> out;
    std::ranges::copy_if(scope.dropped, std::back_inserter(out), may_be_read);
    return out;
  }

  // Gives each open operand the only result with which the equation has the types it states.
  void resolve(const Scope& scope, std::size_t at, const std::vector<Unnamed>& open, std::vector<Atom>& inputs,
               const Primitive& primitive, const std::map<std::string, ParsedValue>& params,
               const std::vector<Binder>& lhs) const {
    constexpr std::size_t kMostChoices = 256;
    std::size_t choices = 1;
    for (const Unnamed& u : open) choices = std::min(choices * u.candidates.size(), kMostChoices + 1);
    std::vector<std::vector<Atom>> possible;
    for (std::size_t choice = 0; choice < choices && choices <= kMostChoices; ++choice) {
      std::vector<Atom> trial = inputs;
      std::size_t rest = choice;
      for (const Unnamed& u : open) {
        trial[u.operand] = Atom::of(u.candidates[rest % u.candidates.size()]);
        rest /= u.candidates.size();
      }
      if (has_types(scope, trial, primitive, params, lhs)) possible.push_back(std::move(trial));
    }
    if (possible.size() != 1)
      fail_at(at,
              "several results before this equation are called '_', and the text does not say which of them it reads. "
              "Name them");
    inputs = std::move(possible[0]);
  }
  bool has_types(const Scope& scope, const std::vector<Atom>& inputs, const Primitive& primitive,
                 const std::map<std::string, ParsedValue>& params, const std::vector<Binder>& lhs) const {
    if (!primitive.rules().aval || !primitive.rules().operands.admits(inputs.size())) return true;
    ParamReadContext context = read_context(scope, inputs, lhs);
    try {
      ParamReader reader(params, std::move(context), primitive.name());
      const Avals out = primitive.output_avals(avals_of(scope, inputs), primitive.rules().read_params(reader));
      if (out.size() != lhs.size()) return false;
      for (std::size_t i = 0; i < out.size(); ++i)
        if (lhs[i].type && !lhs[i].type->matches(out[i])) return false;
      return true;
    } catch (const Error&) {
      return false;
    }
  }
  static Avals avals_of(const Scope& scope, const std::vector<Atom>& inputs) {
    Avals out;
    for (const Atom& a : inputs) out.push_back(a.is_literal() ? a.literal.aval() : scope.data.vars[a.var]);
    return out;
  }
  static ParamReadContext read_context(const Scope& scope, const std::vector<Atom>& inputs,
                                       const std::vector<Binder>& lhs) {
    ParamReadContext context;
    for (const Aval& a : avals_of(scope, inputs)) context.inputs.emplace_back(a.dtype, a.shape);
    for (const Binder& b : lhs)
      if (b.type) context.outputs.emplace_back(b.type->dtype, b.type->shape);
    return context;
  }

  // An operand follows, rather than the next equation or the outputs.
  bool operand_ahead(const Scope& scope) const {
    if (literal_ahead()) return true;
    const std::string_view w = word_ahead();
    if (w.empty() || outs_ahead() || peek(w.size()) == ':' || peek(w.size()) == '[') return false;
    return w == "_" || scope.vars.contains(w);
  }

  void equation(Scope& scope, int depth) {
    const std::vector<Binder> lhs = left_side();
    skip();
    const std::size_t name_at = pos_;
    while (pos_ < text_.size() && (is_word(text_[pos_]) || text_[pos_] == '-')) ++pos_;
    const std::string name(text_.substr(name_at, pos_ - name_at));
    if (name.empty()) fail("expected the name of a primitive");
    std::map<std::string, ParsedValue> params;
    const std::optional<Primitive> primitive = find_primitive(name);
    if (primitive && primitive->shares_names()) results_ = lhs;
    if (peek() == '[') {
      ++pos_;
      while (!accept("]")) {
        const std::string key(require_name());
        expect("=");
        params.insert_or_assign(key, key == "name" ? name_value() : value(depth + 1, true));
      }
    }
    results_.clear();
    std::vector<Atom> inputs;
    std::vector<Unnamed> open;
    for (skip(); operand_ahead(scope); skip()) {
      if (literal_ahead() || word_ahead() != "_") {
        inputs.push_back(operand(scope));
        continue;
      }
      take_word();
      const std::vector<VarId> candidates = unnamed_candidates(scope);
      if (candidates.empty()) fail("variable '_' is not defined");
      if (candidates.size() > 1) open.push_back({inputs.size(), candidates});
      inputs.push_back(Atom::of(candidates[0]));
    }

    if (!primitive)
      raise<NotImplementedError>("parse_jaxpr: primitive '{}' is not known. Register it with register_primitive.",
                                 name);
    if (!open.empty()) resolve(scope, name_at, open, inputs, *primitive, params, lhs);
    const EquationParams read = read_params(name_at, *primitive, std::move(params), read_context(scope, inputs, lhs));
    std::vector<VarId> outputs = results(scope, name_at, *primitive, read, avals_of(scope, inputs), lhs);
    scope.data.eqns.push_back(Equation{*primitive, read, std::move(inputs), std::move(outputs), nullptr});
  }
  EquationParams read_params(std::size_t at, const Primitive& primitive, std::map<std::string, ParsedValue> params,
                             ParamReadContext context) {
    try {
      ParamReader reader(std::move(params), std::move(context), primitive.name());
      return primitive.rules().read_params(reader);
    } catch (const ParseError& e) {
      const bool has_place =
          std::strstr(e.what(), "parse_jaxpr: ") != nullptr && std::isdigit(static_cast<unsigned char>(e.what()[13]));
      if (!has_place) fail_at(at, e.what());
      throw;
    }
  }
  // Defines the results. Their types must be those that the primitive's rule gives: kernels rely on it.
  std::vector<VarId> results(Scope& scope, std::size_t at, const Primitive& primitive, const EquationParams& params,
                             const Avals& operands, const std::vector<Binder>& lhs) {
    Avals inferred;
    if (primitive.rules().aval) {
      try {
        inferred = primitive.output_avals(operands, params);
      } catch (const NotImplementedError&) {
        throw;
      } catch (const Error& e) {
        fail_at(at, e.what());
      }
      if (inferred.size() != lhs.size())
        fail_at(at, fmt::format("{} has {} results", primitive.name(), inferred.size()));
    }
    std::vector<VarId> out;
    for (std::size_t i = 0; i < lhs.size(); ++i) {
      if (!lhs[i].type && inferred.empty()) fail_at(at, fmt::format("the type of result {} is not known", i));
      if (lhs[i].type && !inferred.empty() && !lhs[i].type->matches(inferred[i]))
        fail_at(at, fmt::format("result {} of {} is {}, not {}", i, primitive.name(), inferred[i].to_string(),
                                lhs[i].type->to_string()));
      out.push_back(define(scope, lhs[i].name, lhs[i].type ? *lhs[i].type : inferred[i]));
    }
    return out;
  }

  // ---- parameter values
  // At the top of a list of `key=value` a value ends at `]` or before the next key; inside brackets at `,` or a
  // bracket.
  ParsedValue value(int depth, bool in_params) {
    if (depth > kMaxDepth) fail("values are nested too deeply");
    skip();
    const std::size_t start = pos_;
    ParsedValue v;
    if (structured(v, depth) && value_ends(in_params)) {
      v.text = std::string(text_.substr(start, pos_ - start));
      return v;
    }
    pos_ = start;
    int nesting = 0;
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (nesting == 0 && value_ends(in_params)) break;
      if (c == '(' || c == '[' || c == '{') ++nesting;
      if (c == ')' || c == ']' || c == '}') --nesting;
      if (nesting < 0) fail("unbalanced brackets in a parameter");
      ++pos_;
    }
    if (pos_ == start || pos_ == text_.size()) fail_at(start, "a parameter has no value");
    v = ParsedValue{};
    v.kind = ParsedValue::Kind::text;
    v.text = std::string(text_.substr(start, pos_ - start));
    return v;
  }
  // The name of a function is not looked up: a shared program may be called the same.
  ParsedValue name_value() {
    ParsedValue v;
    v.kind = ParsedValue::Kind::name;
    skip();
    const std::size_t start = pos_;
    while (pos_ < text_.size() && !is_space(text_[pos_]) && text_[pos_] != ']') ++pos_;
    v.text = std::string(text_.substr(start, pos_ - start));
    return v;
  }
  bool value_ends(bool in_params) const {
    const char c = peek();
    if (!in_params) return c == ',' || c == ')' || c == ']' || (is_space(c) && next_is_closing());
    if (c == ']') return true;
    if (!is_space(c)) return false;
    std::size_t i = pos_;
    while (i < text_.size() && is_space(text_[i])) ++i;
    if (i < text_.size() && text_[i] == ']') return true;
    const std::size_t word = i;
    while (i < text_.size() && is_word(text_[i])) ++i;
    return i > word && i + 1 < text_.size() && text_[i] == '=' && text_[i + 1] != '=';
  }
  bool next_is_closing() const {
    std::size_t i = pos_;
    while (i < text_.size() && is_space(text_[i])) ++i;
    return i < text_.size() && (text_[i] == ')' || text_[i] == ']');
  }
  // A program, not a dict.
  bool program_ahead() const {
    std::size_t i = pos_ + 1;
    while (i < text_.size() && is_space(text_[i])) ++i;
    return text_.substr(i).starts_with("lambda");
  }
  // Reads a value of known form; false when the text is of no known form (the caller then takes it as it is).
  bool structured(ParsedValue& v, int depth) {
    using Kind = ParsedValue::Kind;
    const char c = peek();
    if (c == '{' && program_ahead()) {
      v.kind = Kind::jaxpr;
      v.jaxprs.push_back(program(depth + 1, {}));
      return true;
    }
    if (c == '(' || c == '[') {
      v.kind = c == '(' ? Kind::tuple : Kind::list;
      ++pos_;
      return sequence(v, c == '(' ? ')' : ']', depth);
    }
    if (c == '-' || (c >= '0' && c <= '9')) return numeric(v);
    std::size_t end = pos_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.')) ++end;
    const std::string_view name = text_.substr(pos_, end - pos_);
    if (name.empty()) return false;
    pos_ = end;
    if (peek() == '(') {
      ++pos_;
      v.kind = Kind::call;
      return sequence(v, ')', depth);
    }
    v.kind = Kind::name;
    if (name == "None") v.kind = Kind::none;
    if (name == "True" || name == "False") {
      v.kind = Kind::boolean;
      v.integer = name == "True";
    }
    if (name == "nan" || name == "inf") {
      v.kind = Kind::floating;
      v.floating = name == "nan" ? std::nan("") : HUGE_VAL;
    }
    if (const Jaxpr* j = shared(name, depth)) v.jaxprs.push_back(*j);
    return true;
  }
  bool numeric(ParsedValue& v) {
    std::size_t end = pos_ + 1;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.' ||
                                  ((text_[end] == '-' || text_[end] == '+') && text_[end - 1] == 'e')))
      ++end;
    const std::string s(text_.substr(pos_, end - pos_));
    const auto [stop, error] = std::from_chars(s.data(), s.data() + s.size(), v.integer);
    if (error == std::errc() && stop == s.data() + s.size()) {
      v.kind = ParsedValue::Kind::integer;
    } else {
      char* tail = nullptr;
      v.kind = ParsedValue::Kind::floating;
      v.floating = std::strtod(s.c_str(), &tail);
      if (*tail != '\0') return false;
    }
    pos_ = end;
    return true;
  }
  bool sequence(ParsedValue& v, char close, int depth) {
    if (depth > kMaxDepth) fail("values are nested too deeply");
    skip();
    bool commas = false;
    while (peek() != close) {
      if (pos_ >= text_.size()) fail("a bracket is not closed");
      std::string key;
      const std::string_view w = word_ahead();
      if (!w.empty() && peek(w.size()) == '=' && peek(w.size() + 1) != '=') {
        key = std::string(w);
        pos_ += w.size() + 1;
      }
      ParsedValue item = program_item(depth);
      if (item.kind == ParsedValue::Kind::none && item.text.empty()) item = value(depth + 1, false);
      if (key.empty()) v.items.push_back(std::move(item));
      else v.fields.push_back({std::move(key), std::move(item)});
      skip();
      if (peek() == ',') {
        commas = true;
        ++pos_;
        skip();
      }
    }
    ++pos_;
    // Programs in a tuple stand without commas.
    const bool programs =
        v.kind == ParsedValue::Kind::tuple && !commas && !v.items.empty() &&
        std::all_of(v.items.begin(), v.items.end(), [](const ParsedValue& i) { return i.jaxprs.size() == 1; });
    if (programs) {
      v.kind = ParsedValue::Kind::jaxprs;
      for (const ParsedValue& item : v.items) v.jaxprs.push_back(item.jaxprs[0]);
    }
    return true;
  }
  // A program or the name of a shared one inside a bracket; an empty value when something else stands there.
  ParsedValue program_item(int depth) {
    ParsedValue v;
    const std::size_t start = pos_;
    if (peek() == '{' && program_ahead()) {
      v.kind = ParsedValue::Kind::jaxpr;
      v.jaxprs.push_back(program(depth + 1, {}));
      v.text = std::string(text_.substr(start, pos_ - start));
      return v;
    }
    const std::string_view w = word_ahead();
    const char after = peek(w.size());
    if (!(is_space(after) || after == ')' || after == ',')) return v;
    const Jaxpr* j = shared(w, depth);
    if (!j) return v;
    pos_ += w.size();
    v.kind = ParsedValue::Kind::name;
    v.text = std::string(w);
    v.jaxprs.push_back(*j);
    return v;
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  std::vector<Binder> results_;  // of the equation whose parameters are being read
  std::map<std::string, Shared, std::less<>> shared_;
};

}  // namespace

Jaxpr parse_jaxpr(std::string_view text, Arrays consts) { return Parser(text).top(std::move(consts)); }

}  // namespace tf2jax
