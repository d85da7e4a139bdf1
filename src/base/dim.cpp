// Arithmetic, bounds and comparison of dimensions.
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
      "Dim: a size must be known here. Got the symbolic dimension '{}'; expected an integer. Give the dimension a "
      "size.",
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

Dim power(Dim base, int exponent) {
  Dim result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
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
        value = it == environment.end() ? Dim::variable(atom->name) : it->second;
      } else {
        value = apply(atom->kind, atom->a.substitute(environment), atom->b.substitute(environment));
      }
      product *= power(value, exponent);
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

Dim max(Dim a, Dim b) {
  if (const auto ge = definitely_ge(a, b); ge.value_or(false)) return a;
  if (const auto ge = definitely_ge(b, a); ge.value_or(false)) return b;
  return detail::operation(Kind::max, a, b);
}

Dim min(Dim a, Dim b) {
  if (const auto ge = definitely_ge(b, a); ge.value_or(false)) return a;
  if (const auto ge = definitely_ge(a, b); ge.value_or(false)) return b;
  return detail::operation(Kind::min, a, b);
}

namespace {

// One end of an interval; infinite when `finite` is false, in the direction of `sign`.
struct End {
  bool finite;
  std::int64_t value;  // -1 or +1 when infinite
};
struct Interval {
  End lower, upper;
};
constexpr End kMinus{false, -1}, kPlus{false, 1};

Interval exactly(std::int64_t v) { return {{true, v}, {true, v}}; }

bool less(End a, End b) {
  if (a.finite && b.finite) return a.value < b.value;
  if (!a.finite && !b.finite) return a.value < b.value;
  return a.finite ? b.value > 0 : a.value < 0;
}

End add(End a, End b) {
  if (!a.finite) return a;
  if (!b.finite) return b;
  std::int64_t r = 0;
  if (__builtin_add_overflow(a.value, b.value, &r)) return a.value < 0 ? kMinus : kPlus;
  return {true, r};
}

int sign(End e) { return e.value < 0 ? -1 : (e.value > 0 ? 1 : 0); }

End multiply(End a, End b) {
  const int s = sign(a) * sign(b);
  if (s == 0) return {true, 0};
  std::int64_t r = 0;
  if (!a.finite || !b.finite || __builtin_mul_overflow(a.value, b.value, &r)) return s < 0 ? kMinus : kPlus;
  return {true, r};
}

End quotient(End a, End b) {  // floor(a / b), b not 0
  if (!b.finite) return {true, a.finite && sign(a) * sign(b) >= 0 ? 0 : (a.finite ? -1 : 0)};
  if (!a.finite) return sign(a) * sign(b) < 0 ? kMinus : kPlus;
  if (b.value == -1) return multiply(a, b);
  return {true, floor_quotient(a.value, b.value)};
}

template <class F>
Interval corners(const Interval& a, const Interval& b, F f) {
  const End all[] = {f(a.lower, b.lower), f(a.lower, b.upper), f(a.upper, b.lower), f(a.upper, b.upper)};
  return {*std::min_element(std::begin(all), std::end(all), less),
          *std::max_element(std::begin(all), std::end(all), less)};
}

Interval interval(Dim d);

Interval interval(const DimAtom& atom) {
  if (atom.kind == Kind::variable) return {{true, 1}, kPlus};
  const Interval a = interval(atom.a), b = interval(atom.b);
  const bool positive = sign(b.lower) > 0, negative = sign(b.upper) < 0;
  switch (atom.kind) {
    case Kind::floordiv:
      if (!positive && !negative) return {kMinus, kPlus};
      if (!a.lower.finite && !a.upper.finite) return {kMinus, kPlus};
      return corners(a, b, quotient);
    case Kind::mod:
      if (positive) return {{true, 0}, add(b.upper, {true, -1})};
      if (negative) return {add(b.lower, {true, 1}), {true, 0}};
      return {kMinus, kPlus};
    case Kind::max: return {std::max(a.lower, b.lower, less), std::max(a.upper, b.upper, less)};
    case Kind::min: return {std::min(a.lower, b.lower, less), std::min(a.upper, b.upper, less)};
    case Kind::variable: break;
  }
  return {kMinus, kPlus};
}

Interval interval(Dim d) {
  if (d.is_constant()) return exactly(d.value());
  Interval sum = exactly(0);
  for (const auto& [monomial, coefficient] : d.expr()->terms) {
    Interval product = exactly(coefficient);
    for (const auto& [atom, exponent] : monomial.factors) {
      const Interval base = interval(*atom);
      for (int i = 0; i < exponent; ++i) product = corners(product, base, multiply);
    }
    // An infinite end absorbs whatever is added; the two ends are kept apart.
    sum.lower = sum.lower.finite ? add(sum.lower, product.lower) : sum.lower;
    sum.upper = sum.upper.finite ? add(sum.upper, product.upper) : sum.upper;
  }
  return sum;
}

// True when d >= 0 can be shown. Operations that occur linearly are replaced by an operand that bounds them.
bool nonnegative(Dim d, int depth) {
  const Interval range = interval(d);
  if (range.lower.finite && range.lower.value >= 0) return true;
  if (depth == 0 || d.is_constant() || less(range.upper, {true, 0})) return false;
  for (const auto& [monomial, coefficient] : d.expr()->terms) {
    if (monomial.factors.size() != 1 || monomial.factors[0].second != 1) continue;
    const DimAtom& atom = *monomial.factors[0].first;
    if (atom.kind == Kind::variable) continue;
    const Dim rest = d - detail::from_monomial(monomial, coefficient);
    const Dim c = coefficient;
    const auto with = [&](Dim bound) { return nonnegative(rest + c * bound, depth - 1); };
    if (atom.kind == Kind::max || atom.kind == Kind::min) {
      const bool either = (atom.kind == Kind::max) == (coefficient > 0);
      if (either ? with(atom.a) || with(atom.b) : with(atom.a) && with(atom.b)) return true;
    }
    if (atom.kind == Kind::floordiv && atom.b.is_constant() && atom.b.value() > 0) {
      // n*floordiv(a, n) lies in [a - n + 1, a].
      const Dim n = atom.b;
      const Dim bound = coefficient > 0 ? atom.a - n + 1 : atom.a;
      if (nonnegative(n * rest + c * bound, depth - 1)) return true;
    }
    if (atom.kind == Kind::mod && coefficient < 0) {
      const Interval a = interval(atom.a), b = interval(atom.b);
      if (sign(a.lower) >= 0 && sign(b.lower) > 0 && with(atom.a)) return true;
      if (sign(b.lower) > 0 && with(atom.b - 1)) return true;
    }
  }
  return false;
}

constexpr int kDepth = 4;

}  // namespace

