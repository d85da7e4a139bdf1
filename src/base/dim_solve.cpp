// Dimension variables from sizes, one linear equation after the other.
#include "tf2jax/base/dim_solve.h"

#include <algorithm>
#include <set>

#include "tf2jax/base/internal/dim_expr.h"

namespace tf2jax {

std::vector<DimSource> solve_dims(const std::vector<Shape>& shapes) {
  std::vector<DimSource> sources;
  std::set<std::string> known;
  const auto solve = [&](std::size_t a, std::int64_t axis) {
    std::string wanted;
    for (const auto& v : shapes[a][axis].variables())
      if (!known.contains(v)) {
        if (!wanted.empty()) return false;
        wanted = v;
      }
    if (wanted.empty()) return false;
    DimSource s{wanted, a, axis, 0, 0};
    for (const auto& [monomial, coefficient] : detail::terms_of(shapes[a][axis])) {
      const Dim term = detail::from_monomial(monomial, coefficient);
      const auto names = term.variables();
      if (std::ranges::find(names, wanted) == names.end()) {
        s.rest += term;
        continue;
      }
      if (!is_variable(detail::from_monomial(monomial, 1))) return false;
      s.factor = coefficient;
    }
    known.insert(wanted);
    sources.push_back(s);
    return true;
  };
  // What is a variable alone comes first, so that sizes mean what they seem to.
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i)
      if (is_variable(shapes[a][i])) solve(a, static_cast<std::int64_t>(i));
  for (bool again = true; again;) {
    again = false;
    for (std::size_t a = 0; a < shapes.size(); ++a)
      for (std::size_t i = 0; i < shapes[a].size(); ++i) again = solve(a, static_cast<std::int64_t>(i)) || again;
  }
  std::string missing;
  for (const auto& v : variables_of(shapes))
    if (!known.contains(v)) missing += (missing.empty() ? "'" : ", '") + v + "'";
  check(missing.empty(),
        "Cannot solve for values of dimension variables {{{}}}. We can only solve linear uni-variate constraints.",
        missing);
  return sources;
}

bool is_variable(Dim d) {
  if (d.is_constant() || d.expr()->terms.size() != 1) return false;
  const auto& [monomial, coefficient] = d.expr()->terms[0];
  return coefficient == 1 && monomial.factors.size() == 1 && monomial.factors[0].second == 1 &&
         monomial.factors[0].first->kind == DimAtom::Kind::variable;
}

std::vector<std::string> variables_of(const std::vector<Shape>& shapes) {
  std::set<std::string> names;
  for (const Shape& s : shapes)
    for (const Dim d : s)
      for (const auto& v : d.variables()) names.insert(v);
  return {names.begin(), names.end()};
}

std::vector<SymbolicConstraint> constraints_on(const std::vector<Shape>& shapes) {
  Shape all;
  for (const Shape& s : shapes) all.insert(all.end(), s.begin(), s.end());
  const auto known = variables_of(shapes);
  std::vector<SymbolicConstraint> out = SymbolicScope::of(all).constraints();
  std::erase_if(out, [&](const SymbolicConstraint& c) {
    const auto names = c.difference.variables();
    return !std::ranges::includes(known, names);
  });
  return out;
}

std::string violation_text(const SymbolicConstraint& c) {
  return fmt::format("Input shapes do not match the symbolic shape constraint {}. Expected '{}' to be {} 0", c.text,
                     c.difference, c.equal ? "equal to" : "greater or equal to");
}

}  // namespace tf2jax
