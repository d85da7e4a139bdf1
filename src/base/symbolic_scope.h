// What is known of dimension variables, and shapes from their texts.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/base/shape.h"

namespace tf2jax {

namespace detail {
struct ScopeData;
}

/// A relation that the variables of a scope keep.
struct SymbolicConstraint {
  std::string text;
  Dim difference;      ///< of its sides, the greater first: at least 0
  bool equal = false;  ///< the difference is 0
};

/// Constraints of dimension variables, each of which is at least 1 besides. Cheap to copy; scopes of the same texts are
/// one. Dimensions of two scopes do not mix.
class SymbolicScope {
 public:
  /// No constraints.
  SymbolicScope();
  /// Each compares two expressions: "a >= b", "2*a <= c + 8", "mod(b, 4) == 0". An equality says how its left side, one
  /// term with a coefficient, is written from then on.
  /// Throws: ParseError; ValueError for constraints that cannot be met and equalities of another form;
  /// NotImplementedError for two equalities of one term.
  explicit SymbolicScope(const std::vector<std::string>& constraints);
  /// The scope of the dimension's variables; without constraints when there are none.
  static SymbolicScope of(Dim d);
  static SymbolicScope of(const Shape& shape);

  /// As given, and those that follow from them.
  const std::vector<SymbolicConstraint>& constraints() const;
  friend bool operator==(SymbolicScope, SymbolicScope) = default;

 private:
  friend class Dim;
  explicit SymbolicScope(const detail::ScopeData* data) : data_(data) {}
  const detail::ScopeData* data_;  // never freed
};

struct SymbolicShapeOptions {
  std::vector<std::string> constraints = {};
  std::optional<SymbolicScope> scope = {};  ///< instead of constraints
  /// What "_" and "..." stand for; unknown sizes are nullopt.
  std::optional<std::vector<std::optional<std::int64_t>>> like = {};
};

/// The shape that a text describes, as `jax.export.symbolic_shape`: sizes between commas, in parentheses or not. A size
/// is "_" (that of `like`) or a sum of products of integers, variables, their powers "b^2", and floordiv, mod, max, min
/// of two sizes; "..." at the end stands for the sizes of `like` that are left.
/// Throws: ParseError that says where; ValueError for a scope beside constraints; what SymbolicScope throws.
Shape symbolic_shape(std::string_view spec, const SymbolicShapeOptions& options = {});

}  // namespace tf2jax
