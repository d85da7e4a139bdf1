// Bounds of dimensions, and what can be shown of them.
#include <algorithm>
#include <numeric>

#include "tf2jax/base/internal/dim_expr.h"

namespace tf2jax {

using detail::floor_quotient;
using Kind = DimAtom::Kind;

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

// Of an operation by its operands, of a variable because it is at least 1.
Interval own_interval(const DimAtom& atom) {
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

Interval interval(const DimAtom& atom) {
  Interval range = own_interval(atom);
  if (!atom.scope) return range;
  const auto known = atom.scope->ranges.find(&atom);
  if (known == atom.scope->ranges.end()) return range;
  if (const auto& lower = known->second.lower) range.lower = std::max(range.lower, End{true, *lower}, less);
  if (const auto& upper = known->second.upper) range.upper = std::min(range.upper, End{true, *upper}, less);
  return range;
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

bool is_positive(const DimMonomial& m) {
  return std::ranges::all_of(m.factors, [](const auto& f) {
    const End lower = interval(*f.first).lower;
    return lower.finite && lower.value >= 1;
  });
}

}  // namespace

Dim detail::without_common_factors(Dim d) {
  if (d.is_constant()) return d;
  const auto& terms = d.expr()->terms;
  DimMonomial common = terms.back().first;
  std::int64_t factor = 0;
  for (const auto& [monomial, coefficient] : terms) {
    factor = std::gcd(factor, coefficient == INT64_MIN ? 1 : coefficient);
    for (auto& [atom, exponent] : common.factors) {
      const auto it = std::ranges::find(monomial.factors, atom, &std::pair<const DimAtom*, int>::first);
      exponent = it == monomial.factors.end() ? 0 : std::min(exponent, it->second);
    }
  }
  std::erase_if(common.factors, [](const auto& f) { return f.second == 0 || !is_positive({{f}}); });
  if (common.factors.empty() && factor == 1) return d;
  detail::DimTerms rest;
  for (const auto& [monomial, coefficient] : terms)
    rest.emplace_back(*detail::divide(monomial, common), coefficient / factor);
  return detail::from_terms(std::move(rest));
}

namespace {

// A search for a reason that a dimension is at least 0, of bounded length.
class Proof {
 public:
  enum class Effort { plain, full };
  static bool found(Dim d, Effort effort = Effort::full) {
    try {
      return Proof(effort).nonnegative(d, kDepth);
    } catch (const ValueError&) {  // a coefficient on the way does not fit in 64 bits
      return false;
    }
  }

 private:
  static constexpr int kDepth = 4;
  Effort effort_;
  int steps_ = 4000;

  explicit Proof(Effort effort) : effort_(effort) {}

  // Whether m * d - n * p >= 0 can be shown for a fact p >= 0 of the scope that has a term with d in common, n chosen
  // so that it goes; then d >= 0.
  bool follows_from_facts(Dim d, int depth) {
    const auto& terms = d.expr()->terms;
    const auto follows_from = [&](Dim p) {
      if (p.is_constant()) return false;
      return std::ranges::any_of(terms, [&](const auto& term) {
        if (term.first.factors.empty()) return false;
        const auto other = std::ranges::find(p.expr()->terms, term.first, &std::pair<DimMonomial, std::int64_t>::first);
        if (other == p.expr()->terms.end() || (other->second < 0) != (term.second < 0)) return false;
        constexpr std::int64_t kLargest = std::int64_t{1} << 40;
        if (std::max(term.second, other->second) > kLargest || std::min(term.second, other->second) < -kLargest)
          return false;
        const auto common = std::gcd(term.second, other->second);
        const Dim m = std::abs(other->second / common), n = std::abs(term.second / common);
        return nonnegative(m * d - n * p, depth - 1);
      });
    };
    return std::ranges::any_of(d.expr()->scope->facts, follows_from);
  }

  // Whether it can be shown for a product of positive factors that is replaced by one of its divisors that is
  // subtracted elsewhere, which is no larger.
  bool follows_from_divisors(Dim d, int depth) {
    const auto& terms = d.expr()->terms;
    for (const auto& [product, coefficient] : terms) {
      if (coefficient < 0 || !is_positive(product)) continue;
      for (const auto& [divisor, other] : terms) {
        if (other > 0 || divisor == product || !detail::divide(product, divisor)) continue;
        const Dim rest = d - detail::from_monomial(product, coefficient);
        if (nonnegative(rest + detail::from_monomial(divisor, coefficient), depth - 1)) return true;
      }
    }
    return false;
  }

  // True when d >= 0 can be shown. Operations that occur linearly are replaced by an operand that bounds them.
  bool nonnegative(Dim d, int depth) {
    const Interval range = interval(d);
    if (range.lower.finite && range.lower.value >= 0) return true;
    if (depth == 0 || --steps_ < 0 || d.is_constant() || less(range.upper, {true, 0})) return false;
    if (d.expr()->scope && follows_from_facts(d, depth)) return true;
    if (effort_ == Effort::full && follows_from_divisors(d, depth)) return true;
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
};

}  // namespace

DimBounds bounds(Dim d) {
  const Interval range = interval(d);
  DimBounds result;
  if (range.lower.finite) result.lower = range.lower.value;
  if (range.upper.finite) result.upper = range.upper.value;
  return result;
}

bool detail::is_plainly_ge(Dim a, Dim b) { return Proof::found(a - b, Proof::Effort::plain); }

std::optional<bool> definitely_ge(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return a.value() >= b.value();
  const Dim difference = detail::without_common_factors(a - b);
  if (difference.is_constant()) return difference.value() >= 0;
  if (Proof::found(difference)) return true;
  if (Proof::found(Dim(-1) - difference)) return false;
  return std::nullopt;
}

namespace {

// Whether what divides all terms but the constant one does not divide that.
bool never_zero(Dim d) {
  std::int64_t divisor = 0, constant = 0;
  for (const auto& [monomial, coefficient] : d.expr()->terms) {
    if (coefficient == INT64_MIN) return false;
    if (monomial.factors.empty()) constant = coefficient;
    else divisor = std::gcd(divisor, coefficient);
  }
  return constant % divisor != 0;
}

}  // namespace

std::optional<bool> definitely_equal(Dim a, Dim b) {
  if (identical(a, b)) return true;
  if (a.is_constant() && b.is_constant()) return false;
  const Dim difference = detail::without_common_factors(a - b);
  if (difference.is_constant()) return difference.value() == 0;
  if (never_zero(difference)) return false;
  if (Proof::found(difference - 1) || Proof::found(Dim(-1) - difference)) return false;
  if (Proof::found(difference) && Proof::found(-difference)) return true;
  return std::nullopt;
}

}  // namespace tf2jax