DimBounds bounds(Dim d) {
  const Interval range = interval(d);
  DimBounds result;
  if (range.lower.finite) result.lower = range.lower.value;
  if (range.upper.finite) result.upper = range.upper.value;
  return result;
}

std::optional<bool> definitely_ge(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return a.value() >= b.value();
  const Dim difference = a - b;
  if (nonnegative(difference, kDepth)) return true;
  if (nonnegative(Dim(-1) - difference, kDepth)) return false;
  return std::nullopt;
}

std::optional<bool> definitely_equal(Dim a, Dim b) {
  if (identical(a, b)) return true;
  if (a.is_constant() && b.is_constant()) return false;
  const Dim difference = a - b;
  if (difference.is_constant()) return difference.value() == 0;
  if (nonnegative(difference - 1, kDepth) || nonnegative(Dim(-1) - difference, kDepth)) return false;
  if (nonnegative(difference, kDepth) && nonnegative(-difference, kDepth)) return true;
  return std::nullopt;
}

namespace {
[[noreturn]] void inconclusive(Dim a, std::string_view op, Dim b) {
  raise<InconclusiveDimensionOperation>(
      "{} comparison '{}' {} '{}' is inconclusive.\n"
      "This error arises for comparison operations with shapes that\nare non-constant, and the result of the operation "
      "cannot be "
      "represented as\na boolean value for all values of the symbolic dimensions involved.",
      op == "==" ? "Dimension polynomial" : "Symbolic dimension", a, op, b);
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
