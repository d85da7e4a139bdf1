// Dimension variables from sizes, one linear equation after the other.
#include "tf2jax/base/dim_solve.h"

#include <algorithm>
#include <set>

#include "tf2jax/base/internal/dim_expr.h"

namespace tf2jax {

std::vector<DimSource> solve_dims(const std::vector<Shape>& shapes) {
  std::vector<DimSource> sources;
  std::set<std::string> known, all;
  for (const Shape& s : shapes)
    for (const Dim d : s)
      for (const auto& v : d.variables()) all.insert(v);
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
      const bool linear = monomial.factors.size() == 1 && monomial.factors[0].second == 1 &&
                          monomial.factors[0].first->kind == DimAtom::Kind::variable;
      if (!linear) return false;
      s.factor = coefficient;
    }
    known.insert(wanted);
    sources.push_back(s);
    return true;
  };
  // What is a variable alone comes first, so that sizes mean what they seem to.
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i) {
      const auto names = shapes[a][i].variables();
      if (names.size() == 1 && identical(shapes[a][i], Dim::variable(names[0]))) solve(a, static_cast<std::int64_t>(i));
    }
  for (bool again = true; again;) {
    again = false;
    for (std::size_t a = 0; a < shapes.size(); ++a)
      for (std::size_t i = 0; i < shapes[a].size(); ++i) again = solve(a, static_cast<std::int64_t>(i)) || again;
  }
  std::string missing;
  for (const auto& v : all)
    if (!known.contains(v)) missing += (missing.empty() ? "'" : ", '") + v + "'";
  check(missing.empty(),
        "Cannot solve for values of dimension variables {{{}}}. We can only solve linear uni-variate constraints.",
        missing);
  return sources;
}

}  // namespace tf2jax
