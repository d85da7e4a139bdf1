// Constraints of dimension variables.
#include "tf2jax/base/symbolic_scope.h"

#include "tf2jax/base/internal/dim_expr.h"

#include <algorithm>
#include <memory>
#include <mutex>

namespace tf2jax {
namespace {

using detail::ScopeData;

// Every scope that was ever begun: dimensions refer to them. By their texts those that were completed.
struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<ScopeData>> all;
  std::map<std::vector<std::string>, const ScopeData*> known;
};
Registry& registry() {
  static Registry* const r = std::make_unique<Registry>().release();
  return *r;
}

struct Relation {
  std::string_view left, op, right;
};

Relation relation_of(std::string_view text) {
  for (const std::string_view op : {"==", ">=", "<="}) {
    const std::size_t at = text.find(op);
    if (at != std::string_view::npos) return {text.substr(0, at), op, text.substr(at + 2)};
  }
  raise<ValueError>(
      "Constraint parsing error: must contain one of '==' or '>=' or '<='. Got '{}'; expected a text such as 'a >= b'.",
      text);
}

// Adds constraints to a scope, whose dimensions are made meanwhile.
class ScopeBuilder {
 public:
  ScopeBuilder(ScopeData& data, const SymbolicScope& scope) : data_(data), scope_(scope) {}

  void add(const std::string& text) {
    const Relation r = relation_of(text);
    Dim left = side(r.left), right = side(r.right);
    const bool equal = r.op == "==";
    if (r.op == "<=") std::swap(left, right);
    const Dim difference = left - right;
    if (difference.is_constant()) {
      const std::int64_t d = difference.value();
      check(equal ? d == 0 : d >= 0, "Unsatisfiable explicit constraint: {}", text);
      return;
    }
    check_reachable(difference, equal, text);
    narrow(difference, text);
    if (equal) narrow(-difference, text);
    if (equal) add_rewrite(left, right);
    data_.constraints.push_back({text, difference, equal});
  }

  // What can be used, once no equality comes any more.
  void finish() {
    for (const SymbolicConstraint& c : data_.constraints) {
      const Dim difference = detail::without_common_factors(c.difference);
      add_fact(difference);
      if (c.equal) add_fact(-difference);
      add_facts_of_operations(difference, 0);
    }
  }

 private:
  ScopeData& data_;
  const SymbolicScope& scope_;

  // Adding 0 writes in what equalities say.
  void add_fact(Dim d) {
    if (const Dim fact = d + 0; !fact.is_constant()) data_.facts.push_back(fact);
  }
  // How operations that constraints speak of lie to their operands.
  void add_facts_of_operations(Dim d, int depth) {
    constexpr int kDepth = 8;
    if (d.is_constant() || depth == kDepth) return;
    for (const auto& [monomial, coefficient] : d.expr()->terms)
      for (const auto& [atom, exponent] : monomial.factors) {
        if (atom->kind == DimAtom::Kind::variable) continue;
        const Dim value = detail::from_monomial({{{atom, 1}}}, 1), a = atom->a, b = atom->b;
        if (atom->kind == DimAtom::Kind::max) add_fact(value - a), add_fact(value - b);
        if (atom->kind == DimAtom::Kind::min) add_fact(a - value), add_fact(b - value);
        if (atom->kind == DimAtom::Kind::floordiv && b.is_constant() && b.value() > 0)
          add_fact(a - b * value), add_fact(b * value + b - 1 - a);
        add_facts_of_operations(a, depth + 1);
        add_facts_of_operations(b, depth + 1);
      }
  }

  static void check_reachable(Dim difference, bool equal, const std::string& text) {
    const DimBounds range = bounds(difference);
    const bool reachable = (!range.upper || *range.upper >= 0) && (!equal || !range.lower || *range.lower <= 0);
    check(reachable, "Unsatisfiable constraint: {}", text);
  }

  Dim side(std::string_view text) const {
    const Shape sizes = symbolic_shape(text, {.scope = scope_});
    check(
        sizes.size() == 1,
        "Constraint parsing error: each side must be one dimension. Got {} in '{}'; expected a text such as 'a >= b'.",
        sizes.size(), text);
    return sizes[0];
  }

