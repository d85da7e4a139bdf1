// A dimension: an integer, or a polynomial over dimension variables.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/base/error.h"

namespace tf2jax {

struct DimExpr;  // canonical polynomial; interned, immutable, never freed
class SymbolicScope;

/// The size of one axis: an integer, or a canonical polynomial over variables that stand for integers >= 1.
/// Cheap to copy. Comparisons are three-valued: where the answer depends on the variables they throw
/// InconclusiveDimensionOperation. `identical`, and `==` of whole shapes, compare expressions and never throw.
class Dim {
 public:
  constexpr Dim(std::int64_t value = 0) : value_(value) {}                        // NOLINT: sizes are integers
  constexpr Dim(int value) : value_(value) {}                                     // NOLINT
  constexpr Dim(std::size_t value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT

  /// The dimension variable `name`, of which no more is known or what its scope says.
  static Dim variable(std::string_view name);
  static Dim variable(std::string_view name, const SymbolicScope& scope);
  /// Reads an expression such as "2*b + floordiv(a, 2)", in the grammar of symbolic_shape. Throws ParseError.
  static Dim parse(std::string_view text);
  static Dim parse(std::string_view text, const SymbolicScope& scope);

  constexpr bool is_constant() const { return expr_ == nullptr; }
  /// The integer. Throws: InconclusiveDimensionOperation when symbolic.
  std::int64_t value() const { return expr_ ? symbolic_value() : value_; }
  /// Prints as JAX does: "2*b + 1", "floordiv(a, 2)".
  std::string to_string() const;
  /// Value under an assignment of all variables. Throws: ValueError when one is missing.
  std::int64_t evaluate(const std::map<std::string, std::int64_t>& environment) const;
  /// The expression with the given variables replaced.
  Dim substitute(const std::map<std::string, Dim>& environment) const;
  /// Names of the variables in it, sorted.
  std::vector<std::string> variables() const;

  const DimExpr* expr() const { return expr_; }
  static Dim from_expr(const DimExpr* expr);  // constant expressions become integers

  /// Equal as expressions, which are canonical: `b` and 2 are not, though b may be 2.
  friend constexpr bool identical(Dim a, Dim b) { return a.value_ == b.value_ && a.expr_ == b.expr_; }

 private:
  [[noreturn]] std::int64_t symbolic_value() const;
  std::int64_t value_ = 0;
  const DimExpr* expr_ = nullptr;
};

Dim operator+(Dim a, Dim b);
Dim operator-(Dim a, Dim b);
Dim operator*(Dim a, Dim b);
inline Dim operator-(Dim a) { return Dim(0) - a; }
inline Dim& operator+=(Dim& a, Dim b) { return a = a + b; }
inline Dim& operator-=(Dim& a, Dim b) { return a = a - b; }
inline Dim& operator*=(Dim& a, Dim b) { return a = a * b; }
/// Division rounding towards minus infinity. Throws: ValueError on division by the constant 0.
Dim floordiv(Dim a, Dim b);
/// Remainder with the sign of the divisor.
Dim mod(Dim a, Dim b);
Dim max(Dim a, Dim b);
Dim min(Dim a, Dim b);
/// Throws: ValueError for negative exponents and those above 64.
Dim pow(Dim base, std::int64_t exponent);
/// Exact quotient; nullopt when `b` does not divide `a` for all variable values as far as can be shown.
std::optional<Dim> exact_div(Dim a, Dim b);

/// Inclusive bounds of a dimension over all values of its variables; nullopt means unbounded.
struct DimBounds {
  std::optional<std::int64_t> lower, upper;
};
DimBounds bounds(Dim d);

/// True or false when it holds (fails) for all variable values, nullopt when undecided.
std::optional<bool> definitely_equal(Dim a, Dim b);
std::optional<bool> definitely_ge(Dim a, Dim b);

/// Throw: InconclusiveDimensionOperation when undecided.
bool operator==(Dim a, Dim b);
bool operator>=(Dim a, Dim b);
bool operator<=(Dim a, Dim b);
bool operator<(Dim a, Dim b);
bool operator>(Dim a, Dim b);

std::size_t hash_value(Dim d);

}  // namespace tf2jax

template <>
struct fmt::formatter<tf2jax::Dim> : tf2jax::detail::TextFormatter {
  template <class Context>
  auto format(const tf2jax::Dim& d, Context& ctx) const {
    return write(d.to_string(), ctx);
  }
};
