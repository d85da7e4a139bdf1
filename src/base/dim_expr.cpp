// Interning, ordering and printing of symbolic dimensions, and what their scope writes for them.
#include "tf2jax/base/internal/dim_expr.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace tf2jax::detail {
namespace {

// Canonical forms of one scope print differently exactly when they differ, so scope and text are the key.
template <class T>
class Interner {
 public:
  const T* intern(T value) {
    const std::lock_guard lock(mutex_);
    auto& slot = table_[value.scope && value.scope->number != 0 ? fmt::format("{}\n{}", value.scope->number, value.text)
                                                                : value.text];
    if (!slot) slot = std::make_unique<T>(std::move(value));
    return slot.get();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<T>> table_;
};

// Never destroyed: dimensions may outlive every static.
template <class T>
Interner<T>& interner() {
  static Interner<T>* const table = std::make_unique<Interner<T>>().release();
  return *table;
}

constexpr std::size_t kMaxTerms = 20000, kMaxText = 1 << 20;

// The sorting keys of JAX's expressions, which stop growing somewhere.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kLargest = std::int64_t{1} << 60;
  return std::min(a + std::min(b, kLargest), kLargest);
}
std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  return __builtin_mul_overflow(a, b, &r) ? INT64_MAX : r;
}
std::int64_t size_of(const DimMonomial& m) {
  std::int64_t size = 0;
  for (const auto& [atom, exponent] : m.factors) size = plus(size, plus(1, times(exponent, atom->size)));
  return size;
}
std::int64_t size_of(const DimTerms& terms) {
  std::int64_t size = 0;
  for (const auto& [monomial, coefficient] : terms) {
    const std::int64_t magnitude = coefficient == INT64_MIN ? INT64_MAX : std::abs(coefficient);
    size = plus(size, plus(1, times(magnitude, size_of(monomial))));
  }
  return size;
}
std::int64_t size_of(Dim d) { return d.is_constant() ? 1 : d.expr()->size; }

const ScopeData* scope_of(Dim d) { return d.is_constant() ? nullptr : d.expr()->scope; }

// The scope that both have. Throws when they have two.
const ScopeData* common_scope(const ScopeData* a, const ScopeData* b, std::string_view text) {
  if (a == b || !b) return a;
  if (!a) return b;
  raise<ValueError>(
      "Invalid mixing of symbolic scopes for linear combination.\nExpected {}\nand found for '{}' {}.\nMake variables "
      "that meet with one SymbolicScope.",
      scope_text(*a), text, scope_text(*b));
}
const ScopeData* common_scope(const DimTerms& terms) {
  const ScopeData* scope = nullptr;
  for (const auto& [monomial, coefficient] : terms)
    for (const auto& [atom, exponent] : monomial.factors) scope = common_scope(scope, atom->scope, atom->text);
  return scope;
}

// Each term that an equality rewrites, once.
DimTerms rewritten(DimTerms terms, const ScopeData& scope) {
  DimTerms out;
  for (auto& [monomial, coefficient] : terms) {
    const auto rule = std::ranges::find_if(scope.rewrites, [&](const ScopeData::Rewrite& r) {
      return r.term == monomial && floor_remainder(coefficient, r.coefficient) == 0;
    });
    if (rule == scope.rewrites.end()) {
      out.emplace_back(std::move(monomial), coefficient);
      continue;
    }
    for (const auto& [to, factor] : rule->to)
      out.emplace_back(to, checked_mul(floor_quotient(coefficient, rule->coefficient), factor));
  }
  return out;
}

// Larger terms first, each monomial once, none of them zero.
DimTerms collected(DimTerms terms) {
  std::ranges::sort(terms, [](const auto& x, const auto& y) { return compare(x.first, y.first) > 0; });
  DimTerms merged;
  for (auto& [monomial, coefficient] : terms) {
    if (!merged.empty() && merged.back().first == monomial)
      merged.back().second = checked_add(merged.back().second, coefficient);
    else merged.emplace_back(std::move(monomial), coefficient);
  }
  std::erase_if(merged, [](const auto& term) { return term.second == 0; });
  return merged;
}

template <class T>
int three_way(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_dims(Dim a, Dim b) {
  if (identical(a, b)) return 0;
  if (const int c = three_way(size_of(a), size_of(b))) return c;
  const auto x = terms_of(a), y = terms_of(b);
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int c = compare(x[i].first, y[i].first)) return c;
    if (const int c = three_way(x[i].second, y[i].second)) return c;
  }
  return three_way(x.size(), y.size());
}

std::string_view kind_name(DimAtom::Kind kind) {
  switch (kind) {
    case DimAtom::Kind::floordiv: return "floordiv";
    case DimAtom::Kind::max: return "max";
    case DimAtom::Kind::min: return "min";
    case DimAtom::Kind::mod: return "mod";
    case DimAtom::Kind::variable: break;
  }
  return "";
}

std::string text_of(const DimMonomial& m) {
  std::string text;
  for (auto it = m.factors.rbegin(); it != m.factors.rend(); ++it) {
    if (!text.empty()) text += '*';
    text += it->first->text;
    if (it->second != 1) text += fmt::format("^{}", it->second);
  }
  return text;
}

