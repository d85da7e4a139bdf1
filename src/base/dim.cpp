// Arithmetic and comparison of dimensions.
#include "tf2jax/base/dim.h"

#include "tf2jax/base/internal/dim_expr.h"

#include <algorithm>
#include <set>

namespace tf2jax {

using detail::checked_add, detail::checked_mul, detail::floor_quotient, detail::floor_remainder;
using Kind = DimAtom::Kind;

std::string Dim::to_string() const { return expr_ ? expr_->text : fmt::format("{}", value_); }

std::int64_t Dim::symbolic_value() const {
  raise<InconclusiveDimensionOperation>(
      "Symbolic dimension '{}' used in a context that requires a constant: the size must be known here. Give the "
      "dimension a size.",
      to_string());
}

std::size_t hash_value(Dim d) { return d.is_constant() ? std::hash<std::int64_t>{}(d.value()) : d.expr()->hash; }

namespace {

void collect_variables(Dim d, std::set<std::string>& names) {
  if (d.is_constant()) return;
  for (const auto& [monomial, coefficient] : d.expr()->terms) {
    for (const auto& [atom, exponent] : monomial.factors) {
      if (atom->kind == Kind::variable) names.insert(atom->name);
      collect_variables(atom->a, names);
      collect_variables(atom->b, names);
    }
  }
}

Dim apply(Kind kind, Dim a, Dim b) {
  switch (kind) {
    case Kind::floordiv: return floordiv(a, b);
    case Kind::max: return max(a, b);
    case Kind::min: return min(a, b);
    case Kind::mod: return mod(a, b);
    case Kind::variable: break;
  }
  throw InternalError("Dim: a variable is no operation.");
}

}  // namespace

std::vector<std::string> Dim::variables() const {
  std::set<std::string> names;
  collect_variables(*this, names);
  return {names.begin(), names.end()};
}

Dim Dim::substitute(const std::map<std::string, Dim>& environment) const {
  if (is_constant()) return *this;
  Dim sum = 0;
  for (const auto& [monomial, coefficient] : expr_->terms) {
    Dim product = coefficient;
    for (const auto& [atom, exponent] : monomial.factors) {
      Dim value;
      if (atom->kind == Kind::variable) {
        const auto it = environment.find(atom->name);
        value = it == environment.end() ? detail::from_monomial({{{atom, 1}}}, 1) : it->second;
      } else {
        value = apply(atom->kind, atom->a.substitute(environment), atom->b.substitute(environment));
      }
      product *= pow(value, exponent);
    }
    sum += product;
  }
  return sum;
}

std::int64_t Dim::evaluate(const std::map<std::string, std::int64_t>& environment) const {
  std::map<std::string, Dim> dims;
  for (const auto& name : variables()) {
    const auto it = environment.find(name);
    check(
        it != environment.end(),
        "Dim::evaluate: a dimension variable has no value. Got none for '{}' of '{}'; expected one for each variable.",
        name, to_string());
    dims.emplace(name, it->second);
  }
  return substitute(dims).value();
}

Dim operator+(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return checked_add(a.value(), b.value());
  auto terms = detail::terms_of(a);
  const auto more = detail::terms_of(b);
  terms.insert(terms.end(), more.begin(), more.end());
  return detail::from_terms(std::move(terms));
}

Dim operator-(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) {
    std::int64_t r = 0;
    check(!__builtin_sub_overflow(a.value(), b.value(), &r), "Dim: a difference does not fit in 64 bits. Got {} - {}.",
          a, b);
    return r;
  }
  return a + b * Dim(-1);
}

Dim operator*(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return checked_mul(a.value(), b.value());
  if (identical(a, Dim(1))) return b;
  if (identical(b, Dim(1))) return a;
  detail::DimTerms terms;
  for (const auto& [m, c] : detail::terms_of(a)) {
    for (const auto& [n, d] : detail::terms_of(b)) {
      DimMonomial product = m;
      for (const auto& factor : n.factors) {
        const auto it = std::ranges::find(product.factors, factor.first, &std::pair<const DimAtom*, int>::first);
        if (it == product.factors.end()) product.factors.push_back(factor);
        else it->second += factor.second;
      }
      std::ranges::sort(product.factors,
                        [](const auto& x, const auto& y) { return detail::compare(*x.first, *y.first) > 0; });
      terms.emplace_back(std::move(product), checked_mul(c, d));
    }
  }
  return detail::from_terms(std::move(terms));
}