  void add_rewrite(Dim left, Dim right) {
    check(!left.is_constant() && left.expr()->terms.size() == 1,
          "Invalid equality constraint: {} == {}. The left-hand-side must be of the form `term * coefficient`.", left,
          right);
    const auto [term, coefficient] = left.expr()->terms[0];
    check<NotImplementedError>(
        std::ranges::find(data_.rewrites, term, &ScopeData::Rewrite::term) == data_.rewrites.end(),
        "Found multiple equality constraints with the same left-hand-side: {}", left);
    const auto to = detail::terms_of(right);
    check(std::ranges::find(to, term, &std::pair<DimMonomial, std::int64_t>::first) == to.end(),
          "Invalid equality constraint: {} == {}. The right-hand side must not contain the left one.", left, right);
    data_.rewrites.push_back({term, coefficient, to});
    for (ScopeData::Rewrite& r : data_.rewrites) r.to = detail::terms_of(detail::from_terms(r.to));
    // mod(a, k) == 0 says also what k * floordiv(a, k) is.
    const bool single = term.factors.size() == 1 && term.factors[0].second == 1;
    const DimAtom* atom = single ? term.factors[0].first : nullptr;
    if (atom && atom->kind == DimAtom::Kind::mod && coefficient == 1 && to.empty() && atom->b.is_constant() &&
        atom->b.value() > 0)
      add(fmt::format("{}*floordiv({}, {}) == {}", atom->b, atom->a, atom->b, atom->a));
  }

  // difference >= 0 with one term beside the constant bounds its atom.
  void narrow(Dim difference, const std::string& text) {
    const auto& terms = difference.expr()->terms;
    const auto& [monomial, coefficient] = terms[0];
    const bool alone = terms.size() == 1 || (terms.size() == 2 && terms[1].first.factors.empty());
    if (!alone || monomial.factors.size() != 1 || monomial.factors[0].second != 1) return;
    const std::int64_t constant = terms.size() == 2 ? terms[1].second : 0;
    const DimBounds own = bounds(detail::from_monomial(monomial, 1));
    ScopeData::Range& range =
        data_.ranges.try_emplace(monomial.factors[0].first, ScopeData::Range{own.lower, own.upper}).first->second;
    // c * x + d >= 0: x >= -floor(d / c) for c > 0, and x <= floor(d / -c) otherwise.
    if (coefficient > 0) {
      const std::int64_t bound = detail::checked_mul(detail::floor_quotient(constant, coefficient), -1);
      range.lower = std::max(bound, range.lower.value_or(bound));
    } else {
      const std::int64_t bound = detail::floor_quotient(constant, detail::checked_mul(coefficient, -1));
      range.upper = std::min(bound, range.upper.value_or(bound));
    }
    check(!range.lower || !range.upper || *range.lower <= *range.upper, "Unsatisfiable constraint: {}", text);
  }
};

}  // namespace

namespace detail {

const ScopeData* plain_scope() {
  static const ScopeData* const plain = std::make_unique<ScopeData>().release();
  return plain;
}

std::string scope_text(const ScopeData& scope) {
  std::string out = fmt::format("scope {}", scope.number);
  if (!scope.constraints.empty()) out += " with constraints:";
  for (const SymbolicConstraint& c : scope.constraints) out += "\n  " + c.text;
  return out;
}

}  // namespace detail

SymbolicScope::SymbolicScope() : data_(detail::plain_scope()) {}

SymbolicScope::SymbolicScope(const std::vector<std::string>& constraints) : data_(detail::plain_scope()) {
  if (constraints.empty()) return;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  if (const auto it = r.known.find(constraints); it != r.known.end()) {
    data_ = it->second;
    return;
  }
  constexpr std::size_t kMost = 1000;
  check<ResourceExhaustedError>(constraints.size() <= kMost,
                                "SymbolicScope: there are too many constraints. Got {}; expected at most {}.",
                                constraints.size(), kMost);
  ScopeData& data = *r.all.emplace_back(std::make_unique<ScopeData>());
  data.number = static_cast<int>(r.all.size());
  data_ = &data;
  ScopeBuilder builder(data, *this);
  for (const std::string& text : constraints) builder.add(text);
  builder.finish();
  r.known.emplace(constraints, &data);
}

SymbolicScope SymbolicScope::of(Dim d) {
  return SymbolicScope(d.is_constant() || !d.expr()->scope ? detail::plain_scope() : d.expr()->scope);
}

SymbolicScope SymbolicScope::of(const Shape& shape) {
  SymbolicScope found;
  for (const Dim d : shape)
    if (const SymbolicScope s = of(d); !s.constraints().empty()) found = s;
  return found;
}

const std::vector<SymbolicConstraint>& SymbolicScope::constraints() const { return data_->constraints; }

Dim Dim::variable(std::string_view name, const SymbolicScope& scope) {
  return detail::from_monomial(detail::variable_monomial(name, scope.data_), 1);
}

Dim Dim::variable(std::string_view name) { return variable(name, SymbolicScope()); }

}  // namespace tf2jax