std::string text_of(const DimTerms& terms) {
  std::string text;
  for (const auto& [monomial, coefficient] : terms) {
    const std::uint64_t magnitude =
        coefficient < 0 ? 0 - static_cast<std::uint64_t>(coefficient) : static_cast<std::uint64_t>(coefficient);
    if (!text.empty()) text += ' ';
    if (coefficient < 0) text += "- ";
    else if (!text.empty()) text += "+ ";
    if (monomial.factors.empty()) text += fmt::format("{}", magnitude);
    else if (magnitude == 1) text += text_of(monomial);
    else text += fmt::format("{}*{}", magnitude, text_of(monomial));
  }
  return text;
}

}  // namespace

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  check(!__builtin_add_overflow(a, b, &r), "Dim: a sum does not fit in 64 bits. Got {} + {}.", a, b);
  return r;
}

std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  check(!__builtin_mul_overflow(a, b, &r), "Dim: a product does not fit in 64 bits. Got {} * {}.", a, b);
  return r;
}

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  check(b != 0, "floordiv: integer division or modulo by zero.");
  if (b == -1) return checked_mul(a, -1);
  const std::int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
  check(b != 0, "mod: integer division or modulo by zero.");
  if (b == -1) return 0;
  const std::int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

int compare(const DimAtom& a, const DimAtom& b) {
  if (&a == &b) return 0;
  if (const int c = three_way(a.size, b.size)) return c;
  if (const int c = three_way(a.kind != DimAtom::Kind::variable, b.kind != DimAtom::Kind::variable)) return c;
  if (a.kind == DimAtom::Kind::variable) return three_way(a.name, b.name);
  if (const int c = three_way(kind_name(a.kind), kind_name(b.kind))) return c;
  if (const int c = compare_dims(a.a, b.a)) return c;
  return compare_dims(a.b, b.b);
}

int compare(const DimMonomial& a, const DimMonomial& b) {
  if (const int c = three_way(size_of(a), size_of(b))) return c;
  for (std::size_t i = 0; i < std::min(a.factors.size(), b.factors.size()); ++i) {
    if (const int c = compare(*a.factors[i].first, *b.factors[i].first)) return c;
    if (const int c = three_way(a.factors[i].second, b.factors[i].second)) return c;
  }
  return three_way(a.factors.size(), b.factors.size());
}

DimTerms terms_of(Dim d) {
  if (!d.is_constant()) return d.expr()->terms;
  if (d.value() == 0) return {};
  return {{DimMonomial{}, d.value()}};
}

Dim from_terms(DimTerms terms) {
  const ScopeData* scope = common_scope(terms);
  DimTerms merged = collected(std::move(terms));
  if (scope && !scope->rewrites.empty()) {
    merged = collected(rewritten(std::move(merged), *scope));
    scope = common_scope(merged);
  }
  if (merged.empty()) return 0;
  if (merged.size() == 1 && merged[0].first.factors.empty()) return merged[0].second;
  check(merged.size() < kMaxTerms, "Dim: an expression grew too long. Got {} terms; expected less than {}.",
        merged.size(), kMaxTerms);
  DimExpr expr;
  expr.size = size_of(merged);
  expr.scope = scope;
  expr.text = text_of(merged);
  check(expr.text.size() < kMaxText, "Dim: an expression grew too long. Got {} characters; expected less than {}.",
        expr.text.size(), kMaxText);
  expr.hash = std::hash<std::string>{}(expr.text);
  expr.terms = std::move(merged);
  return Dim::from_expr(interner<DimExpr>().intern(std::move(expr)));
}

Dim from_monomial(DimMonomial m, std::int64_t coefficient) { return from_terms({{std::move(m), coefficient}}); }

std::string inner_text(Dim d) {
  if (d.is_constant() && d.value() < 0) return "- " + fmt::format("{}", d.value()).substr(1);
  return d.to_string();
}

Dim operation(DimAtom::Kind kind, Dim a, Dim b) {
  DimAtom atom{.kind = kind,
               .name = {},
               .a = a,
               .b = b,
               .size = plus(1, plus(size_of(a), size_of(b))),
               .scope = common_scope(scope_of(a), scope_of(b), b.to_string()),
               .text = fmt::format("{}({}, {})", kind_name(kind), inner_text(a), inner_text(b))};
  check(atom.text.size() < kMaxText, "Dim: an expression grew too long. Got {} characters; expected less than {}.",
        atom.text.size(), kMaxText);
  return from_monomial({{{interner<DimAtom>().intern(std::move(atom)), 1}}}, 1);
}

DimMonomial variable_monomial(std::string_view name, const ScopeData* scope) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const bool ok = !name.empty() && letter(name[0]) &&
                  std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
  check(ok, "Dim::variable: this is not the name of a variable. Got '{}'; expected letters, digits and underscores.",
        name);
  DimAtom atom{.kind = DimAtom::Kind::variable,
               .name = std::string(name),
               .a = {},
               .b = {},
               .size = 1,
               .scope = scope,
               .text = std::string(name)};
  return {{{interner<DimAtom>().intern(std::move(atom)), 1}}};
}

std::optional<DimMonomial> divide(const DimMonomial& a, const DimMonomial& b) {
  DimMonomial quotient = a;
  for (const auto& [atom, exponent] : b.factors) {
    const auto it = std::ranges::find(quotient.factors, atom, &std::pair<const DimAtom*, int>::first);
    if (it == quotient.factors.end() || it->second < exponent) return std::nullopt;
    it->second -= exponent;
    if (it->second == 0) quotient.factors.erase(it);
  }
  return quotient;
}

}  // namespace tf2jax::detail

namespace tf2jax {

Dim Dim::from_expr(const DimExpr* expr) {
  Dim d;
  d.expr_ = expr;
  return d;
}

}  // namespace tf2jax