namespace {

struct Division {
  Dim quotient, remainder;
};

// Long division by the leading term; nullopt when the remainder is not a constant in [0, |b|) for all values.
std::optional<Division> divide(Dim a, Dim b) {
  check(!identical(b, Dim(0)), "floordiv: integer division or modulo by zero.");
  if (a.is_constant() && b.is_constant()) {
    return Division{floor_quotient(a.value(), b.value()), floor_remainder(a.value(), b.value())};
  }
  Dim rest = a, quotient = 0;
  const auto leading = detail::terms_of(b).front();
  while (!rest.is_constant()) {
    const auto [monomial, coefficient] = rest.expr()->terms.front();
    const auto ratio = detail::divide(monomial, leading.first);
    if (!ratio || floor_remainder(coefficient, leading.second) != 0) return std::nullopt;
    const Dim q = detail::from_monomial(*ratio, floor_quotient(coefficient, leading.second));
    quotient += q;
    rest -= q * b;
  }
  if (b.is_constant())
    return Division{quotient + floor_quotient(rest.value(), b.value()), floor_remainder(rest.value(), b.value())};
  if (rest.value() != 0) return std::nullopt;
  return Division{quotient, 0};
}

}  // namespace

Dim floordiv(Dim a, Dim b) {
  if (const auto exact = divide(a, b)) return exact->quotient;
  return detail::operation(Kind::floordiv, a, b);
}

Dim mod(Dim a, Dim b) {
  if (const auto exact = divide(a, b)) return exact->remainder;
  return detail::operation(Kind::mod, a, b);
}

std::optional<Dim> exact_div(Dim a, Dim b) {
  if (identical(b, Dim(0))) return std::nullopt;
  const auto exact = divide(a, b);
  if (!exact || !identical(exact->remainder, Dim(0))) return std::nullopt;
  return exact->quotient;
}

Dim pow(Dim base, std::int64_t exponent) {
  constexpr std::int64_t kLargest = 64;
  check(exponent >= 0, "Symbolic dimension cannot be raised to negative powers: '{}' ** '{}'", base, exponent);
  check(exponent <= kLargest, "Dim: the exponent is too large. Got '{}' ** '{}'; expected at most {}.", base, exponent,
        kLargest);
  Dim result = 1;
  for (std::int64_t i = 0; i < exponent; ++i) result *= base;
  return result;
}

Dim max(Dim a, Dim b) {
  if (detail::is_plainly_ge(a, b)) return a;
  if (detail::is_plainly_ge(b, a)) return b;
  return detail::operation(Kind::max, a, b);
}

Dim min(Dim a, Dim b) {
  if (detail::is_plainly_ge(b, a)) return a;
  if (detail::is_plainly_ge(a, b)) return b;
  return detail::operation(Kind::min, a, b);
}

namespace {
// As Python compares: a symbolic dimension is on the left.
[[noreturn]] void inconclusive(Dim a, std::string_view op, Dim b) {
  if (a.is_constant()) {
    constexpr std::pair<std::string_view, std::string_view> kFlipped[] = {
        {"==", "=="}, {"<", ">"}, {">", "<"}, {"<=", ">="}, {">=", "<="}};
    op = std::ranges::find(kFlipped, op, &std::pair<std::string_view, std::string_view>::first)->second;
    std::swap(a, b);
  }
  const detail::ScopeData* scope = a.expr()->scope ? a.expr()->scope : b.is_constant() ? nullptr : b.expr()->scope;
  raise<InconclusiveDimensionOperation>(
      "{} comparison '{}' {} '{}' is inconclusive.\n{}"
      "This error arises for comparison operations with shapes that\nare non-constant, and the result of the operation "
      "cannot be "
      "represented as\na boolean value for all values of the symbolic dimensions involved.",
      op == "==" ? "Dimension polynomial" : "Symbolic dimension", a, op, b,
      scope && !scope->constraints.empty() ? "Using symbolic " + detail::scope_text(*scope) + "\n" : "");
}
}  // namespace

bool operator==(Dim a, Dim b) {
  if (const auto answer = definitely_equal(a, b)) return *answer;
  inconclusive(a, "==", b);
}
bool operator>=(Dim a, Dim b) {
  if (const auto answer = definitely_ge(a, b)) return *answer;
  inconclusive(a, ">=", b);
}
bool operator<(Dim a, Dim b) {
  if (const auto answer = definitely_ge(a, b)) return !*answer;
  inconclusive(a, "<", b);
}
bool operator<=(Dim a, Dim b) {
  if (const auto answer = definitely_ge(b, a)) return *answer;
  inconclusive(a, "<=", b);
}
bool operator>(Dim a, Dim b) {
  if (const auto answer = definitely_ge(b, a)) return !*answer;
  inconclusive(a, ">", b);
}

}  // namespace tf2jax
