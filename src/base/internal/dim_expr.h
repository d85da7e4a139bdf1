// The canonical polynomials behind symbolic dimensions.
#pragma once
#include "tf2jax/base/dim.h"

#include <string>
#include <utility>
#include <vector>

namespace tf2jax {

/// A dimension variable or an operation that is not a polynomial. Interned: equal atoms have one address.
struct DimAtom {
  enum class Kind { variable, floordiv, max, min, mod };
  Kind kind = Kind::variable;
  std::string name;  // of a variable
  Dim a, b;          // operands of an operation
  int size = 1;      // 1, or 1 + the operands' sizes; the first sorting key
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
  int size = 0;
  std::string text;
  std::size_t hash = 0;
};

namespace detail {

using DimTerms = std::vector<std::pair<DimMonomial, std::int64_t>>;

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
/// Text of any dimension as it stands inside an expression ("- 2" for -2).
std::string inner_text(Dim d);

std::int64_t checked_add(std::int64_t a, std::int64_t b);
std::int64_t checked_mul(std::int64_t a, std::int64_t b);
std::int64_t floor_quotient(std::int64_t a, std::int64_t b);
std::int64_t floor_remainder(std::int64_t a, std::int64_t b);

}  // namespace detail
}  // namespace tf2jax
