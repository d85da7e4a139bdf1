// The canonical polynomials behind symbolic dimensions.
#pragma once
#include "tf2jax/base/symbolic_scope.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tf2jax {

/// A dimension variable or an operation that is not a polynomial. Interned: equal atoms have one address.
struct DimAtom {
  enum class Kind { variable, floordiv, max, min, mod };
  Kind kind = Kind::variable;
  std::string name;                          // of a variable
  Dim a, b;                                  // operands of an operation
  std::int64_t size = 1;                     // 1, or 1 + the operands' sizes; the first sorting key
  const detail::ScopeData* scope = nullptr;  // of the variables; null when there are none
  std::string text;
};

/// A product of atoms with exponents, larger atoms first. Empty: the constant 1.
struct DimMonomial {
  std::vector<std::pair<const DimAtom*, int>> factors;
  bool operator==(const DimMonomial&) const = default;
};

/// A sum of at least one non-constant monomial, larger monomials first, coefficients not zero. Interned.
struct DimExpr {
  std::vector<std::pair<DimMonomial, std::int64_t>> terms;
  std::int64_t size = 0;                     // of what it would be written out without coefficients and exponents
  const detail::ScopeData* scope = nullptr;  // of the variables; null when there are none
  std::string text;
  std::size_t hash = 0;
};

namespace detail {

using DimTerms = std::vector<std::pair<DimMonomial, std::int64_t>>;

/// What is known of the variables of one scope. Complete before anything outside sees it.
struct ScopeData {
  struct Rewrite {
    DimMonomial term;
    std::int64_t coefficient = 1;
    DimTerms to;  // what coefficient * term is
  };
  struct Range {
    std::optional<std::int64_t> lower, upper;
  };
  int number = 0;  // 0 without constraints
  std::vector<SymbolicConstraint> constraints;
  std::vector<Rewrite> rewrites;
  std::vector<Dim> facts;                  // each at least 0
  std::map<const DimAtom*, Range> ranges;  // of constraints on one atom alone
};
/// Of variables without constraints.
const ScopeData* plain_scope();
/// "scope 3 with constraints:\n  a >= b".
std::string scope_text(const ScopeData& scope);

/// The variable as it is, without what its scope writes for it.
DimMonomial variable_monomial(std::string_view name, const ScopeData* scope);
/// Three-way order of the printed form; "larger" things print first.
int compare(const DimAtom& a, const DimAtom& b);
int compare(const DimMonomial& a, const DimMonomial& b);

/// The terms of `d`; none for 0.
DimTerms terms_of(Dim d);
/// The dimension with these terms, which may be unsorted, repeated or zero.
Dim from_terms(DimTerms terms);
Dim from_monomial(DimMonomial m, std::int64_t coefficient);
/// An operation as an atom, without simplification.
Dim operation(DimAtom::Kind kind, Dim a, Dim b);
/// The quotient's monomial when `b` divides `a`.
std::optional<DimMonomial> divide(const DimMonomial& a, const DimMonomial& b);
/// Whether a >= b can be shown by what JAX knows too: so that max and min print as there.
bool is_plainly_ge(Dim a, Dim b);
/// Without the positive factors that all terms have in common, which change neither its sign nor whether it is 0.
Dim without_common_factors(Dim d);
/// Text of any dimension as it stands inside an expression ("- 2" for -2).
std::string inner_text(Dim d);

std::int64_t checked_add(std::int64_t a, std::int64_t b);
std::int64_t checked_mul(std::int64_t a, std::int64_t b);
std::int64_t floor_quotient(std::int64_t a, std::int64_t b);
std::int64_t floor_remainder(std::int64_t a, std::int64_t b);

}  // namespace detail
}  // namespace tf2jax
